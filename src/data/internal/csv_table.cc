#include "data/internal/csv_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "data/internal/readers.h"

namespace spanqa {
namespace {

/// Finds the end of a record in a text that grows: call again with the longer text while it returns false.
class RecordScanner {
 public:
  /// Whether the record ends at end(), on a CR, LF or CRLF. A CR as the last byte leaves it open.
  bool scan(std::string_view text) {
    while (at_ < text.size()) {
      const char c = text[at_];
      if (state_ == State::kQuoted) {
        const void* quote = std::memchr(text.data() + at_, '"', text.size() - at_);
        if (quote == nullptr) {
          at_ = text.size();
          return false;
        }
        at_ = static_cast<std::size_t>(static_cast<const char*>(quote) - text.data()) + 1;
        state_ = State::kQuoteSeen;
        continue;
      }
      if (c == '\n' || c == '\r') return true;
      step(c);
      ++at_;
    }
    return false;
  }

  bool in_quotes() const { return state_ == State::kQuoted; }
  std::size_t end() const { return at_; }

 private:
  enum class State : std::uint8_t { kFieldBegin, kPlain, kQuoted, kQuoteSeen };

  void step(char c) {
    if (c == ',') {
      state_ = State::kFieldBegin;
    } else if (c == '"' && (state_ == State::kFieldBegin || state_ == State::kQuoteSeen)) {
      state_ = State::kQuoted;  // after a quote seen, this one was doubled
    } else {
      state_ = State::kPlain;
    }
  }

  State state_ = State::kFieldBegin;
  std::size_t at_ = 0;
};

std::size_t count_line_ends(std::string_view text) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool lone_cr = text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n');
    if (text[i] == '\n' || lone_cr) ++n;
  }
  return n;
}

/// The field from `i` to the next comma; `i` moves onto the comma or to the end.
std::string_view plain_field(const char* record, std::size_t size, std::size_t& i) {
  const std::size_t begin = i;
  while (i < size && record[i] != ',') ++i;
  return {record + begin, i - begin};
}

/// The quoted field at `i`, its doubled quotes halved in place; `i` moves behind the closing quote.
std::string_view unquote(char* record, std::size_t size, std::size_t& i) {
  const std::size_t begin = ++i;
  std::size_t to = begin;
  for (; i < size; ++i) {
    if (record[i] == '"') {
      ++i;
      if (i >= size || record[i] != '"') break;
    }
    record[to++] = record[i];
  }
  return {record + begin, to - begin};
}

}  // namespace

tl::unexpected<Error> CsvTable::wrong(const std::string& message) const {
  return fail(ErrorCode::kCorrupt, fmt::format("{}:{}: {}", input_.name(), line_, message));
}

Result<CsvTable::Extent> CsvTable::find_record() {
  RecordScanner scanner;
  while (!scanner.scan(input_.available())) {
    const std::size_t size = input_.available().size();
    if (size > kMaxRowBytes) {
      return wrong(fmt::format("a record of more than {} MB; is a quote left open?", kMaxRowBytes >> 20));
    }
    SPANQA_ASSIGN(const bool grew, input_.more());
    if (grew) continue;
    if (scanner.in_quotes()) return wrong("the file ends within a quoted field; expected its closing quote");
    return Extent{size, size};
  }
  const std::size_t end = scanner.end();
  SPANQA_TRY(input_.fill(end + 2));
  const std::string_view text = input_.available();
  const bool is_crlf = text[end] == '\r' && end + 1 < text.size() && text[end + 1] == '\n';
  return Extent{end, end + (is_crlf ? 2 : 1)};
}

Status CsvTable::split(char* record, std::size_t size, std::vector<std::string_view>& fields) const {
  fields.clear();
  for (std::size_t i = 0;; ++i) {
    const bool is_quoted = i < size && record[i] == '"';
    fields.push_back(is_quoted ? unquote(record, size, i) : plain_field(record, size, i));
    if (i >= size) return {};
    if (record[i] != ',') {
      return wrong(
          fmt::format("field {} goes on after its closing quote; quotes within a field are doubled", fields.size()));
    }
  }
}

Result<bool> CsvTable::next(std::vector<std::string_view>& fields) {
  input_.consume(to_consume_);
  to_consume_ = 0;
  while (true) {
    line_ = next_line_;
    SPANQA_ASSIGN(const Extent extent, find_record());
    if (extent.with_line_end == 0) return false;
    next_line_ += count_line_ends(input_.available().substr(0, extent.with_line_end));
    if (extent.size == 0) {
      input_.consume(extent.with_line_end);
      continue;
    }
    SPANQA_TRY(split(input_.data(), extent.size, fields));
    to_consume_ = extent.with_line_end;
    return true;
  }
}

}  // namespace spanqa

// One flat row a line; memory for the longest line only.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "data/internal/flat_row.h"
#include "data/internal/json_text_scan.h"
#include "data/internal/readers.h"
#include "data/internal/text_measure.h"

namespace spanqa {
namespace {

class JsonlReader : public ExampleReader {
 public:
  JsonlReader(Input input, const ExampleReaderOptions& options) : input_(std::move(input)), assembler_(options) {}

  Result<std::optional<Example>> next() override {
    if (is_over_) return std::optional<Example>();
    Result<std::optional<Example>> example = read();
    is_over_ = !example || !*example;
    return example;
  }

  bool would_wait() override {
    std::size_t searched = 0;
    bool in_row = false;  // behind blank lines
    while (!is_over_ && !fault_) {
      const std::string_view text = input_.available();
      if (!in_row) searched = std::min(text.find_first_not_of(" \t\r\n", searched), text.size());
      in_row = searched < text.size() || in_row;
      if (text.size() > kMaxRowBytes || text.find('\n', searched) != std::string_view::npos) return false;
      searched = text.size();
      if (input_.would_wait()) return true;
      const Result<bool> grew = input_.more();
      if (!grew) fault_ = grew.error();
      if (!grew || !*grew) break;
    }
    return false;
  }

  DataFormat format() const override { return DataFormat::kJsonl; }
  const std::string& version() const override { return version_; }
  double progress() const override { return input_.progress(); }

 private:
  Result<std::optional<Example>> read() {
    if (fault_) return tl::unexpected<Error>(*fault_);
    if (line_ == 0) SPANQA_TRY(start());
    while (true) {
      SPANQA_ASSIGN(const std::optional<std::size_t> size, next_line());
      if (!size) return std::optional<Example>();
      ++line_;
      if (is_blank_text({input_.data(), *size})) {
        input_.consume(skip_);
        continue;
      }
      Result<Example> example = read_row(*size);
      if (!example) return tl::unexpected<Error>(std::move(example).error());
      input_.consume(skip_);
      return std::optional<Example>(std::move(*example));
    }
  }

  Status start() {
    SPANQA_TRY(input_.fill(4));
    SPANQA_TRY(refuse_foreign(input_.available(), input_.name()));
    skip_byte_order_mark(input_);
    return {};
  }

  /// Makes a whole line available and returns its length without the line end; sets skip_ to the length with it.
  Result<std::optional<std::size_t>> next_line() {
    std::size_t searched = 0;
    while (true) {
      const std::string_view text = input_.available();
      const void* found =
          text.size() == searched ? nullptr : std::memchr(text.data() + searched, '\n', text.size() - searched);
      if (found != nullptr) {
        const auto size = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
        skip_ = size + 1;
        return std::optional<std::size_t>(size);
      }
      searched = text.size();
      if (searched > kMaxRowBytes) {
        return fail(ErrorCode::kCorrupt, fmt::format("{}:{}: a line of more than {} MB; expected one row a line",
                                                     input_.name(), line_ + 1, kMaxRowBytes >> 20));
      }
      SPANQA_ASSIGN(const bool grew, input_.more());
      if (grew) continue;
      skip_ = searched;
      return searched > 0 ? std::optional<std::size_t>(searched) : std::nullopt;
    }
  }

  Result<Example> read_row(std::size_t size) {
    const auto value = parser_.parse(input_.data(), size);
    if (!value) {
      const std::string_view text(input_.data(), size);
      const JsonFault fault = explain_json_fault(text);
      const std::size_t column = fault.offset;
      return wrong(fmt::format("byte {}: {}{}", column + 1, fault.message,
                               text.starts_with('[') ? "; expected one object a line" : ""));
    }
    Result<FlatRow> row = read_json_row(*value);
    if (!row) return wrong(row.error().message);
    Result<Example> example = assembler_.assemble(std::move(*row));
    if (!example) return wrong(example.error().message);
    example->where = fmt::format("{}:{}", input_.name(), line_);
    return example;
  }

  tl::unexpected<Error> wrong(const std::string& message) const {
    return fail(ErrorCode::kCorrupt, fmt::format("{}:{}: {}", input_.name(), line_, message));
  }

  Input input_;
  RowAssembler assembler_;
  JsonValueParser parser_;
  std::string version_;
  std::size_t line_ = 0;
  std::size_t skip_ = 0;
  bool is_over_ = false;
  std::optional<Error> fault_;  // met by would_wait()
};

}  // namespace

std::unique_ptr<ExampleReader> make_jsonl_reader(Input input, const ExampleReaderOptions& options) {
  return std::make_unique<JsonlReader>(std::move(input), options);
}

}  // namespace spanqa

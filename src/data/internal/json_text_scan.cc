#include "data/internal/json_text_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "base/utf8.h"
#include "data/internal/text_measure.h"

namespace spanqa {
namespace {

bool is_json_blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

enum class ByteKind : std::uint8_t { kOther, kSeparator, kQuote, kOpen, kClose };

constexpr std::array<ByteKind, 256> byte_kinds() {
  std::array<ByteKind, 256> kinds = {};
  for (const char c : {',', ':', ' ', '\n', '\t', '\r'}) kinds[static_cast<std::uint8_t>(c)] = ByteKind::kSeparator;
  kinds['"'] = ByteKind::kQuote;
  kinds['{'] = kinds['['] = ByteKind::kOpen;
  kinds['}'] = kinds[']'] = ByteKind::kClose;
  return kinds;
}
constexpr std::array<ByteKind, 256> kByteKinds = byte_kinds();

/// The value of four hexadecimal digits; -1 when they are not.
int hex4(const char* digits) {
  int value = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = digits[i];
    int digit = -1;
    if (c >= '0' && c <= '9') digit = c - '0';
    if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
    if (c >= 'A' && c <= 'F') digit = c - 'A' + 10;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

/// The code unit of a \uXXXX escape at `offset`; -1 when there is none.
int escaped_unit(const char* text, std::size_t size, std::size_t offset) {
  if (offset + 6 > size || text[offset] != '\\' || text[offset + 1] != 'u') return -1;
  return hex4(text + offset + 2);
}

bool is_high(int unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool is_low(int unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

/// Takes every event and keeps the first error.
class FaultFinder : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t position, const std::string& token, const nlohmann::detail::exception& error) override {
    message_ = plain_json_fault(error.what());
    // The token stands before the position; control characters in it are spelled out, so its length says nothing then.
    const bool is_unexpected = message_.find(" - unexpected ") != std::string::npos &&
                               message_.find(" - unexpected end of input") == std::string::npos;
    const bool is_literal = token.find("<U+") == std::string::npos && token.size() <= position;
    position_ = is_unexpected && is_literal && !token.empty() ? position - token.size() + 1 : position;
    return false;
  }

  std::size_t position_ = 0;  // from 1
  std::string message_;
};

/// nlohmann's message without its number and place: "unexpected end of input; expected '}'".
std::string core_of(const std::string& message) {
  const std::size_t dash = message.find(" - ");
  if (dash == std::string::npos) return message;
  const std::size_t last_read = message.find("; last read: ", dash);
  if (last_read == std::string::npos) return message.substr(dash + 3);
  const std::size_t after = message.find("'; expected", last_read);
  return message.substr(dash + 3, last_read - dash - 3) + (after == std::string::npos ? "" : message.substr(after + 1));
}

}  // namespace

char JsonScanner::peek() {
  while (offset_ < text_.size() && is_json_blank(text_[offset_])) ++offset_;
  return offset_ < text_.size() ? text_[offset_] : '\0';
}

bool JsonScanner::take(char c) {
  if (peek() != c || offset_ >= text_.size()) return false;
  ++offset_;
  return true;
}

bool JsonScanner::string(JsonSlice& slice) {
  if (!take('"')) return false;
  slice.begin = offset_;
  for (std::size_t from = offset_; from < text_.size();) {
    const void* found = std::memchr(text_.data() + from, '"', text_.size() - from);
    if (found == nullptr) break;
    const auto quote = static_cast<std::size_t>(static_cast<const char*>(found) - text_.data());
    std::size_t n_backslashes = 0;
    while (quote - n_backslashes > slice.begin && text_[quote - n_backslashes - 1] == '\\') ++n_backslashes;
    from = quote + 1;
    if (n_backslashes % 2 == 1) continue;
    slice.end = quote;
    offset_ = quote + 1;
    return true;
  }
  offset_ = text_.size();
  return false;
}

bool JsonScanner::value(JsonSlice& slice) {
  peek();
  slice.begin = offset_;
  if (offset_ >= text_.size()) return false;
  const char first = text_[offset_];
  if (first == '"') {
    JsonSlice inner;
    slice.end = string(inner) ? offset_ : slice.begin;
    return slice.end > slice.begin;
  }
  const bool is_container = first == '{' || first == '[';
  if (is_container ? !container() : !scalar()) return false;
  slice.end = offset_;
  return true;
}

bool JsonScanner::scalar() {
  const std::size_t begin = offset_;
  while (offset_ < text_.size() && kByteKinds[static_cast<std::uint8_t>(text_[offset_])] == ByteKind::kOther) ++offset_;
  return offset_ > begin;
}

bool JsonScanner::container() {
  std::size_t depth = 0;
  JsonSlice inner;
  while (offset_ < text_.size()) {
    const ByteKind kind = kByteKinds[static_cast<std::uint8_t>(text_[offset_])];
    if (kind == ByteKind::kQuote) {
      if (!string(inner)) return false;
      continue;
    }
    ++offset_;
    if (kind == ByteKind::kOpen) ++depth;
    if (kind == ByteKind::kClose && --depth == 0) return true;
  }
  return false;
}

JsonScanner::Step JsonScanner::next(bool& first, char closing) {
  if (take(closing)) return Step::kEnd;
  if (!first && !take(',')) return Step::kFault;
  first = false;
  const char c = peek();
  return c == '\0' || c == closing || c == ',' ? Step::kFault : Step::kItem;
}

JsonScanner::Step JsonScanner::next_member(bool& first, std::string_view& key) {
  const Step step = next(first, '}');
  if (step != Step::kItem) return step;
  JsonSlice slice;
  if (!string(slice) || !take(':')) return Step::kFault;
  key = text_.substr(slice.begin, slice.end - slice.begin);
  return Step::kItem;
}

JsonScanner::Step JsonScanner::next_element(bool& first) { return next(first, ']'); }

void replace_lone_surrogates(char* text, std::size_t size) {
  for (std::size_t i = 0; i < size;) {
    const void* found = std::memchr(text + i, '\\', size - i);
    if (found == nullptr) return;
    i = static_cast<std::size_t>(static_cast<const char*>(found) - text);
    const int unit = escaped_unit(text, size, i);
    if (is_high(unit) && is_low(escaped_unit(text, size, i + 6))) {
      i += 12;
      continue;
    }
    if (is_high(unit) || is_low(unit)) std::memcpy(text + i + 2, "fffd", 4);
    i += unit >= 0 ? 6 : 2;
  }
}

JsonFault explain_json_fault(std::string_view text) {
  const std::size_t ill_formed = find_ill_formed_utf8(text);
  if (ill_formed < text.size()) {
    const auto byte = static_cast<std::uint8_t>(text[ill_formed]);
    return {ill_formed, fmt::format("byte 0x{:02X} is not UTF-8; save the file as UTF-8", byte)};
  }
  FaultFinder finder;
  if (nlohmann::json::sax_parse(text.begin(), text.end(), &finder)) {
    return {0, "a number or a nesting that is too large"};  // what simdjson refuses and the grammar allows
  }
  const std::size_t offset = std::min(finder.position_ > 0 ? finder.position_ - 1 : 0, text.size());
  return {offset, fmt::format("not JSON: {}", core_of(finder.message_))};
}

std::string place_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto n_lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t line_begin = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return fmt::format("line {}, column {}", n_lines + 1, count_code_points(before.substr(line_begin)) + 1);
}

}  // namespace spanqa

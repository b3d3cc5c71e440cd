#include "base/json_text.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <iterator>

#include "base/utf8.h"

namespace spanqa {
namespace {

void append_unit(std::string& out, std::uint32_t unit) { fmt::format_to(std::back_inserter(out), "\\u{:04x}", unit); }

void append_escaped(std::string& out, char32_t c) {
  switch (c) {
    case U'"':
      out += "\\\"";
      return;
    case U'\\':
      out += "\\\\";
      return;
    case U'\n':
      out += "\\n";
      return;
    case U'\r':
      out += "\\r";
      return;
    case U'\t':
      out += "\\t";
      return;
    case U'\b':
      out += "\\b";
      return;
    case U'\f':
      out += "\\f";
      return;
    default:
      break;
  }
  if (c >= 0x20 && c < 0x7F) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x10000) {
    append_unit(out, c);
  } else {
    append_unit(out, 0xD800 + ((c - 0x10000) >> 10));
    append_unit(out, 0xDC00 + ((c - 0x10000) & 0x3FF));
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = decode_utf8(text, i);
    append_escaped(out, c.value);
    i += c.bytes;
  }
  out.push_back('"');
}

void append_json_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value > 0 ? "Infinity" : "-Infinity";
    return;
  }
  // repr uses the fixed form for decimal exponents -4 to 15; to_chars alone would pick whichever is shorter.
  char scientific[64];
  const auto shortest =
      std::to_chars(std::begin(scientific), std::end(scientific), value, std::chars_format::scientific);
  const std::string_view digits(scientific, static_cast<std::size_t>(shortest.ptr - scientific));
  const std::size_t e = digits.find('e');
  int exponent = 0;
  const char* first = digits.data() + e + 1;
  std::from_chars(*first == '+' ? first + 1 : first, digits.data() + digits.size(), exponent);
  if (exponent < -4 || exponent >= 16) {
    out.append(digits);
    return;
  }
  char fixed[64];
  const auto end = std::to_chars(std::begin(fixed), std::end(fixed), value, std::chars_format::fixed);
  const std::string_view text(fixed, static_cast<std::size_t>(end.ptr - fixed));
  out.append(text);
  if (text.find('.') == std::string_view::npos) out += ".0";
}

std::string_view plain_json_fault(std::string_view what) {
  constexpr std::string_view kEnd = "] ";
  const std::size_t end = what.starts_with("[json.exception.") ? what.find(kEnd) : std::string_view::npos;
  return end == std::string_view::npos ? what : what.substr(end + kEnd.size());
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string json_number(double value) {
  std::string out;
  append_json_number(out, value);
  return out;
}

}  // namespace spanqa

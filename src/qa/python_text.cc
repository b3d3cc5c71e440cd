#include "qa/python_text.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/utf8.h"
#include "qa/python_unicode_tables.h"

namespace spanqa {
namespace {

using python_unicode::LowerRun;
using python_unicode::UnicodeRange;

constexpr char32_t kCapitalSigma = 0x3A3;
constexpr char32_t kSmallSigma = 0x3C3;
constexpr char32_t kFinalSigma = 0x3C2;
constexpr char32_t kCapitalDottedI = 0x130;
constexpr char32_t kCombiningDotAbove = 0x307;

/// The entry whose range may hold `c`: the last one that starts at or before it.
template <typename Table>
auto find_row(const Table& table, char32_t c) {
  const auto above = std::upper_bound(table.begin(), table.end(), c,
                                      [](char32_t value, const auto& row) { return value < row.first; });
  return above == table.begin() || c > (above - 1)->last ? table.end() : above - 1;
}

template <typename Table>
bool contains(const Table& table, char32_t c) {
  return find_row(table, c) != table.end();
}

constexpr bool is_ascii_upper(char32_t c) { return c >= U'A' && c <= U'Z'; }
constexpr bool is_ascii_letter(char32_t c) { return is_ascii_upper(c) || (c >= U'a' && c <= U'z'); }

bool is_cased(char32_t c) { return c < 0x80 ? is_ascii_letter(c) : contains(python_unicode::kCased, c); }

bool is_case_ignorable(char32_t c) {
  if (c < 0x80) return c == U'\'' || c == U'.' || c == U':' || c == U'^' || c == U'`';
  return contains(python_unicode::kCaseIgnorable, c);
}

char32_t lower_one(char32_t c) {
  if (c < 0x80) return is_ascii_upper(c) ? c + 32 : c;
  const auto row = find_row(python_unicode::kLower, c);
  if (row == python_unicode::kLower.end() || (c - row->first) % row->step != 0) return c;
  return static_cast<char32_t>(static_cast<std::int64_t>(c) + row->delta);
}

/// Unicode's Final_Sigma condition: a cased letter before and none after, case-ignorable characters aside.
bool is_final_sigma(const std::vector<char32_t>& text, std::size_t at) {
  std::size_t before = at;
  while (before > 0 && is_case_ignorable(text[before - 1])) --before;
  if (before == 0 || !is_cased(text[before - 1])) return false;
  std::size_t after = at + 1;
  while (after < text.size() && is_case_ignorable(text[after])) ++after;
  return after == text.size() || !is_cased(text[after]);
}

std::string lower_unicode(std::string_view text) {
  std::vector<char32_t> points;
  points.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = decode_utf8(text, i);
    points.push_back(c.value);
    i += c.bytes;
  }
  std::string out;
  out.reserve(text.size() + 8);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const char32_t c = points[i];
    if (c == kCapitalSigma) {
      append_utf8(out, is_final_sigma(points, i) ? kFinalSigma : kSmallSigma);
    } else if (c == kCapitalDottedI) {
      out.push_back('i');
      append_utf8(out, kCombiningDotAbove);
    } else {
      append_utf8(out, lower_one(c));
    }
  }
  return out;
}

}  // namespace

std::string python_lower(std::string_view text) {
  if (!is_ascii(text)) return lower_unicode(text);
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

bool is_python_word(char32_t c) {
  if (c < 0x80) return is_ascii_letter(c) || (c >= U'0' && c <= U'9') || c == U'_';
  return contains(python_unicode::kAlnum, c);
}

bool is_python_space(char32_t c) {
  if (c < 0x80) return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
         c == 0x202F || c == 0x205F || c == 0x3000;
}

}  // namespace spanqa

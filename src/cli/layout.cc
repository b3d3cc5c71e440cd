#include "cli/layout.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/utf8.h"
#include "cli/terminal.h"

namespace spanqa::cli {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == '\v'; }

/// Columns of a text that may hold escape codes for colour.
std::size_t visible_width(std::string_view text) {
  if (text.find('\x1b') == std::string_view::npos) return display_width(text);
  std::string visible;
  bool in_escape = false;
  for (const char c : text) {
    if (c == '\x1b') in_escape = true;
    if (!in_escape) visible.push_back(c);
    if (in_escape && c == 'm') in_escape = false;
  }
  return display_width(visible);
}

}  // namespace

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : to_valid_utf8(text)) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    if (!control && c != ' ') {
      out.push_back(c);
    } else if (!is_blank(c) || out.empty() || out.back() != ' ') {
      out.push_back(' ');
    }
  }
  return out;
}

std::string wrap(std::string_view text, std::size_t width, std::size_t indent) {
  std::string out;
  std::size_t column = indent;
  bool at_start = true;  // of a line: no blank goes in front of the word
  for (std::size_t begin = 0; begin < text.size();) {
    if (text[begin] == '\n') {
      out += '\n' + std::string(indent, ' ');
      column = indent;
      at_start = true;
      ++begin;
      continue;
    }
    const std::size_t end = std::min(text.find_first_of(" \n", begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    const std::size_t columns = visible_width(word);
    if (!at_start && column + 1 + columns > width) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (!at_start) {
      out += ' ';
      ++column;
    }
    out += word;
    column += columns;
    at_start = false;
    begin = end < text.size() && text[end] == ' ' ? end + 1 : end;
  }
  return out;
}

std::string cut(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  std::string out;
  std::size_t used = 1;  // the ellipsis
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = decode_utf8(text, i);
    const std::size_t width = display_width(text.substr(i, c.bytes));
    if (used + width > columns) break;
    out += text.substr(i, c.bytes);
    used += width;
    i += c.bytes;
  }
  return columns == 0 ? "" : out + "…";
}

std::string pad(std::string_view text, std::size_t columns) {
  std::string out = cut(text, columns);
  out.append(columns - std::min(columns, display_width(out)), ' ');
  return out;
}

std::string pad_left(std::string_view text, std::size_t columns) {
  const std::string out = cut(text, columns);
  return std::string(columns - std::min(columns, display_width(out)), ' ') + out;
}

std::string with_commas(std::size_t number) {
  std::string out = std::to_string(number);
  for (std::size_t i = out.size(); i > 3; i -= 3) out.insert(i - 3, 1, ',');
  return out;
}

std::string counted(std::size_t number, std::string_view noun) {
  return with_commas(number) + " " + std::string(noun) + (number == 1 ? "" : "s");
}

std::string bar(double share, std::size_t columns) {
  static constexpr std::array<std::string_view, 8> kEighths = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  share = std::clamp(share, 0.0, 1.0);
  auto eighths = static_cast<std::size_t>(std::lround(share * static_cast<double>(columns) * 8.0));
  if (share > 0.0) eighths = std::max<std::size_t>(eighths, 1);
  std::string out;
  for (std::size_t i = 0; i < eighths / 8; ++i) out += "█";
  return out.append(kEighths[eighths % 8]);
}

}  // namespace spanqa::cli

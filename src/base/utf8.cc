#include "base/utf8.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace spanqa {
namespace {

constexpr std::size_t kCheckpointBytes = 64;
constexpr std::uint64_t kHighBits = 0x8080808080808080ULL;  // of eight bytes; all clear in ASCII

std::uint8_t byte_at(std::string_view text, std::size_t i) { return static_cast<std::uint8_t>(text[i]); }

/// What the lead byte allows: length, and the range of the second byte (Unicode 15, table 3-7).
struct Lead {
  std::uint32_t length = 0;  // 0: not a lead byte
  std::uint8_t second_low = 0x80;
  std::uint8_t second_high = 0xBF;
};

Lead lead_of(std::uint8_t byte) {
  if (byte >= 0xC2 && byte <= 0xDF) return {.length = 2};
  if (byte == 0xE0) return {.length = 3, .second_low = 0xA0};
  if (byte == 0xED) return {.length = 3, .second_high = 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return {.length = 3};
  if (byte == 0xF0) return {.length = 4, .second_low = 0x90};
  if (byte >= 0xF1 && byte <= 0xF3) return {.length = 4};
  if (byte == 0xF4) return {.length = 4, .second_high = 0x8F};
  return {};
}

}  // namespace

CodePoint decode_utf8(std::string_view text, std::size_t position) {
  const std::uint8_t first = byte_at(text, position);
  if (first < 0x80) return {first, 1};
  const Lead lead = lead_of(first);
  if (lead.length == 0) return {kReplacement, 1};
  char32_t value = static_cast<char32_t>(first & (0x7F >> lead.length));
  for (std::uint32_t i = 1; i < lead.length; ++i) {
    if (position + i >= text.size()) return {kReplacement, i};
    const std::uint8_t next = byte_at(text, position + i);
    const std::uint8_t low = i == 1 ? lead.second_low : 0x80;
    const std::uint8_t high = i == 1 ? lead.second_high : 0xBF;
    if (next < low || next > high) return {kReplacement, i};
    value = (value << 6) | (next & 0x3F);
  }
  return {value, lead.length};
}

void append_utf8(std::string& out, char32_t value) {
  if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) value = kReplacement;
  const auto push = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (value < 0x80) {
    push(value);
  } else if (value < 0x800) {
    push(0xC0 | (value >> 6));
    push(0x80 | (value & 0x3F));
  } else if (value < 0x10000) {
    push(0xE0 | (value >> 12));
    push(0x80 | ((value >> 6) & 0x3F));
    push(0x80 | (value & 0x3F));
  } else {
    push(0xF0 | (value >> 18));
    push(0x80 | ((value >> 12) & 0x3F));
    push(0x80 | ((value >> 6) & 0x3F));
    push(0x80 | (value & 0x3F));
  }
}

bool is_ascii(std::string_view text) {
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + i, 8);
    if ((word & kHighBits) != 0) return false;
  }
  return std::all_of(text.begin() + static_cast<std::ptrdiff_t>(i), text.end(),
                     [](char c) { return static_cast<std::uint8_t>(c) < 0x80; });
}

bool is_valid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = decode_utf8(text, i);
    if (c.value == kReplacement && text.substr(i, c.bytes) != "\xEF\xBF\xBD") return false;
    i += c.bytes;
  }
  return true;
}

std::string to_valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = decode_utf8(text, i);
    append_utf8(out, c.value);
    i += c.bytes;
  }
  return out;
}

std::size_t count_code_points(std::string_view text) {
  if (is_ascii(text)) return text.size();
  std::size_t n = 0;
  for (std::size_t i = 0; i < text.size(); ++n) i += decode_utf8(text, i).bytes;
  return n;
}

TextIndex::TextIndex(std::string_view text) : text_(text), ascii_(is_ascii(text)) {
  if (ascii_) {
    end_ = {text.size(), text.size(), text.size()};
    return;
  }
  checkpoints_.reserve(text.size() / kCheckpointBytes + 1);
  TextPosition here;
  while (here.byte < text.size()) {
    if (here.byte >= checkpoints_.size() * kCheckpointBytes) checkpoints_.push_back(here);
    const CodePoint c = decode_utf8(text, here.byte);
    here.byte += c.bytes;
    here.code_point += 1;
    here.utf16 += c.value > 0xFFFF ? 2 : 1;
  }
  end_ = here;
}

TextPosition TextIndex::advance(TextPosition from, std::size_t byte) const {
  while (from.byte < byte) {
    const CodePoint c = decode_utf8(text_, from.byte);
    from.byte += c.bytes;
    from.code_point += 1;
    from.utf16 += c.value > 0xFFFF ? 2 : 1;
  }
  return from;
}

TextPosition TextIndex::at_byte(std::size_t byte) const {
  SPANQA_CHECK(byte <= text_.size());
  if (ascii_) return {byte, byte, byte};
  if (byte >= text_.size()) return end_;
  std::size_t i = std::min(byte / kCheckpointBytes, checkpoints_.size() - 1);
  if (checkpoints_[i].byte > byte) --i;  // a code point straddles the 64-byte mark: the one before starts earlier
  return advance(checkpoints_[i], byte);
}

TextPosition TextIndex::at_code_point(std::size_t code_point) const {
  if (code_point >= end_.code_point) return end_;
  if (ascii_) return {code_point, code_point, code_point};
  const auto after = std::upper_bound(checkpoints_.begin(), checkpoints_.end(), code_point,
                                      [](std::size_t n, const TextPosition& p) { return n < p.code_point; });
  TextPosition here = *(after - 1);
  while (here.code_point < code_point) here = advance(here, here.byte + 1);
  return here;
}

}  // namespace spanqa

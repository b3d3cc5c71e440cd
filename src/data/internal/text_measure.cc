#include "data/internal/text_measure.h"

#include "base/utf8.h"
#include "data/random.h"

namespace spanqa {

bool is_blank_code_point(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 0x09 && c <= 0x0D);
  if (c >= 0x2000 && c <= 0x200A) return true;
  return c == 0x85 || c == 0xA0 || c == 0x1680 || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

bool is_blank_text(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = decode_utf8(text, i);
    if (!is_blank_code_point(c.value)) return false;
    i += c.bytes;
  }
  return true;
}

std::size_t count_words(std::string_view text) {
  std::size_t n = 0;
  bool in_word = false;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = decode_utf8(text, i);
    const bool blank = is_blank_code_point(c.value);
    if (!blank && !in_word) ++n;
    in_word = !blank;
    i += c.bytes;
  }
  return n;
}

std::string_view trim_blanks(std::string_view text) {
  std::size_t begin = text.size();
  std::size_t end = text.size();
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = decode_utf8(text, i);
    if (!is_blank_code_point(c.value)) {
      if (begin == text.size()) begin = i;
      end = i + c.bytes;
    }
    i += c.bytes;
  }
  return begin == text.size() ? std::string_view() : text.substr(begin, end - begin);
}

std::size_t find_ill_formed_utf8(std::string_view text) {
  if (is_ascii(text)) return text.size();
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = decode_utf8(text, i);
    if (c.value == kReplacement && text.substr(i, c.bytes) != "\xEF\xBF\xBD") return i;
    i += c.bytes;
  }
  return text.size();
}

std::uint64_t text_key(std::string_view text, std::uint64_t seed) {
  std::uint64_t hash = 0xCBF29CE484222325ULL ^ seed;
  for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001B3ULL;
  return SplitMix64(hash).next();
}

}  // namespace spanqa

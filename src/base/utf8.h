// UTF-8: code points, and the three ways to count a position (bytes, code points, UTF-16 units).
//
// Bytes that are not UTF-8 are read as U+FFFD, one for each maximal ill-formed part, as Python's errors="replace" and
// browsers do. So every byte string has code points, and nothing here fails.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace spanqa {

constexpr char32_t kReplacement = 0xFFFD;

/// A code point and the number of bytes it was read from (1 to 4; for U+FFFD from ill-formed bytes 1 to 3).
struct CodePoint {
  char32_t value = 0;
  std::uint32_t bytes = 0;
};

/// The code point at `text[position]`; position < text.size().
CodePoint decode_utf8(std::string_view text, std::size_t position);

/// Appends the UTF-8 form of `value`; surrogates and values above U+10FFFF become U+FFFD.
void append_utf8(std::string& out, char32_t value);

bool is_ascii(std::string_view text);
bool is_valid_utf8(std::string_view text);

/// The text with every ill-formed part replaced by U+FFFD.
std::string to_valid_utf8(std::string_view text);

std::size_t count_code_points(std::string_view text);

/// One place in a text, counted in the three ways callers need.
struct TextPosition {
  std::size_t byte = 0;
  std::size_t code_point = 0;
  std::size_t utf16 = 0;
  friend bool operator==(const TextPosition&, const TextPosition&) = default;
};

/// Converts positions within one text. Keeps a checkpoint every 64 bytes; for ASCII it keeps nothing.
///
/// Threads: immutable. Cost: O(bytes) to build, O(64) a look-up. The text must outlive the index.
class TextIndex {
 public:
  explicit TextIndex(std::string_view text);
  explicit TextIndex(std::string&& text) = delete;  // the view would dangle

  /// The position of `byte` (at most text.size()), which is taken to stand at the start of a code point.
  TextPosition at_byte(std::size_t byte) const;
  /// The position of code point number `code_point`; the end of the text when there are fewer.
  TextPosition at_code_point(std::size_t code_point) const;
  /// The end of the text.
  TextPosition end() const { return end_; }
  std::string_view text() const { return text_; }

 private:
  TextPosition advance(TextPosition from, std::size_t byte) const;

  std::string_view text_;
  TextPosition end_;
  bool ascii_ = true;
  std::vector<TextPosition> checkpoints_;  // checkpoints_[i]: first code point at or after byte 64 * i
};

}  // namespace spanqa

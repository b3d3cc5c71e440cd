// What each code point is to the reference tokenizer: categories, decomposition, lower case.
//
// The reference mixes Unicode generations: marks, punctuation and control characters come from tables of 2016,
// decomposition, case and white space from newer ones. "As the reference has it" below means exactly that mixture,
// measured by tools/make_unicode_tables.py and checked against the golden sweeps over every code point.
#pragma once

#include <cstdint>
#include <vector>

#include "text/unicode_tables.h"

namespace spanqa::unicode {

/// Bits of flags_of(); the order is that of the generator.
enum Flag : std::uint8_t {
  kRemoved = 1 << 0,      // control, format and private-use characters, U+0000, U+FFFD; not \t \n \r
  kSpace = 1 << 1,        // White_Space
  kPunctuation = 1 << 2,  // P* and the ASCII symbols
  kNonspacing = 1 << 3,   // Mn, 2016
  kMark = 1 << 4,         // M*, newer (the StripAccents part)
  kWord = 1 << 5,         // \w of regular expressions
  kHasNfd = 1 << 6,       // decomposes, or is reordered by NFD; Hangul syllables are not marked
  kHasLower = 1 << 7,     // changes in lower case
};

/// The flags of any value; 0 for what is not a code point.
inline std::uint8_t flags_of(char32_t c) {
  if (c >= 0x40000) {
    if (c < 0xE0000 || c > 0x10FFFF) return 0;
    c -= 0xA0000;
  }
  return kBlocks[std::size_t{kStage1[c / kBlockSize]} * kBlockSize + c % kBlockSize];
}

inline bool is_space(char32_t c) { return (flags_of(c) & kSpace) != 0; }
inline bool is_punctuation(char32_t c) { return (flags_of(c) & kPunctuation) != 0; }
inline bool is_word(char32_t c) { return (flags_of(c) & kWord) != 0; }

/// Ideographs that become words of their own. 2B920 where Google's code has 2B820: so does the reference.
constexpr bool is_cjk(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

/// Whether NFD could change `c` or its place among its neighbours.
inline bool nfd_may_change(char32_t c) { return (c >= 0xAC00 && c <= 0xD7A3) || (flags_of(c) & kHasNfd) != 0; }

/// The lower case of `c` alone (a final sigma is a sigma). U+0130 becomes two code points: the second is returned in
/// `second`, which is 0 otherwise.
char32_t lower(char32_t c, char32_t& second);

/// A code point of a decomposition and the rank of its combining class (0: a starter).
struct Decomposed {
  char32_t value = 0;
  std::uint8_t order = 0;
  bool is_first = true;  // of its decomposition
};

/// Appends the full canonical decomposition of `c`, at most 4 code points, unordered among its neighbours.
void append_decomposition(char32_t c, std::vector<Decomposed>& out);

}  // namespace spanqa::unicode

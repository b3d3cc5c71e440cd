#include "text/unicode.h"

#include <gtest/gtest.h>
#include <utf8proc.h>

#include <array>

namespace spanqa::unicode {
namespace {

TEST(Unicode, CategoriesAreThoseOfTheReferenceNotTheNewest) {
  EXPECT_EQ(flags_of(0x07FD) & kNonspacing, 0);  // a mark since Unicode 11
  EXPECT_NE(flags_of(0x1734) & kNonspacing, 0);  // a spacing mark since Unicode 14
  EXPECT_FALSE(is_punctuation(0x2E43));          // punctuation since Unicode 9
  EXPECT_TRUE(is_punctuation(0x166D));           // a symbol since Unicode 12
  EXPECT_EQ(flags_of(0x08E2) & kRemoved, 0);     // a format character since Unicode 9
  EXPECT_NE(flags_of(0x00AD) & kRemoved, 0);
  EXPECT_NE(flags_of(0xE000) & kRemoved, 0);
  EXPECT_NE(flags_of(0x10FFFD) & kRemoved, 0);
  EXPECT_EQ(flags_of(U'\t') & kRemoved, 0);
}

TEST(Unicode, AllAsciiSymbolsSplitWordsButOtherSymbolsDoNot) {
  for (const char c : std::string_view("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")) {
    EXPECT_TRUE(is_punctuation(static_cast<char32_t>(c))) << c;
  }
  for (const char32_t c : {U'\u20ac', U'\u00d7', U'\u00b0', U'\U0001F600'}) EXPECT_FALSE(is_punctuation(c));
}

TEST(Unicode, ValuesThatAreNoCodePointsHaveNoFlags) {
  for (const char32_t c : {0x40000U, 0xDFFFFU, 0xD800U, 0x110000U, 0xFFFFFFFFU})
    EXPECT_EQ(flags_of(c), 0) << static_cast<std::uint32_t>(c);
}

TEST(Unicode, LowerCaseKnowsNoFinalSigmaAndOneExpansion) {
  char32_t second = 1;
  EXPECT_EQ(lower(U'\u03a3', second), U'\u03c3');
  EXPECT_EQ(second, 0U);
  EXPECT_EQ(lower(0x130, second), U'i');
  EXPECT_EQ(second, 0x307U);
  EXPECT_EQ(lower(U'\u1e9e', second), U'\u00df');
  EXPECT_EQ(lower(0x104B0, second), 0x104D8U);
}

std::u32string decomposed(char32_t c) {
  std::vector<Decomposed> parts;
  append_decomposition(c, parts);
  std::u32string out;
  for (const Decomposed& part : parts) out += part.value;
  return out;
}

TEST(Unicode, DecompositionEqualsAnIndependentLibrarysButForOneNewCharacter) {
  std::size_t n_decomposed = 0;
  for (utf8proc_int32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    if (c == 0x11938) continue;  // decomposes since Unicode 13, which the reference does not have
    std::array<utf8proc_int32_t, 8> buffer{};
    int last_class = 0;
    const auto n = utf8proc_decompose_char(c, buffer.data(), buffer.size(), UTF8PROC_DECOMPOSE, &last_class);
    ASSERT_TRUE(n >= 1 && n <= 4) << std::hex << c;
    std::u32string expected;
    for (utf8proc_ssize_t i = 0; i < n; ++i) expected += static_cast<char32_t>(buffer[static_cast<std::size_t>(i)]);
    ASSERT_EQ(decomposed(static_cast<char32_t>(c)), expected) << std::hex << c;
    if (expected != std::u32string(1, static_cast<char32_t>(c))) ++n_decomposed;
  }
  EXPECT_GT(n_decomposed, 11172U + 2000U);  // Hangul and the rest
}

}  // namespace
}  // namespace spanqa::unicode

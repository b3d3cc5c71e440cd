#include "data/internal/text_measure.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace spanqa {
namespace {

TEST(TextMeasure, CountsWordsBetweenBlanksOfUnicode) {
  EXPECT_EQ(count_words(""), 0U);
  EXPECT_EQ(count_words(" \t\n"), 0U);
  EXPECT_EQ(count_words("one"), 1U);
  EXPECT_EQ(count_words(" one  two\u00A0three\u3000vier\u2009fünf "), 5U);
  EXPECT_EQ(count_words("zero\u200Bwidth"), 1U) << "U+200B is not White_Space";
}

TEST(TextMeasure, TrimsBlanksOfUnicodeOnBothSides) {
  EXPECT_EQ(trim_blanks("\u3000 a b\u0085\n"), "a b");
  EXPECT_EQ(trim_blanks("é"), "é");
  EXPECT_EQ(trim_blanks(" \u2028 "), "");
  EXPECT_TRUE(is_blank_text("\u2028 "));
  EXPECT_TRUE(is_blank_text(""));
  EXPECT_FALSE(is_blank_text(" x "));
}

TEST(TextMeasure, FindsTheFirstIllFormedByte) {
  EXPECT_EQ(find_ill_formed_utf8("plain"), 5U);
  EXPECT_EQ(find_ill_formed_utf8("é\uFFFD"), 5U) << "a replacement character that stands there is well-formed";
  EXPECT_EQ(find_ill_formed_utf8("é\xE9x"), 2U);
  EXPECT_EQ(find_ill_formed_utf8("ab\xE2\x82"), 2U) << "cut within a character";
  EXPECT_EQ(find_ill_formed_utf8("\xED\xA0\x80"), 0U) << "a surrogate";
}

TEST(TextMeasure, GivesKeysThatStayTheSame) {
  EXPECT_EQ(text_key("context", 7), text_key("context", 7));
  std::set<std::uint64_t> keys;
  for (int i = 0; i < 10000; ++i) keys.insert(text_key(std::to_string(i)));
  EXPECT_EQ(keys.size(), 10000U);
  EXPECT_NE(text_key("a", 1), text_key("a", 2));
  // FNV-1a of "" is its offset, of "a" af63dc4c8601ec8c (Noll's test vectors); SplitMix64's step of both in Python.
  EXPECT_EQ(text_key(""), 0xC3817C016BA4FF30ULL);
  EXPECT_EQ(text_key("a"), 0x5F29C2AADD9B8527ULL);
}

}  // namespace
}  // namespace spanqa

#include "base/utf8.h"

#include <gtest/gtest.h>

#include <random>

namespace spanqa {
namespace {

TEST(DecodeUtf8, ReadsEveryLength) {
  EXPECT_EQ(decode_utf8("a", 0).value, U'a');
  EXPECT_EQ(decode_utf8("\xC3\xA9", 0).value, U'\u00e9');
  EXPECT_EQ(decode_utf8("\xE2\x82\xAC", 0).value, U'\u20ac');
  EXPECT_EQ(decode_utf8("\xF0\x9F\x98\x80", 0).value, U'\U0001F600');
}

TEST(DecodeUtf8, ReplacesEachMaximalIllFormedPartOnce) {
  // Expected forms are those of Python's bytes.decode("utf-8", "replace").
  EXPECT_EQ(to_valid_utf8("a\xFFz"), "a\uFFFDz");
  EXPECT_EQ(to_valid_utf8("\xE2\x82"), "\uFFFD");  // cut short: one part
  EXPECT_EQ(to_valid_utf8("\xE2\x82z"), "\uFFFDz");
  EXPECT_EQ(to_valid_utf8("\xC0\xAF"), "\uFFFD\uFFFD");                      // overlong
  EXPECT_EQ(to_valid_utf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");            // a surrogate
  EXPECT_EQ(to_valid_utf8("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");  // above U+10FFFF
}

TEST(IsValidUtf8, AcceptsALiteralReplacementCharacter) {
  EXPECT_TRUE(is_valid_utf8("\uFFFD"));
  EXPECT_FALSE(is_valid_utf8("\xFF"));
}

TEST(TextIndex, CountsTheThreeWays) {
  const std::string text = "a\u00e9\u20ac\U0001F600z";
  const TextIndex index(text);
  EXPECT_EQ(index.at_byte(6), (TextPosition{6, 3, 3}));
  EXPECT_EQ(index.at_byte(10), (TextPosition{10, 4, 5}));
  EXPECT_EQ(index.at_code_point(4), (TextPosition{10, 4, 5}));
  EXPECT_EQ(index.end(), (TextPosition{11, 5, 6}));
  EXPECT_EQ(index.at_code_point(99), index.end());
}

TEST(TextIndex, AgreesWithAWalkOnRandomTexts) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    std::string text;
    const std::size_t length = random() % 400;
    while (text.size() < length) {
      if (random() % 8 == 0) {
        text.push_back(static_cast<char>(random() % 256));  // mostly ill-formed
      } else {
        append_utf8(text, static_cast<char32_t>(random() % (random() % 2 == 0 ? 0x80 : 0x11000)));
      }
    }
    const TextIndex index(text);
    TextPosition here;
    while (true) {
      ASSERT_EQ(index.at_byte(here.byte), here);
      ASSERT_EQ(index.at_code_point(here.code_point), here);
      if (here.byte >= text.size()) break;
      const CodePoint c = decode_utf8(text, here.byte);
      here = {here.byte + c.bytes, here.code_point + 1, here.utf16 + (c.value > 0xFFFF ? 2 : 1)};
    }
    ASSERT_EQ(index.end(), here);
    ASSERT_EQ(count_code_points(text), here.code_point);
  }
}

}  // namespace
}  // namespace spanqa

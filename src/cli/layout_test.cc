#include "cli/layout.h"

#include <gtest/gtest.h>

#include <sstream>

#include "cli/terminal.h"

namespace spanqa::cli {
namespace {

TEST(OneLine, JoinsWhiteSpaceAndDisarmsControlCharacters) {
  EXPECT_EQ(one_line("a\n\n  b\tc"), "a b c");
  EXPECT_EQ(one_line("red \x1b[31m!"), "red  [31m!");
  EXPECT_EQ(one_line("caf\xC3"), "caf\uFFFD");
  EXPECT_EQ(one_line(""), "");
}

TEST(Wrap, NoLineIsWiderThanAsked) {
  const std::string text = "The quick brown fox jumps over the lazy dog, and the dog lets it \u5317\u4eac\u5317\u4eac.";
  for (std::size_t width = 20; width < 60; ++width) {
    std::istringstream lines(wrap(text, width, 4));
    std::string joined;
    for (std::string line; std::getline(lines, line);) {
      const bool first = joined.empty();
      EXPECT_LE(display_width(line) + (first ? 4 : 0), width) << line;
      EXPECT_TRUE(first || line.starts_with("    ")) << line;
      joined += (first ? "" : " ") + (first ? line : line.substr(4));
    }
    EXPECT_EQ(joined, text) << width;
  }
}

TEST(Wrap, KeepsLineBreaksAndWordsThatAreTooWide) {
  EXPECT_EQ(wrap("one\ntwo", 80, 2), "one\n  two");
  EXPECT_EQ(wrap("a incomprehensibilities b", 10, 0), "a\nincomprehensibilities\nb");
}

TEST(Wrap, ColourCodesTakeNoColumns) { EXPECT_EQ(wrap("aaaa \x1b[1mbbbb\x1b[0m", 9, 0), "aaaa \x1b[1mbbbb\x1b[0m"); }

TEST(Pad, FillsAndCutsByColumns) {
  EXPECT_EQ(pad("ab", 4), "ab  ");
  EXPECT_EQ(pad_left("ab", 4), "  ab");
  EXPECT_EQ(pad("abcdef", 4), "abc…");
  EXPECT_EQ(pad("\u5317\u4eac\u5317", 4), "\u5317… ");  // two columns each: the third would not fit beside the ellipsis
  EXPECT_EQ(cut("abc", 3), "abc");
  EXPECT_EQ(cut("abc", 0), "");
}

TEST(WithCommas, GroupsByThree) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(22713216), "22,713,216");
}

TEST(Counted, OneHasNoPlural) {
  EXPECT_EQ(counted(0, "question"), "0 questions");
  EXPECT_EQ(counted(1, "question"), "1 question");
  EXPECT_EQ(counted(2000, "question"), "2,000 questions");
}

TEST(Bar, GrowsWithTheShareAndIsNeverEmptyAboveNothing) {
  EXPECT_EQ(bar(0.0, 10), "");
  EXPECT_EQ(display_width(bar(1.0, 10)), 10U);
  EXPECT_EQ(display_width(bar(2.0, 10)), 10U);
  EXPECT_EQ(display_width(bar(1e-9, 10)), 1U);
  EXPECT_EQ(display_width(bar(0.5, 10)), 5U);
}

}  // namespace
}  // namespace spanqa::cli

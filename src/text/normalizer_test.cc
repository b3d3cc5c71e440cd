#include "text/normalizer.h"

#include <gtest/gtest.h>

namespace spanqa {
namespace {

using Kind = NormalizerStep::Kind;

Normalizer with(std::initializer_list<Kind> kinds) {
  std::vector<NormalizerStep> steps;
  for (const Kind kind : kinds) steps.push_back({kind, {}, {}});
  return Normalizer(std::move(steps));
}

std::vector<TextChar> normalized(const Normalizer& normalizer, std::string_view text) {
  std::vector<TextChar> chars;
  append_chars(text, 0, chars);
  NormalizerScratch scratch;
  normalizer.apply(chars, scratch);
  return chars;
}

TEST(Normalizer, DeletesControlCharactersBeforeItLooksForBlanks) {
  EXPECT_EQ(with({Kind::kClean}).apply_to("page1\fpage2\vx\u0085y\x1cz"), "page1page2xyz");
  EXPECT_EQ(with({Kind::kClean}).apply_to("a\tb\nc\rd\u00a0e\u2028f\u3000g"), "a b c d e f g");
  EXPECT_EQ(with({Kind::kClean}).apply_to(std::string_view("\0a\xef\xbf\xbd", 5)), "a");
}

TEST(Normalizer, PutsBlanksAroundIdeographsOnly) {
  EXPECT_EQ(with({Kind::kSpaceCjk}).apply_to("a中b"), "a 中 b");
  EXPECT_EQ(with({Kind::kSpaceCjk}).apply_to("テ\U0002B820\U0002B920"), "テ\U0002B820 \U0002B920 ");
}

TEST(Normalizer, DecomposesAndOrdersMarks) {
  EXPECT_EQ(with({Kind::kDecompose}).apply_to("\u1e69"), "s\u0323\u0307");
  EXPECT_EQ(with({Kind::kDecompose}).apply_to("x\u0301\u0327y\u0307\u0323"), "x\u0327\u0301y\u0323\u0307");
  EXPECT_EQ(with({Kind::kDecompose}).apply_to("\u0301\u0300"), "\u0301\u0300");  // one class: first come first
  EXPECT_EQ(with({Kind::kDecompose}).apply_to("각"), "\u1100\u1161\u11a8");
}

TEST(Normalizer, TheTwoWaysToStripAccentsDifferInMarksThatTakeSpace) {
  const std::string text = "e\u0301\u0903";
  EXPECT_EQ(with({Kind::kDecompose, Kind::kStripAccent}).apply_to(text), "e\u0903");
  EXPECT_EQ(with({Kind::kDecompose, Kind::kStripMarks}).apply_to(text), "e");
}

TEST(Normalizer, WhatIsInsertedHasThePlaceOfWhatStandsBeforeIt) {
  EXPECT_EQ(normalized(with({Kind::kDecompose}), "x\u00e9"),
            (std::vector<TextChar>{{U'x', 0, 1}, {U'e', 1, 3}, {0x301, 1, 3}}));
  EXPECT_EQ(normalized(with({Kind::kLower}), "\u0130b"),
            (std::vector<TextChar>{{U'i', 0, 2}, {0x307, 0, 2}, {U'b', 2, 3}}));
}

TEST(Normalizer, ReplaceTakesThePlaceOfTheLastCharacterReplaced) {
  const Normalizer replace({{Kind::kReplace, U"ab", U"xyz"}});
  EXPECT_EQ(normalized(replace, "abaab"),
            (std::vector<TextChar>{
                {U'x', 1, 2}, {U'y', 1, 2}, {U'z', 1, 2}, {U'a', 2, 3}, {U'x', 4, 5}, {U'y', 4, 5}, {U'z', 4, 5}}));
  EXPECT_EQ(Normalizer({{Kind::kReplace, U"``", U""}}).apply_to("``a```"), "a`");
}

TEST(Normalizer, WithoutStepsNothingChanges) { EXPECT_EQ(Normalizer().apply_to("A\u00e9\t中"), "A\u00e9\t中"); }

}  // namespace
}  // namespace spanqa

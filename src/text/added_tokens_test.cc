#include "text/added_tokens.h"

#include <gtest/gtest.h>

namespace spanqa {
namespace {

std::vector<std::string> found(const AddedTokens& tokens, std::string_view text, bool with_special = true) {
  std::vector<AddedMatch> matches;
  tokens.find(text, with_special, matches);
  std::vector<std::string> out;
  for (const AddedMatch& match : matches) {
    out.push_back(std::to_string(match.id) + ":" + std::string(text.substr(match.begin, match.end - match.begin)));
  }
  return out;
}

using Texts = std::vector<std::string>;

TEST(AddedTokens, TheLeftmostAndOfThoseTheLongestIsTaken) {
  const AddedTokens tokens({{.content = "ab", .id = 1}, {.content = "abc", .id = 2}, {.content = "bcd", .id = 3}});
  EXPECT_EQ(found(tokens, "abcd abd bcd"), (Texts{"2:abc", "1:ab", "3:bcd"}));
  EXPECT_EQ(found(tokens, ""), Texts());
}

TEST(AddedTokens, SpecialOnesCanBeLeftAsText) {
  const AddedTokens tokens({{.content = "[SEP]", .id = 1, .special = true}, {.content = "SEP", .id = 2}});
  EXPECT_EQ(found(tokens, "[SEP] SEP"), (Texts{"1:[SEP]", "2:SEP"}));
  EXPECT_EQ(found(tokens, "[SEP] SEP", false), Texts{"2:SEP"});  // nothing else begins within the one that is text
  EXPECT_FALSE(tokens.has_only_special());
  EXPECT_EQ(found(tokens, "[sep]"), Texts());
}

TEST(AddedTokens, SingleWordsStandBetweenOtherCharacters) {
  const AddedTokens tokens({{.content = "go", .id = 1, .single_word = true}});
  EXPECT_EQ(found(tokens, "go ego gone -go-"), (Texts{"1:go", "1:go"}));
  EXPECT_EQ(found(tokens, "\u00e9go go\u00e9 go_ \u20acgo"), Texts{"1:go"});
}

TEST(AddedTokens, TakeBlanksAlongButNotTwice) {
  const AddedTokens tokens({{.content = "<a>", .id = 1, .lstrip = true, .rstrip = true}});
  EXPECT_EQ(found(tokens, "x \u3000<a>\t <a>"), (Texts{"1: \u3000<a>\t ", "1:<a>"}));
}

TEST(AddedTokens, ReadTextThatIsNotUtf8) {
  const AddedTokens tokens({{.content = "a", .id = 1, .single_word = true, .lstrip = true}});
  EXPECT_EQ(found(tokens, "\x80\x80\x80\x80\x80 a\xE4"), (Texts{"1: a"}));
}

}  // namespace
}  // namespace spanqa

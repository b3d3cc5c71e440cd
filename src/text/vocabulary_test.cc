#include "text/vocabulary.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace spanqa {
namespace {

std::string padded(std::string_view text) { return std::string(text) + std::string(ShortText::kMaxBytes, '~'); }

TEST(ShortText, KeepsAndDropsBytesAtBothEnds) {
  const std::string bytes = "abcdefghijklmnop";
  for (std::uint32_t n = 0; n <= 16; ++n) {
    const ShortText whole = ShortText::load(bytes.data(), 16);
    const ShortText begin = ShortText::load(padded(bytes.substr(0, n)).data(), n);
    EXPECT_EQ(whole.cut(n).low, begin.low) << n;
    EXPECT_EQ(whole.cut(n).high, begin.high) << n;
    const ShortText end = ShortText::load(padded(bytes.substr(n)).data(), 16 - n);
    EXPECT_EQ(whole.without(n).low, end.low) << n;
    EXPECT_EQ(whole.without(n).high, end.high) << n;
  }
}

/// The definition of PieceTable::longest.
PieceMatch longest_ref(const std::map<std::string, std::int32_t>& entries, std::string_view word) {
  for (std::size_t n = word.size(); n > 0; --n) {
    const auto at = entries.find(std::string(word.substr(0, n)));
    if (at != entries.end()) return {at->second, static_cast<std::uint32_t>(n)};
  }
  return {};
}

TEST(PieceTable, FindsTheLongestEntryOfEveryLength) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto random_text = [&random](std::size_t longest) {
    std::string text;
    for (std::size_t n = 1 + random() % longest; n > 0; --n) text += static_cast<char>('a' + random() % 2);
    return text;
  };
  for (int round = 0; round < 50; ++round) {
    std::map<std::string, std::int32_t> entries;
    const std::size_t longest = 1 + random() % 60;
    for (std::size_t n = random() % 300; n > 0; --n)
      entries[random_text(longest)] = static_cast<std::int32_t>(random() % 1000);
    PieceTable table;
    for (const auto& [text, id] : entries) table.insert(text, id);
    for (int i = 0; i < 300; ++i) {
      const std::string word = random_text(70);
      const PieceMatch expected = longest_ref(entries, word);
      const PieceMatch got = table.longest(padded(word).data(), word.size());
      ASSERT_EQ(got.bytes, expected.bytes) << word;
      ASSERT_EQ(got.id, expected.id) << word;
      const auto found = table.find(word);
      ASSERT_EQ(found.has_value(), entries.contains(word));
      if (found) {
        ASSERT_EQ(*found, entries.at(word));
      }
    }
  }
}

TEST(PieceTable, TellsTextsWithNulBytesApart) {
  const std::string with_nul("ab\0", 3);
  PieceTable table;
  table.insert("ab", 1);
  table.insert(with_nul, 2);
  EXPECT_EQ(table.find("ab"), 1);
  EXPECT_EQ(table.find(with_nul), 2);
  EXPECT_EQ(table.find(""), std::nullopt);
}

TEST(Vocabulary, EntriesApartAreFoundButNeverPartOfAWord) {
  const auto built = Vocabulary::build({{"cls", 0}, {"cat", 1}, {"##s", 2}}, {{"cls", 0}, {"later", 5}}, "##");
  ASSERT_TRUE(built) << built.error().message;
  EXPECT_EQ(built->find("cls"), 0);
  EXPECT_EQ(built->find("later"), 5);
  EXPECT_EQ(built->size(), 6U);
  EXPECT_EQ(built->text(4), "");
  EXPECT_EQ(built->starts().longest(padded("cls").data(), 3).bytes, 0U);
  EXPECT_EQ(built->starts().longest(padded("cats").data(), 4).bytes, 3U);
  EXPECT_EQ(built->continuations().longest(padded("s").data(), 1).id, 2);
}

TEST(Vocabulary, RefusesIdsThatCannotBe) {
  EXPECT_FALSE(Vocabulary::build({{"a", -1}}, {}, "##"));
  EXPECT_FALSE(Vocabulary::build({{"a", 1 << 24}}, {}, "##"));
}

}  // namespace
}  // namespace spanqa

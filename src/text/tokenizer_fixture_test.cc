// The reference's answers for small tokenizers that the repository carries (tools/make_text_fixtures.py).
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "base/utf8.h"
#include "shared_data.h"
#include "text/tokenizer.h"

namespace spanqa {
namespace {

using nlohmann::json;
using testing::source_path;

std::vector<json> read_lines(const char* name) {
  std::ifstream file(source_path("tests/fixtures/text") / name);
  std::vector<json> rows;
  for (std::string line; std::getline(file, line);) rows.push_back(json::parse(line));
  EXPECT_FALSE(rows.empty()) << name;
  return rows;
}

std::shared_ptr<const Tokenizer> open_fixture(const std::string& name) {
  auto opened = Tokenizer::open(source_path("tests/fixtures/text") / name);
  if (!opened) ADD_FAILURE() << opened.error().message;
  return opened ? *opened : nullptr;
}

json as_row(const TokenizedText& tokens, const std::string& text) {
  const TextIndex index(text);
  json offsets = json::array();
  for (const ByteSpan& span : tokens.spans) {
    offsets.push_back({index.at_byte(span.begin).code_point, index.at_byte(span.end).code_point});
  }
  return {{"ids", tokens.ids}, {"offsets", offsets}, {"words", tokens.words}};
}

TEST(TokenizerFixture, RowsOfEverySmallTokenizerEqualTheReference) {
  std::map<std::string, std::shared_ptr<const Tokenizer>> tokenizers;
  for (json& row : read_lines("rows.jsonl")) {
    const std::string name = row["tokenizer"];
    const std::string text = row["text"];
    auto& tokenizer = tokenizers[name];
    if (!tokenizer) tokenizer = open_fixture(name);
    ASSERT_NE(tokenizer, nullptr);
    row.erase("tokenizer");
    row.erase("text");
    EXPECT_EQ(as_row(tokenizer->tokenize(text, SpecialsInText::kMatch), text), row) << name << ": " << json(text);
    EXPECT_EQ(as_row(tokenizer->tokenize_ref(text, SpecialsInText::kMatch), text), row) << name << ": " << json(text);
  }
  EXPECT_EQ(tokenizers.size(), 8U);
}

std::optional<std::string> second_of(const json& row) {
  if (row["second"].is_null()) return std::nullopt;
  return row["second"].get<std::string>();
}

TEST(TokenizerFixture, WindowsOfEveryStrategyAndSideEqualTheReference) {
  const std::map<std::string, Truncation> strategies = {{"longest_first", Truncation::kLongestFirst},
                                                        {"only_first", Truncation::kOnlyFirst},
                                                        {"only_second", Truncation::kOnlySecond}};
  const auto tokenizer = open_fixture("uncased");
  ASSERT_NE(tokenizer, nullptr);
  for (const json& row : read_lines("windows.jsonl")) {
    SCOPED_TRACE(row.dump());
    const EncodeOptions options{.truncation = strategies.at(row["strategy"]),
                                .max_length = row["max_length"],
                                .stride = row["stride"],
                                .truncation_side = row["side"] == "left" ? Side::kLeft : Side::kRight};
    const auto encodings = tokenizer->encode(row["first"].get<std::string>(), second_of(row), options);
    ASSERT_EQ(encodings.has_value(), row.contains("windows"));
    if (!encodings) {
      EXPECT_EQ(encodings.error().code, ErrorCode::kInvalidArgument);
      continue;
    }
    json got = json::array();
    for (const Encoding& e : *encodings) got.push_back({e.ids, e.type_ids, e.special_mask});
    EXPECT_EQ(got, row["windows"]);
  }
}

TEST(TokenizerFixture, PaddingEqualsTheReference) {
  const auto tokenizer = open_fixture("uncased");
  ASSERT_NE(tokenizer, nullptr);
  for (const json& row : read_lines("paddings.jsonl")) {
    SCOPED_TRACE(row.dump());
    PaddingOptions padding{.side = row["side"] == "left" ? Side::kLeft : Side::kRight};
    if (!row["length"].is_null()) padding.fixed_length = row["length"].get<std::size_t>();
    if (!row["multiple"].is_null()) padding.multiple_of = row["multiple"].get<std::size_t>();
    const auto encodings =
        tokenizer->encode("the cat", "a b c d e f",
                          {.truncation = Truncation::kOnlySecond, .max_length = 8, .stride = 1, .padding = padding});
    ASSERT_TRUE(encodings) << encodings.error().message;
    json got = json::array();
    for (const Encoding& e : *encodings) got.push_back({e.ids, e.type_ids, e.attention_mask, e.special_mask});
    EXPECT_EQ(got, row["windows"]);
  }
}

TEST(TokenizerFixture, SpecialTokensInTextAreTextUnlessAskedFor) {
  const auto tokenizer = open_fixture("uncased");
  ASSERT_NE(tokenizer, nullptr);
  const TokenizedText as_text = tokenizer->tokenize("the [SEP] cat");
  EXPECT_EQ(std::count(as_text.ids.begin(), as_text.ids.end(), tokenizer->specials().sep), 0);
  EXPECT_EQ(as_text.size(), 5U);  // the, [, unknown, ], cat
  const TokenizedText matched = tokenizer->tokenize("the [SEP] cat", SpecialsInText::kMatch);
  ASSERT_EQ(matched.size(), 3U);
  EXPECT_EQ(matched.ids[1], tokenizer->specials().sep);
  EXPECT_EQ(matched.spans[1], (ByteSpan{4, 9}));
}

TEST(TokenizerFixture, AddedTokensThatAreNotSpecialAreMatchedEitherWay) {
  const auto tokenizer = open_fixture("added");
  ASSERT_NE(tokenizer, nullptr);
  for (const SpecialsInText specials : {SpecialsInText::kText, SpecialsInText::kMatch}) {
    const TokenizedText tokens = tokenizer->tokenize("the <go> cat", specials);
    ASSERT_EQ(tokens.size(), 3U);
    EXPECT_EQ(tokenizer->token(tokens.ids[1]), "<go>");
    EXPECT_EQ(tokens.spans[1], (ByteSpan{3, 9}));  // blanks on both sides belong to it
  }
}

TEST(TokenizerFixture, EncodingSaysWhereEachTokenCameFrom) {
  const auto tokenizer = open_fixture("uncased");
  ASSERT_NE(tokenizer, nullptr);
  const auto encodings = tokenizer->encode("The cat", "caf\u00e9 s", {});
  ASSERT_TRUE(encodings);
  ASSERT_EQ(encodings->size(), 1U);
  const Encoding& e = encodings->front();
  EXPECT_EQ(e.sequence, (std::vector<std::int8_t>{-1, 0, 0, -1, 1, 1, -1}));
  EXPECT_EQ(e.special_mask, (std::vector<std::uint8_t>{1, 0, 0, 1, 0, 0, 1}));
  EXPECT_EQ(e.type_ids, (std::vector<std::uint8_t>{0, 0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(e.words, (std::vector<std::int32_t>{-1, 0, 1, -1, 0, 1, -1}));
  EXPECT_EQ(e.spans, (std::vector<ByteSpan>{{}, {0, 3}, {4, 7}, {}, {0, 5}, {6, 7}, {}}));
}

TEST(TokenizerFixture, OverflowIsDroppedOnRequest) {
  const auto tokenizer = open_fixture("uncased");
  ASSERT_NE(tokenizer, nullptr);
  EncodeOptions options{.truncation = Truncation::kOnlySecond, .max_length = 8, .stride = 1};
  const auto all = tokenizer->encode("the", "a b c d e f g h", options);
  options.keep_overflow = false;
  const auto first = tokenizer->encode("the", "a b c d e f g h", options);
  ASSERT_TRUE(all && first);
  EXPECT_GT(all->size(), 1U);
  ASSERT_EQ(first->size(), 1U);
  EXPECT_EQ(first->front().ids, all->front().ids);
}

}  // namespace
}  // namespace spanqa

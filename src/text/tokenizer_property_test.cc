// What must hold for any text and any small tokenizer of the repository. Each failure prints the seed of its texts.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "shared_data.h"
#include "text/tokenizer.h"

namespace spanqa {
namespace {

constexpr const char* kTokenizers[] = {"uncased", "cased", "keep_accents", "sequence",
                                       "unclean", "bare",  "whole",        "added"};

std::shared_ptr<const Tokenizer> open_fixture(const std::string& name) {
  auto opened = Tokenizer::open(testing::source_path("tests/fixtures/text") / name);
  if (!opened) ADD_FAILURE() << opened.error().message;
  return opened ? *opened : nullptr;
}

/// Texts made to hit every branch: known words, blanks of all kinds, marks, anything in Unicode, and bytes that are no
/// UTF-8.
class RandomTexts {
 public:
  explicit RandomTexts(unsigned seed) : random_(seed) {}

  std::string next() {
    std::string text;
    for (std::size_t n = random_() % 40; n > 0; --n) append_piece(text);
    return text;
  }

 private:
  void append_piece(std::string& text) {
    static constexpr const char* kPieces[] = {"the",
                                              "Cat",
                                              "running",
                                              "unbelievably",
                                              "e\u0301",
                                              "\u0301\u0327",
                                              "caf\u00e9",
                                              " ",
                                              "  ",
                                              "\t",
                                              "\r\n",
                                              "\x0b",
                                              "\f",
                                              ".",
                                              "-",
                                              "[SEP]",
                                              "[CLS]",
                                              "<go>",
                                              "中文",
                                              "テバ",
                                              "한국",
                                              "\u200b",
                                              "\u00ad",
                                              "😀",
                                              "İ",
                                              "ΟΔΟΣ",
                                              "ab",
                                              "\u3000",
                                              "\u0f73",
                                              "\u0344",
                                              "\u1e69",
                                              "“",
                                              "\u037e",
                                              "new york",
                                              "supercalifragilisticexpialidocious",
                                              "12",
                                              "Paris"};
    switch (random_() % 10) {
      case 0:
        return append_utf8(text, static_cast<char32_t>(random_() % 0x3000));
      case 1:
        return append_utf8(text, static_cast<char32_t>(random_() % 0x110000));
      case 2:
        return text.push_back(static_cast<char>(random_() % 256));
      case 3:
        return text.push_back(static_cast<char>(random_() % 128));
      default:
        text += kPieces[random_() % std::size(kPieces)];
    }
  }

  std::mt19937 random_;
};

class Property : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    tokenizer_ = open_fixture(GetParam());
    ASSERT_NE(tokenizer_, nullptr);
  }
  std::shared_ptr<const Tokenizer> tokenizer_;
  const unsigned seed_ = std::random_device{}();
  RandomTexts texts_{seed_};
};

std::string shown(const std::string& text, unsigned seed) {
  std::string out = "seed " + std::to_string(seed) + ", bytes";
  for (const char c : text) {
    constexpr char kDigits[] = "0123456789abcdef";
    out += {' ', kDigits[static_cast<std::uint8_t>(c) >> 4], kDigits[static_cast<std::uint8_t>(c) & 15]};
  }
  return out;
}

TEST_P(Property, TheFastWayEqualsThePlainWay) {
  for (int round = 0; round < 3000; ++round) {
    const std::string text = texts_.next();
    for (const SpecialsInText specials : {SpecialsInText::kText, SpecialsInText::kMatch}) {
      const TokenizedText fast = tokenizer_->tokenize(text, specials);
      const TokenizedText plain = tokenizer_->tokenize_ref(text, specials);
      ASSERT_EQ(fast.ids, plain.ids) << shown(text, seed_);
      ASSERT_EQ(fast.spans, plain.spans) << shown(text, seed_);
      ASSERT_EQ(fast.words, plain.words) << shown(text, seed_);
    }
  }
}

std::vector<bool> borders_of(std::string_view text) {
  std::vector<bool> borders(text.size() + 1, false);
  for (std::size_t i = 0; i < text.size(); i += decode_utf8(text, i).bytes) borders[i] = true;
  borders[text.size()] = true;
  return borders;
}

TEST_P(Property, PlacesAscendAndStandOnCharacterBorders) {
  for (int round = 0; round < 2000; ++round) {
    const std::string text = texts_.next();
    const TokenizedText tokens = tokenizer_->tokenize(text, SpecialsInText::kMatch);
    ASSERT_EQ(tokens.spans.size(), tokens.size());
    ASSERT_EQ(tokens.words.size(), tokens.size());
    const std::vector<bool> borders = borders_of(text);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const ByteSpan span = tokens.spans[i];
      ASSERT_LT(span.begin, span.end) << shown(text, seed_);
      ASSERT_LE(span.end, text.size()) << shown(text, seed_);
      ASSERT_TRUE(borders[span.begin] && borders[span.end]) << shown(text, seed_);
      ASSERT_TRUE(tokens.ids[i] >= 0 && static_cast<std::size_t>(tokens.ids[i]) < tokenizer_->vocabulary_size());
      if (i == 0) continue;
      ASSERT_LE(tokens.spans[i - 1].begin, span.begin) << shown(text, seed_);
      ASSERT_LE(tokens.spans[i - 1].end, span.end) << shown(text, seed_);
      ASSERT_TRUE(tokens.words[i] == tokens.words[i - 1] || tokens.words[i] == tokens.words[i - 1] + 1);
    }
    if (tokens.size() > 0) {
      ASSERT_EQ(tokens.words[0], 0);
    }
  }
}

TEST_P(Property, IllFormedBytesReadAsReplacementCharacters) {
  for (int round = 0; round < 2000; ++round) {
    const std::string text = texts_.next();
    const std::string repaired = to_valid_utf8(text);
    const TokenizedText raw = tokenizer_->tokenize(text);
    const TokenizedText valid = tokenizer_->tokenize(repaired);
    ASSERT_EQ(raw.ids, valid.ids) << shown(text, seed_);
    ASSERT_EQ(raw.words, valid.words) << shown(text, seed_);
    const TextIndex raw_index(text);
    const TextIndex valid_index(repaired);
    for (std::size_t i = 0; i < raw.size(); ++i) {
      ASSERT_EQ(raw_index.at_byte(raw.spans[i].begin).code_point, valid_index.at_byte(valid.spans[i].begin).code_point);
    }
  }
}

TEST_P(Property, WindowsTogetherCoverEveryToken) {
  std::mt19937 random(seed_);
  for (int round = 0; round < 500; ++round) {
    const std::string question = texts_.next();
    const std::string context = texts_.next();
    const std::size_t n_question = tokenizer_->tokenize(question).size();
    const TokenizedText tokens = tokenizer_->tokenize(context);
    const std::size_t room = 1 + random() % 20;
    const EncodeOptions options{.truncation = Truncation::kOnlySecond,
                                .max_length = n_question + 3 + room,
                                .stride = random() % room,
                                .truncation_side = random() % 2 == 0 ? Side::kRight : Side::kLeft};
    const auto encodings = tokenizer_->encode(question, context, options);
    ASSERT_TRUE(encodings) << encodings.error().message << shown(context, seed_);
    std::vector<std::vector<std::int32_t>> parts;
    for (const Encoding& e : *encodings) {
      ASSERT_LE(e.ids.size(), options.max_length);
      parts.emplace_back();
      for (std::size_t i = 0; i < e.ids.size(); ++i) {
        if (e.sequence[i] == 1) parts.back().push_back(e.ids[i]);
      }
    }
    if (options.truncation_side == Side::kLeft) std::ranges::reverse(parts);
    std::vector<std::int32_t> joined = parts.front();
    for (std::size_t i = 1; i < parts.size(); ++i) {
      ASSERT_GT(parts[i].size(), options.stride) << shown(context, seed_);
      joined.insert(joined.end(), parts[i].begin() + static_cast<std::ptrdiff_t>(options.stride), parts[i].end());
    }
    ASSERT_EQ(joined, tokens.ids) << shown(context, seed_);
  }
}

INSTANTIATE_TEST_SUITE_P(Tokenizer, Property, ::testing::ValuesIn(kTokenizers),
                         [](const auto& row) { return std::string(row.param); });

TEST(TokenizerLongText, ALongTextWithoutBlanksIsCutWhereNothingChanges) {
  // Pieces of the fast way end near 4096 bytes; combining marks, jamo and replaced marks stand around each border.
  for (const char* name : {"uncased", "cased", "unclean", "keep_accents"}) {
    const auto tokenizer = open_fixture(name);
    for (const std::string piece :
         {"中", "é\u0327\u0301", "한", "\u3002", "\u2028\u0301", "x\u037e", "\u0387y", "\u200b\u00ad"}) {
      for (std::size_t shift = 0; shift < 4; ++shift) {
        std::string text(shift, 'a');
        while (text.size() < 20000) text += piece;
        const TokenizedText fast = tokenizer->tokenize(text);
        const TokenizedText plain = tokenizer->tokenize_ref(text);
        ASSERT_EQ(fast.ids, plain.ids) << name << " " << piece;
        ASSERT_EQ(fast.spans, plain.spans) << name << " " << piece;
        ASSERT_EQ(fast.words, plain.words) << name << " " << piece;
      }
    }
  }
}

}  // namespace
}  // namespace spanqa

// The reference tokenizer's answers: sample texts, every code point of Unicode, windows of question and context.
#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file.h"
#include "base/utf8.h"
#include "shared_data.h"
#include "text/tokenizer.h"

namespace spanqa {
namespace {

using nlohmann::json;
using testing::shared_path;

std::shared_ptr<const Tokenizer> open_golden(const std::string& which) {
  auto opened = which == "uncased" ? Tokenizer::open(shared_path("models/minilm-squad"))
                                   : Tokenizer::open(shared_path("models/bert-base-cased-vocab"), {.lowercase = false});
  if (!opened) ADD_FAILURE() << opened.error().message;
  return opened ? *opened : nullptr;
}

class Golden : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    SPANQA_NEEDS_SHARED("golden/tokenizer");
    tokenizer_ = open_golden(GetParam());
    ASSERT_NE(tokenizer_, nullptr);
  }
  std::shared_ptr<const Tokenizer> tokenizer_;
};

void expect_row(const json& row, const TokenizedText& got) {
  const std::string text = row["text"];
  EXPECT_EQ(got.ids, row["ids"].get<std::vector<std::int32_t>>()) << text;
  EXPECT_EQ(got.words, row["word_ids"].get<std::vector<std::int32_t>>()) << text;
  const TextIndex index(text);
  ASSERT_EQ(got.spans.size(), row["offsets"].size()) << text;
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(index.at_byte(got.spans[i].begin).code_point, row["offsets"][i][0].get<std::size_t>()) << text;
    EXPECT_EQ(index.at_byte(got.spans[i].end).code_point, row["offsets"][i][1].get<std::size_t>()) << text;
  }
}

TEST_P(Golden, RowsEqualTheReference) {
  std::ifstream file(shared_path("golden/tokenizer/encode-" + GetParam() + ".jsonl"));
  std::size_t n_rows = 0;
  for (std::string line; std::getline(file, line); ++n_rows) {
    const json row = json::parse(line);
    const std::string text = row["text"];
    expect_row(row, tokenizer_->tokenize(text, SpecialsInText::kMatch));
    expect_row(row, tokenizer_->tokenize_ref(text, SpecialsInText::kMatch));
    if (HasFailure()) break;  // one row says enough
  }
  EXPECT_EQ(n_rows, 2148U);
}

/// One code point's line of the text that a sweep hashes.
std::string sweep_line(const Tokenizer& tokenizer, char32_t c) {
  std::string own;
  append_utf8(own, c);
  const std::string text = "a" + own + "b " + own;
  const TokenizedText tokens = tokenizer.tokenize(text);
  const auto code_point = [n = own.size()](std::size_t byte) {  // in "a?b ?", where ? has n bytes
    return byte <= 1 ? byte : byte >= 3 + 2 * n ? std::size_t{5} : byte - n + 1;
  };
  std::string ids;
  std::string places;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0) ids += ',', places += ',';
    ids += std::to_string(tokens.ids[i]);
    places += std::to_string(code_point(tokens.spans[i].begin));
    places += '-';
    places += std::to_string(code_point(tokens.spans[i].end));
  }
  return ids + '|' + places + '\n';
}

std::string sha256(const std::string& bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  std::string hex;
  for (const unsigned char byte : digest) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

TEST_P(Golden, EveryCodePointEqualsTheReference) {
  std::ifstream file(shared_path("golden/tokenizer/sweep-" + GetParam() + ".txt"));
  std::size_t n_blocks = 0;
  std::string first;
  std::string expected;
  for (; file >> first >> expected; ++n_blocks) {
    const auto begin = static_cast<char32_t>(std::stoul(first, nullptr, 16));
    std::string lines;
    for (char32_t c = begin; c < begin + 256; ++c) lines += sweep_line(*tokenizer_, c);
    ASSERT_EQ(sha256(lines), expected) << "block from U+" << first;
  }
  EXPECT_EQ(n_blocks, (0x110000U - 0x800U) / 256);
}

/// Questions and contexts of SQuAD dev by question id.
std::map<std::string, std::pair<std::string, std::string>> squad_pairs() {
  std::map<std::string, std::pair<std::string, std::string>> pairs;
  std::ifstream file(shared_path("data/squad-v1.1/dev-v1.1.json"));
  const json root = json::parse(file);
  for (const json& article : root["data"]) {
    for (const json& paragraph : article["paragraphs"]) {
      for (const json& qa : paragraph["qas"]) pairs[qa["id"]] = {qa["question"], paragraph["context"]};
    }
  }
  return pairs;
}

void expect_window(const json& expected, const Encoding& got, const TextIndex& context) {
  EXPECT_EQ(got.ids, expected["ids"].get<std::vector<std::int32_t>>());
  std::string types;
  for (const std::uint8_t type : got.type_ids) types += static_cast<char>('0' + type);
  EXPECT_EQ(types, expected["type_ids"].get<std::string>());
  const auto code_points = [&context](ByteSpan span) {
    return json::array({context.at_byte(span.begin).code_point, context.at_byte(span.end).code_point});
  };
  const auto first =
      static_cast<std::size_t>(std::find(got.sequence.begin(), got.sequence.end(), 1) - got.sequence.begin());
  ASSERT_LT(first, got.ids.size());
  EXPECT_EQ(first, expected["context_begin"].get<std::size_t>());
  EXPECT_EQ(code_points(got.spans[first]), expected["first"]);
  EXPECT_EQ(code_points(got.spans[got.spans.size() - 2]), expected["last"]);  // before the closing [SEP]
}

TEST_P(Golden, WindowsEqualTheReference) {
  SPANQA_NEEDS_SHARED("data/squad-v1.1/dev-v1.1.json");
  const auto pairs = squad_pairs();
  std::ifstream file(shared_path("golden/tokenizer/windows.jsonl"));
  std::size_t n_rows = 0;
  for (std::string line; std::getline(file, line);) {
    const json row = json::parse(line);
    if (row["tokenizer"] != GetParam()) continue;
    ++n_rows;
    SCOPED_TRACE(row["id"].get<std::string>());
    const auto& [question, context] = pairs.at(row["id"]);
    const auto encodings = tokenizer_->encode(question, context,
                                              {.truncation = Truncation::kOnlySecond,
                                               .max_length = row["max_length"].get<std::size_t>(),
                                               .stride = row["stride"].get<std::size_t>(),
                                               .specials_in_text = SpecialsInText::kMatch});
    ASSERT_TRUE(encodings) << encodings.error().message;
    ASSERT_EQ(encodings->size(), row["windows"].size());
    const TextIndex index(context);
    for (std::size_t i = 0; i < encodings->size(); ++i) expect_window(row["windows"][i], (*encodings)[i], index);
  }
  EXPECT_EQ(n_rows, 180U);
}

INSTANTIATE_TEST_SUITE_P(Tokenizer, Golden, ::testing::Values("uncased", "cased"),
                         [](const auto& row) { return row.param; });

}  // namespace
}  // namespace spanqa

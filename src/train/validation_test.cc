#include "train/validation.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/scratch_file.h"

namespace spanqa {
namespace {

std::shared_ptr<const Tokenizer> small_tokenizer() {
  return Tokenizer::from_files({.name = "uncased", .vocab_txt = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nwho\n?\na\nb\n"},
                               {.lowercase = true, .strip_accents = false})
      .value();
}

std::string row(const std::string& question, const std::string& context, const std::string& golds) {
  return R"({"id": "1", "question": ")" + question + R"(", "context": ")" + context + "\"" + golds + "}\n";
}

const std::string kGolds = R"(, "answers": {"text": ["a"], "answer_start": [0]})";
const std::string kNoAnswer = R"(, "answers": {"text": [], "answer_start": []})";
constexpr WindowOptions kSmall = {.max_length = 8, .overlap = 1};

Result<std::size_t> check(const std::string& rows, std::size_t limit = 0, bool squad_v2 = false) {
  const testing::ScratchFile file("rows.jsonl", rows);
  return check_validation(file.path(), limit, *small_tokenizer(), kSmall, squad_v2);
}

std::string message_of(const Result<std::size_t>& result) { return result ? "" : result.error().message; }

TEST(CheckValidation, CountsTheQuestions) {
  const std::string rows = row("who ?", "a b a b a b", kGolds) + row("who", "a b", kNoAnswer);
  EXPECT_EQ(check(rows, 0, true).value(), 2U);
  EXPECT_EQ(check(rows, 1, true).value(), 1U);
}

TEST(CheckValidation, RefusesAFileWithoutQuestions) {
  const auto empty = check(R"({"version": "1.1", "data": []})");
  ASSERT_FALSE(empty);
  EXPECT_NE(message_of(empty).find("holds no question"), std::string::npos) << message_of(empty);
  const auto missing = check_validation("/nowhere/dev.json", 0, *small_tokenizer(), {}, false);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
}

TEST(CheckValidation, NamesAQuestionThatCannotBeScored) {
  const struct {
    std::string bad;
    const char* what;
  } cases[] = {{row("who", "a b", ""), "no gold answers"},          {row("who", "a b", kNoAnswer), "--squad-v2"},
               {row("", "a b", kGolds), "question is empty"},       {row("who", "", kGolds), "context is empty"},
               {row("a b a b a b", "a b", kGolds), "max_length 8"}, {"{\n", "rows.jsonl:2"}};
  for (const auto& entry : cases) {
    const auto result = check(row("who", "a b", kGolds) + entry.bad);
    ASSERT_FALSE(result) << entry.what;
    EXPECT_NE(message_of(result).find("rows.jsonl:2"), std::string::npos) << message_of(result);
    EXPECT_NE(message_of(result).find(entry.what), std::string::npos) << message_of(result);
    EXPECT_TRUE(check(row("who", "a b", kGolds) + entry.bad, 1)) << "what the limit leaves out does not matter";
  }
}

}  // namespace
}  // namespace spanqa

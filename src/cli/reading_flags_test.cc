#include "cli/reading_flags.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "qa/default_model.h"
#include "shared_data.h"

namespace spanqa::cli {
namespace {

struct Parsed {
  explicit Parsed(const std::string& command_line, const std::string& default_decoder = "pipeline") {
    flags.add_to(app, default_decoder);
    app.parse(command_line);
  }
  CLI::App app;
  ReadingFlags flags;
};

TEST(ReadingFlags, LowercaseIsLeftToTheFilesUnlessSaid) {
  EXPECT_FALSE(Parsed("").flags.tokenizer_overrides().lowercase.has_value());
  EXPECT_EQ(Parsed("--lowercase").flags.tokenizer_overrides().lowercase, true);
  EXPECT_EQ(Parsed("--no-lowercase").flags.tokenizer_overrides().lowercase, false);
  EXPECT_THROW(Parsed("--lowercase --no-lowercase"), CLI::ParseError);
}

TEST(ReadingFlags, TheOverlapFollowsAShortWindow) {
  EXPECT_EQ(Parsed("").flags.windows().overlap, 128U);
  EXPECT_EQ(Parsed("--max-length 100").flags.windows().overlap, 50U);
  EXPECT_EQ(Parsed("--max-length 100 --doc-stride 10").flags.windows().overlap, 10U);
  EXPECT_EQ(Parsed("--truncate-question").flags.windows().long_question, LongQuestion::kTruncate);
  EXPECT_EQ(Parsed("--truncate-question --max-question-len 9").flags.windows().max_question_length, 9U);
  EXPECT_THROW(Parsed("--max-question-len 9"), CLI::RequiresError) << "it would do nothing";
}

TEST(ReadingFlags, ThePrecisionIsThatOfTheOpenedModel) {
  const std::string tiny = "--model " + testing::source_path("tests/fixtures/nn/tiny-bert").string();
  EXPECT_EQ(Parsed(tiny).flags.open_reader().value()->model().precision(), Precision::kFloat32);
  EXPECT_EQ(Parsed(tiny + " --precision int8").flags.open_reader().value()->model().precision(), Precision::kInt8);
  EXPECT_THROW(Parsed("--precision int4"), CLI::ValidationError);
}

/// What opening the tiny model of the fixtures says on standard error.
std::string notes_after(const std::string& command_line, bool prints_notes = true) {
  Parsed parsed("--model " + testing::source_path("tests/fixtures/nn/tiny-bert").string() + " " + command_line);
  parsed.flags.prints_notes = prints_notes;
  ::testing::internal::CaptureStderr();
  const auto reader = parsed.flags.open_reader();
  std::string notes = ::testing::internal::GetCapturedStderr();
  EXPECT_TRUE(reader) << reader.error().message;
  return notes;
}

TEST(ReadingFlags, WhatAPersonShouldKnowOfTheModelIsSaidOnce) {
  EXPECT_EQ(notes_after(""), "");
  const std::string casing = notes_after("--no-lowercase");
  EXPECT_TRUE(casing.starts_with("spanqa: note: text is not lower-cased (flag)")) << casing;
  EXPECT_EQ(std::count(casing.begin(), casing.end(), '\n'), 1) << casing;
  EXPECT_EQ(notes_after("--no-lowercase", false), "");
  EXPECT_EQ(notes_after("--max-length 97"),
            "spanqa: note: --max-length 97 is more than the model reads; windows have 96 tokens\n");
  EXPECT_EQ(notes_after("--max-length 96"), "");
}

class ReadingFlagsWithModel : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("SPANQA_MODELS", testing::source_path("models").c_str(), 1);
    const auto reader = ReadingFlags().open_reader();
    ASSERT_TRUE(reader) << reader.error().message;
    reader_ = *reader;
  }
  AskOptions options(const std::string& command_line) const {
    return Parsed(command_line).flags.resolve(*reader_).value();
  }
  std::shared_ptr<const Reader> reader_;
};

TEST_F(ReadingFlagsWithModel, EachDecoderGetsItsOwnDefaults) {
  EXPECT_EQ(std::get<PipelineOptions>(options("").decoder).max_answer_tokens, 15);
  EXPECT_EQ(std::get<RunQaOptions>(options("--decoder run_qa").decoder).max_answer_tokens, 30);
  EXPECT_EQ(std::get<GlobalOptions>(options("--decoder global --top-k 3").decoder).top_k, 3);
  EXPECT_TRUE(std::get<PipelineOptions>(options("").decoder).align_to_words);
  EXPECT_FALSE(std::get<PipelineOptions>(options("--no-align").decoder).align_to_words);
  EXPECT_TRUE(std::get<RunQaOptions>(options("--decoder run_qa --no-answer").decoder).version_2);
  EXPECT_FLOAT_EQ(std::get<RunQaOptions>(options("--decoder run_qa --threshold -1.5").decoder).null_threshold, -1.5F);
}

TEST_F(ReadingFlagsWithModel, AFaithfulPipelineReadsSpecialTokensInTexts) {
  EXPECT_EQ(options("").specials_in_text, SpecialsInText::kText);
  EXPECT_EQ(options("--compat hf-5.2").specials_in_text, SpecialsInText::kMatch);
  const auto wrong = Parsed("--compat hf-5.2 --decoder run_qa").flags.resolve(*reader_);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::kInvalidArgument);
}

TEST_F(ReadingFlagsWithModel, AFlagOfAnotherDecoderIsRefusedByName) {
  struct Case {
    const char* command_line;
    const char* flag;
    const char* owner;
  };
  const Case cases[] = {
      {"--decoder run_qa --top-k 3", "--top-k", "pipeline or global"},
      {"--decoder run_qa --no-align", "--no-align", "pipeline or global"},
      {"--decoder run_qa --temperature 2", "--temperature", "decoder global"},
      {"--decoder pipeline --temperature 2", "--temperature", "decoder global"},
      {"--decoder pipeline --threshold 0.5", "--threshold", "run_qa or global"},
      {"--decoder pipeline --n-best 20", "--n-best", "decoder run_qa"},  // the default, and yet given
      {"--decoder global --n-best 3", "--n-best", "decoder run_qa"},
      {"--compat hf-5.2 --threshold 0.5", "--threshold", "run_qa or global"},
  };
  for (const Case& c : cases) {
    const auto resolved = Parsed(c.command_line).flags.resolve(*reader_);
    ASSERT_FALSE(resolved) << c.command_line;
    EXPECT_EQ(resolved.error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(resolved.error().message.starts_with(c.flag)) << resolved.error().message;
    EXPECT_NE(resolved.error().message.find(c.owner), std::string::npos) << resolved.error().message;
  }
  EXPECT_TRUE(Parsed("--top-k 3", "global").flags.resolve(*reader_));
  EXPECT_FALSE(Parsed("--top-k 3", "run_qa").flags.resolve(*reader_));
}

TEST_F(ReadingFlagsWithModel, ImpossibleOptionsAreRefused) {
  const auto none = Parsed("--decoder global --temperature 0").flags.resolve(*reader_);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kInvalidArgument);
  const auto stride = Parsed("--compat hf-5.2 --max-seq-len 100 --doc-stride 101").flags.resolve(*reader_);
  ASSERT_FALSE(stride);
  EXPECT_EQ(stride.error().message, "`doc_stride` (101) is larger than `max_seq_len` (100)");
}

}  // namespace
}  // namespace spanqa::cli

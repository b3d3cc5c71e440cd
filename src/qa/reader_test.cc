#include "qa/reader.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <sstream>
#include <thread>

#include "base/cpu.h"
#include "base/file.h"
#include "qa/answer_json.h"
#include "qa/testing_reader.h"

namespace spanqa {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the helpers of this room's tests

const std::array<std::string, 5> kQuestions = {kQuestion, "When was it built?", "What did the king name?",
                                               "Where was the tower?", "How many towers?"};

void expect_equal(const Answers& a, const Answers& b) {
  ASSERT_EQ(a.answers.size(), b.answers.size());
  for (std::size_t i = 0; i < a.answers.size(); ++i) {
    EXPECT_EQ(a.answers[i].span, b.answers[i].span);
    EXPECT_NEAR(a.answers[i].score, b.answers[i].score, 1e-5);
  }
}

TEST(Reader, EveryAnswerIsTheSliceOfTheContextItNames) {
  const auto reader = tiny_reader();
  for (const DecoderOptions& decoder : every_decoder()) {
    for (const std::string& question : kQuestions) {
      const auto answers = reader->ask(question, kContext, {.decoder = decoder, .windows = {40, 10}});
      ASSERT_TRUE(answers) << answers.error().message;
      ASSERT_FALSE(answers->answers.empty());
      for (const Answer& answer : answers->answers) {
        EXPECT_EQ(answer.text, kContext.substr(answer.span.begin, answer.span.end - answer.span.begin));
        EXPECT_EQ(answer.is_no_answer, answer.text.empty());
      }
      EXPECT_GT(answers->n_windows, 1U);
    }
  }
}

TEST(Reader, AloneInABatchAndOverThreadsTheAnswersAreTheSame) {
  // ThreadSanitizer does not know OpenMP's regions: with OMP_NUM_THREADS=1 kernels stay on one thread, and only the
  // batches of ask_all go to three.
  const auto reader = tiny_reader({.n_threads = usable_cores() == 1 ? 1 : 3});
  std::string long_context;
  while (long_context.size() < 20000) long_context += kContext + "\n";  // several packed batches
  std::vector<Question> questions;
  for (const std::string& question : kQuestions) questions.push_back({question, kContext});
  questions.push_back({kQuestions[0], long_context});
  for (const DecoderOptions& decoder : every_decoder()) {
    const AskOptions options{.decoder = decoder, .windows = {64, 16}};
    const auto many = reader->ask_all(questions, options, 3);
    const auto single = reader->ask_all(questions, options, 1);
    for (std::size_t i = 0; i < questions.size(); ++i) {
      ASSERT_TRUE(many[i]) << many[i].error().message;
      const auto alone = reader->ask(questions[i].question, questions[i].context, options);
      ASSERT_TRUE(alone);
      expect_equal(*many[i], *alone);
      expect_equal(*many[i], *single[i]);
    }
  }
}

TEST(Reader, OneReaderServesManyThreads) {
  const auto reader = tiny_reader({.n_threads = 1});
  const auto expected = reader->ask(kQuestions[0], kContext).value();
  std::atomic<int> n_same = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 20; ++i) {
          const auto answers = reader->ask(kQuestions[0], kContext);
          if (answers && answers->answers.front().span == expected.answers.front().span) ++n_same;
        }
      });
    }
  }
  EXPECT_EQ(n_same.load(), 80);
}

TEST(Reader, AQuestionThatCannotBeAnsweredIsAnErrorInItsOwnPlace) {
  const auto reader = tiny_reader();
  std::string too_long;
  for (int i = 0; i < 100; ++i) too_long += "who ";
  const std::array<Question, 5> questions = {Question{"", kContext}, Question{kQuestions[0], ""},
                                             Question{too_long, kContext}, Question{kQuestions[1], kContext},
                                             Question{kQuestions[1], "  \n "}};
  const auto results = reader->ask_all(questions);
  ASSERT_FALSE(results[0]);
  EXPECT_NE(results[0].error().message.find("`question` cannot be empty"), std::string::npos);
  ASSERT_FALSE(results[1]);
  EXPECT_NE(results[1].error().message.find("`context` cannot be empty"), std::string::npos);
  ASSERT_FALSE(results[2]);
  EXPECT_EQ(results[2].error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(results[3]);
  ASSERT_TRUE(results[4]);  // blanks pass, and hold nothing
  EXPECT_TRUE(results[4]->answers.empty() || results[4]->answers.front().text.empty());
}

TEST(Reader, ATooLongQuestionIsCutWhenAsked) {
  const auto reader = tiny_reader();
  std::string too_long;
  for (int i = 0; i < 100; ++i) too_long += "who ";
  const auto answers = reader->ask(
      too_long, kContext,
      {.windows = {
           .max_length = 96, .overlap = 16, .max_question_length = 20, .long_question = LongQuestion::kTruncate}});
  ASSERT_TRUE(answers) << answers.error().message;
  EXPECT_TRUE(answers->question_truncated);
}

TEST(Reader, WindowsAreLoweredToWhatTheModelReads) {
  const auto reader = tiny_reader();
  EXPECT_EQ(reader->effective({.max_length = 384}).max_length, 96U);
  EXPECT_EQ(reader->effective({.max_length = 384, .overlap = 128}).overlap, 48U);
  EXPECT_EQ(reader->effective({.max_length = 64, .overlap = 60}).overlap, 60U);  // the caller's own choice stays
  EXPECT_TRUE(reader->ask(kQuestions[0], kContext));
}

TEST(Reader, BadOptionsAreRefusedWithTheReferencesWords) {
  const auto reader = tiny_reader();
  const auto answers = reader->ask(kQuestions[0], kContext, {.decoder = PipelineOptions{.top_k = 0}});
  ASSERT_FALSE(answers);
  EXPECT_NE(answers.error().message.find("top_k parameter should be >= 1 (got 0)"), std::string::npos);
  const WindowOptions wide_overlap{.max_length = 60, .overlap = 61};
  const auto faithful = reader->ask(
      "who?", "the king.", {.decoder = PipelineOptions{.compat = PipelineCompat::kHf52}, .windows = wide_overlap});
  ASSERT_FALSE(faithful);
  EXPECT_EQ(faithful.error().message, "`doc_stride` (61) is larger than `max_seq_len` (60)");
  EXPECT_TRUE(reader->ask("who?", "the king.", {.decoder = PipelineOptions{}, .windows = wide_overlap}))
      << "one window needs no overlap";
}

TEST(Reader, TheFittedTemperatureIsUsedUnlessTheCallerNamesOne) {
  const auto folder = std::filesystem::temp_directory_path() / "spanqa-reader-fitted";
  std::filesystem::remove_all(folder);
  std::filesystem::copy(testing::source_path("tests/fixtures/nn/tiny-bert"), folder);
  ASSERT_TRUE(write_qa_settings(folder, {.temperature = 4.0}));
  const auto reader = Reader::open(folder).value();
  const auto score = [&](const GlobalOptions& global) {
    return reader->ask(kQuestions[0], kContext, {.decoder = global}).value().answers.front().score;
  };
  EXPECT_DOUBLE_EQ(score({}), score({.temperature = 4.0}));
  EXPECT_NE(score({}), score({.temperature = 1.0}));
  std::filesystem::remove_all(folder);
}

TEST(Reader, AnUnbalancedPairOfVocabularyAndWeightsIsRefused) {
  const auto folder = std::filesystem::temp_directory_path() / "spanqa-reader-mismatch";
  std::filesystem::remove_all(folder);
  std::filesystem::copy(testing::source_path("tests/fixtures/nn/tiny-bert"), folder);
  std::string vocabulary = read_file(folder / "vocab.txt").value();
  ASSERT_TRUE(write_file(folder / "vocab.txt", vocabulary + "one\nmore\n"));
  const auto reader = Reader::open(folder);
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, ErrorCode::kMismatch);
  std::filesystem::remove_all(folder);
}

TEST(Reader, AVocabularyOfLessThanHalfTheEmbeddingsIsNoted) {
  const auto folder = std::filesystem::temp_directory_path() / "spanqa-reader-notes";
  std::filesystem::remove_all(folder);
  std::filesystem::copy(testing::source_path("tests/fixtures/nn/tiny-bert"), folder);
  EXPECT_TRUE(Reader::open(folder).value()->notes().empty());
  std::istringstream lines(read_file(folder / "vocab.txt").value());
  std::string half;
  std::string line;
  for (int i = 0; i < 67 && std::getline(lines, line); ++i) half += line + "\n";
  ASSERT_TRUE(write_file(folder / "vocab.txt", half));
  const auto reader = Reader::open(folder).value();
  ASSERT_EQ(reader->notes().size(), 1U);
  EXPECT_NE(reader->notes()[0].find("67 tokens, the model 135 embeddings"), std::string::npos) << reader->notes()[0];
  std::filesystem::remove_all(folder);
}

TEST(Reader, ContextsAskedAboutAgainAreTokenisedOnce) {
  const auto reader = tiny_reader();
  const auto first = reader->tokenize_context(kContext, SpecialsInText::kText);
  EXPECT_EQ(reader->tokenize_context(kContext, SpecialsInText::kText), first);  // the same object
  EXPECT_NE(reader->tokenize_context(kContext, SpecialsInText::kMatch), first);
  const auto uncached = tiny_reader({.context_cache_bytes = 0});
  EXPECT_NE(uncached->tokenize_context(kContext, SpecialsInText::kText),
            uncached->tokenize_context(kContext, SpecialsInText::kText));
}

TEST(Reader, AnyBytesAreAContext) {
  const auto reader = tiny_reader();
  std::string bytes;
  for (int i = 1; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  for (const DecoderOptions& decoder : every_decoder()) {
    const auto answers = reader->ask("who?", bytes, {.decoder = decoder});
    ASSERT_TRUE(answers) << answers.error().message;
    EXPECT_FALSE(answers_to_json(*answers, {"who?", bytes}).empty());
  }
}

TEST(Reader, ProgressCountsEveryWindowOnce) {
  const auto reader = tiny_reader();
  std::string context;
  while (context.size() < 30000) context += kContext;
  std::size_t last = 0;
  std::size_t total = 0;
  const auto answers =
      reader->ask(kQuestions[0], context, {.windows = {64, 16}}, [&](std::size_t done, std::size_t all) {
        EXPECT_GT(done, last);
        last = done;
        total = all;
      });
  ASSERT_TRUE(answers);
  EXPECT_EQ(last, total);
  EXPECT_EQ(total, answers->n_windows);
}

}  // namespace
}  // namespace spanqa

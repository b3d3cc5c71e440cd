#include "qa/answer_stream.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <sstream>
#include <thread>

#include "shared_data.h"

namespace spanqa {
namespace {

std::string row(int number, const std::string& question = "Who built the tower?") {
  return R"({"id": "q)" + std::to_string(number) + R"(", "question": ")" + question +
         R"(", "context": "The tower of the city was built by team )" + std::to_string(number % 7) +
         R"( in the first year of the war."})" + "\n";
}

class AnswerStream : public ::testing::TestWithParam<int> {
 protected:
  Result<AnswerStreamCounts> run(const std::string& rows, std::size_t limit = 0) {
    std::istringstream stream(rows);
    const auto reader = Reader::open(testing::source_path("tests/fixtures/nn/tiny-bert")).value();
    const auto examples = ExampleReader::from_jsonl(stream, "rows");
    AnswerStreamOptions options{.n_threads = GetParam(), .limit = limit};
    options.group_done = [this]() -> Status {
      ++groups_;
      return {};
    };
    return answer_stream(*reader, *examples, options,
                         [this](const Example& example, const Result<Answers>& answers) -> Status {
                           ids_.push_back(example.id);
                           errors_ += answers ? 0 : 1;
                           return {};
                         });
  }
  std::vector<std::string> ids_;
  int errors_ = 0;
  int groups_ = 0;
};

TEST_P(AnswerStream, KeepsTheOrderOverManyGroups) {
  std::string rows;
  for (int i = 0; i < 1500; ++i) rows += row(i);  // about five groups
  const auto counts = run(rows);
  ASSERT_TRUE(counts) << counts.error().message;
  EXPECT_EQ(counts->n_questions, 1500U);
  EXPECT_LT(groups_, 10) << "rows that are all there are answered together";
  ASSERT_EQ(ids_.size(), 1500U);
  for (int i = 0; i < 1500; ++i) EXPECT_EQ(ids_[static_cast<std::size_t>(i)], "q" + std::to_string(i));
}

TEST_P(AnswerStream, StopsAtTheLimit) {
  const auto counts = run(row(0) + row(1) + row(2), 2);
  ASSERT_TRUE(counts);
  EXPECT_EQ(ids_, (std::vector<std::string>{"q0", "q1"}));
}

TEST_P(AnswerStream, AQuestionThatCannotBeAnsweredDoesNotStopTheOthers) {
  const auto counts = run(row(0) + row(1, "") + row(2));
  ASSERT_TRUE(counts) << counts.error().message;
  EXPECT_EQ(counts->n_errors, 1U);
  EXPECT_EQ(errors_, 1);
  EXPECT_EQ(ids_.size(), 3U);
}

TEST_P(AnswerStream, ABrokenLineEndsTheStreamAfterTheRowsBeforeIt) {
  const auto counts = run(row(0) + row(1) + "{\"id\": \n" + row(3));
  ASSERT_FALSE(counts);
  EXPECT_NE(counts.error().message.find("rows:3"), std::string::npos) << counts.error().message;
  EXPECT_EQ(ids_, (std::vector<std::string>{"q0", "q1"}));
}

/// Rows that come one by one: the next one is there when the one before it has been answered.
class RowsOnDemand : public ExampleReader {
 public:
  explicit RowsOnDemand(const std::atomic<std::size_t>& n_shown) : n_shown_(&n_shown) {}
  Result<std::optional<Example>> next() override {
    if (n_rows_ == 3) return std::optional<Example>();
    while (*n_shown_ < n_rows_) std::this_thread::yield();
    Example example;
    example.id = std::to_string(n_rows_++);
    example.question = "Who built the tower?";
    example.context = std::make_shared<const std::string>("The tower was built by the team.");
    return std::optional<Example>(std::move(example));
  }
  bool would_wait() override { return *n_shown_ < n_rows_ && n_rows_ < 3; }
  DataFormat format() const override { return DataFormat::kJsonl; }
  const std::string& version() const override { return version_; }
  double progress() const override { return 0.0; }

 private:
  const std::atomic<std::size_t>* n_shown_;
  std::size_t n_rows_ = 0;
  std::string version_;
};

TEST_P(AnswerStream, ARowIsAnsweredAndFlushedBeforeTheNextOneIsThere) {
  const auto reader = Reader::open(testing::source_path("tests/fixtures/nn/tiny-bert")).value();
  std::size_t n_answered = 0;
  std::atomic<std::size_t> n_shown = 0;
  RowsOnDemand rows(n_shown);
  const auto counts = answer_stream(*reader, rows,
                                    {.n_threads = GetParam(),
                                     .group_done = [&]() -> Status {
                                       n_shown = n_answered;
                                       return {};
                                     }},
                                    [&](const Example&, const Result<Answers>&) -> Status {
                                      ++n_answered;
                                      return {};
                                    });
  ASSERT_TRUE(counts) << counts.error().message;
  EXPECT_EQ(n_answered, 3U);
}

INSTANTIATE_TEST_SUITE_P(Threads, AnswerStream, ::testing::Values(1, 3));

}  // namespace
}  // namespace spanqa

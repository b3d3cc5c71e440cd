#include "qa/window_statistics.h"

#include <gtest/gtest.h>

#include <numeric>

#include "shared_data.h"

namespace spanqa {
namespace {

Example example(const std::string& context, const std::string& answer, std::int64_t start) {
  Example out;
  out.question = "Who built the tower?";
  out.context = std::make_shared<const std::string>(context);
  out.answers.push_back({answer, start});
  out.where = "rows.jsonl:7";
  return out;
}

TEST(FirstAnswerSpan, TurnsCodePointsIntoBytes) {
  const Example e = example("\U0001F600\u00e9 king", "king", 3);
  EXPECT_EQ(first_answer_span(e), (ByteSpan{7, 11}));
  EXPECT_EQ(first_answer_span(example("king", "king", 1)), std::nullopt);  // runs past the end
  EXPECT_EQ(first_answer_span(example("king", "king", -1)), std::nullopt);
}

TEST(WindowStatistics, CountsWindowsTokensAndAnswersThatNoWindowHolds) {
  const auto tokenizer = Tokenizer::open(testing::source_path("tests/fixtures/nn/tiny-bert")).value();
  WindowStatistics statistics(*tokenizer, {.max_length = 20, .overlap = 4});
  std::string context;
  for (int i = 0; i < 12; ++i) context += "king war ";
  ASSERT_TRUE(statistics.add(example(context, "king", 0)));
  ASSERT_TRUE(statistics.add(example(context, context.substr(0, context.size() - 1), 0)));  // longer than any window
  EXPECT_EQ(statistics.n_examples, 2U);
  EXPECT_GT(statistics.n_windows, 2U);
  EXPECT_EQ(std::accumulate(statistics.by_window_length.begin(), statistics.by_window_length.end(), std::size_t{0}),
            statistics.n_windows);
  EXPECT_EQ(statistics.beyond_windows, std::vector<std::string>{"rows.jsonl:7"});
  EXPECT_EQ(statistics.n_unknown, 0U);
  EXPECT_EQ(statistics.n_answerable_windows, 1U);
}

}  // namespace
}  // namespace spanqa

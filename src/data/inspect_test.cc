#include "data/inspect.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/example_reader.h"
#include "data/random.h"
#include "shared_data.h"

namespace spanqa {
namespace {

TEST(LengthHistogram, AgreesWithSortedLengths) {
  SplitMix64 random(7);
  for (const std::size_t n : {1U, 2U, 3U, 19U, 20U, 21U, 100U, 101U}) {
    LengthHistogram histogram;
    std::vector<std::size_t> lengths;
    for (std::size_t i = 0; i < n; ++i) {
      lengths.push_back(random.below(30));
      histogram.add(lengths.back());
    }
    std::sort(lengths.begin(), lengths.end());
    double sum = 0.0;
    for (const std::size_t length : lengths) sum += static_cast<double>(length);
    const LengthSummary summary = histogram.summary();
    EXPECT_EQ(summary.n, n);
    EXPECT_EQ(summary.min, lengths.front());
    EXPECT_EQ(summary.max, lengths.back());
    EXPECT_DOUBLE_EQ(summary.mean, sum / static_cast<double>(n));
    EXPECT_DOUBLE_EQ(summary.median, static_cast<double>(lengths[(n - 1) / 2] + lengths[n / 2]) / 2.0);
    const auto within =
        static_cast<std::size_t>(std::upper_bound(lengths.begin(), lengths.end(), summary.p95) - lengths.begin());
    EXPECT_GE(within * 100, n * 95) << n;
    EXPECT_LT(
        static_cast<std::size_t>(std::lower_bound(lengths.begin(), lengths.end(), summary.p95) - lengths.begin()) * 100,
        n * 95)
        << n;
  }
  EXPECT_EQ(LengthHistogram().summary().n, 0U);
}

Example example_of(std::string question, std::shared_ptr<const std::string> context, std::string title) {
  Example example;
  example.question = std::move(question);
  example.context = std::move(context);
  example.title = std::move(title);
  return example;
}

TEST(DatasetInspector, CountsEachKindOfExample) {
  DatasetInspector inspector;
  const auto context = std::make_shared<const std::string>("zwölf Wörter");
  const auto equal = std::make_shared<const std::string>(*context);
  const auto other = std::make_shared<const std::string>("x");
  Example answerable = example_of("Who  is it?", context, "T");
  answerable.answers = {{"zwölf", 0}, {"Wörter", 6}};
  answerable.has_answers_field = true;
  Example unanswerable = example_of("Is it?", other, "T");
  unanswerable.has_answers_field = true;
  inspector.add(answerable);
  inspector.add(unanswerable);
  inspector.add(example_of("Where?", equal, ""));
  const DatasetStatistics s = inspector.statistics();
  EXPECT_EQ(s.n_questions, 3U);
  EXPECT_EQ(s.n_contexts, 2U) << "equal contexts count once, wherever they stand";
  EXPECT_EQ(s.n_titles, 1U);
  EXPECT_EQ(s.n_answerable, 1U);
  EXPECT_EQ(s.n_unanswerable, 1U);
  EXPECT_EQ(s.n_without_golds, 1U);
  EXPECT_EQ(s.n_answers, 2U);
  EXPECT_EQ(s.answer.code_points.max, 6U);
  EXPECT_EQ(s.context.code_points.max, 12U);
  EXPECT_EQ(s.context.code_points.n, 2U);
  EXPECT_EQ(s.question.words.max, 3U);
  EXPECT_EQ(s.n_of(QuestionKind::kWho), 1U);
  EXPECT_EQ(s.n_of(QuestionKind::kWhere), 1U);
  EXPECT_EQ(s.n_of(QuestionKind::kOther), 1U);
}

TEST(DatasetInspector, KnowsTheDevSet) {
  SPANQA_NEEDS_SHARED("data/squad-v1.1/dev-v1.1.json");
  const auto reader = ExampleReader::open(testing::shared_path("data/squad-v1.1/dev-v1.1.json"));
  ASSERT_TRUE(reader);
  DatasetInspector inspector;
  while (true) {
    const auto example = (*reader)->next();
    ASSERT_TRUE(example);
    if (!*example) break;
    inspector.add(**example);
  }
  const DatasetStatistics s = inspector.statistics();
  EXPECT_EQ(s.n_questions, 10570U);
  EXPECT_EQ(s.n_contexts, 2067U);
  EXPECT_EQ(s.n_titles, 48U);
  EXPECT_EQ(s.n_answerable, 10570U);
  EXPECT_EQ(s.n_answers, 34726U);
}

}  // namespace
}  // namespace spanqa

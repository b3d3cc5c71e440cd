#include "qa/span_search.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>

namespace spanqa {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

std::optional<SpanSearch::Span> best_ref(const SpanSearch& spans, std::size_t begin, std::size_t end,
                                         std::size_t max_tokens) {
  SpanSearch::Span best{.sum = -std::numeric_limits<double>::infinity()};
  bool found = false;
  for (std::size_t i = begin; i < end; ++i) {
    for (std::size_t j = i; j < end && j - i < max_tokens; ++j) {
      const double sum = static_cast<double>(spans.start(i)) + static_cast<double>(spans.end(j));
      if (!(sum > best.sum)) continue;
      best = {sum, i, j};
      found = true;
    }
  }
  return found ? std::optional(best) : std::nullopt;
}

void expect_like_ref(const SpanSearch& spans, std::size_t max_tokens) {
  for (std::size_t begin = 0; begin <= spans.size(); ++begin) {
    for (std::size_t end = begin; end <= spans.size(); ++end) {
      const auto expected = best_ref(spans, begin, end, max_tokens);
      const auto best = spans.best(begin, end);
      ASSERT_EQ(best.has_value(), expected.has_value()) << begin << " to " << end;
      if (!best) continue;
      ASSERT_EQ(best->sum, expected->sum) << begin << " to " << end;
      ASSERT_EQ(best->first, expected->first) << begin << " to " << end;
      ASSERT_EQ(best->last, expected->last) << begin << " to " << end;
    }
  }
}

TEST(SpanSearch, EveryPartOfAWindowHasTheBestOfAllItsSpans) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, 3.0F);
  // 1e30 makes small differences vanish in the sum; the others are what a broken model may give.
  const float odd[] = {std::nanf(""), kInf, -kInf, 1e30F};
  for (int round = 0; round < 120; ++round) {
    const std::size_t n = random() % 40;
    const std::size_t max_tokens = round % 5 == 0 ? 1000 : 1 + random() % 8;
    std::vector<float> start(n);
    std::vector<float> end(n);
    for (auto* side : {&start, &end}) {
      for (float& logit : *side) {
        logit = round % 2 == 0 ? normal(random) : std::round(normal(random));
        if (round % 3 == 0 && random() % 4 == 0) logit = odd[random() % 4];
      }
    }
    SCOPED_TRACE("round " + std::to_string(round) + ", at most " + std::to_string(max_tokens));
    ASSERT_NO_FATAL_FAILURE(expect_like_ref(SpanSearch(start, end, max_tokens), max_tokens));
  }
}

TEST(SpanSearch, OfEqualSumsTheEarlierThenTheShorterIsTaken) {
  const SpanSearch spans({1, 1, 0, 1}, {0, 2, 2, 2}, 3);
  const auto best = spans.best(0, 4);
  ASSERT_TRUE(best);
  EXPECT_EQ(best->first, 0U);
  EXPECT_EQ(best->last, 1U);
}

TEST(SpanSearch, NothingIsFoundWhereNothingIsANumber) {
  EXPECT_FALSE(SpanSearch({}, {}, 1).best(0, 0));
  EXPECT_FALSE(SpanSearch({-kInf, std::nanf("")}, {kInf, 1.0F}, 2).best(0, 2));
  EXPECT_FALSE(SpanSearch({1.0F}, {1.0F}, 2).best(1, 1));
}

}  // namespace
}  // namespace spanqa

#include "data/sample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string>

namespace spanqa {
namespace {

/// Question i with context i / per_context.
Example example_of(std::size_t i, std::size_t per_context = 1) {
  Example example;
  example.id = std::to_string(i);
  example.question = "q";
  example.context = std::make_shared<const std::string>("context " + std::to_string(i / per_context));
  return example;
}

std::string sample_ids(std::size_t n, std::size_t size, std::uint64_t seed) {
  ReservoirSample sample(size, seed);
  for (std::size_t i = 0; i < n; ++i) sample.add(example_of(i));
  std::string ids;
  for (const Example& example : sample.take()) ids += example.id + " ";
  return ids;
}

TEST(SplitMix64, GivesThePublishedNumbers) {
  SplitMix64 random(0);
  EXPECT_EQ(random.next(), 0xE220A8397B1DCDAFULL);
  EXPECT_EQ(random.next(), 0x6E789E6AA1B965F4ULL);
  EXPECT_EQ(random.next(), 0x06C45D188009454FULL);
}

TEST(SplitMix64, StaysBelowItsBound) {
  SplitMix64 random(5);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t x = random.below(7);
    ASSERT_LT(x, 7U);
    seen.insert(x);
  }
  EXPECT_EQ(seen.size(), 7U);
  EXPECT_EQ(random.below(1), 0U);
}

TEST(ReservoirSample, KeepsTheOrderAndIsTheSameEverywhere) {
  EXPECT_EQ(sample_ids(3, 5, 1), "0 1 2 ") << "all of a short stream";
  EXPECT_EQ(sample_ids(10, 0, 1), "");
  EXPECT_EQ(sample_ids(1000, 5, 42), sample_ids(1000, 5, 42));
  EXPECT_NE(sample_ids(1000, 5, 42), sample_ids(1000, 5, 43));
  // From a separate implementation of SplitMix64 and algorithm R in Python.
  EXPECT_EQ(sample_ids(100, 8, 42), "11 12 19 32 50 57 84 94 ");
}

TEST(ReservoirSample, TakesEachExampleEquallyOften) {
  std::array<int, 10> counts = {};
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    ReservoirSample sample(3, seed);
    for (std::size_t i = 0; i < counts.size(); ++i) sample.add(example_of(i));
    for (const Example& example : sample.take()) ++counts[std::stoul(example.id)];
  }
  // Binomial of 3000 with chance 0.3: 900 with deviation 25; the seeds are fixed, so the test cannot fail by chance.
  for (const int count : counts) EXPECT_NEAR(count, 900, 100);
}

TEST(GroupSplit, NeverSplitsAContextAndMeetsTheShare) {
  GroupSplit split(9);
  for (std::size_t i = 0; i < 1000; ++i) split.add(example_of(i, 5));
  split.plan(0.1);
  std::size_t n = 0;
  for (std::size_t i = 0; i < 1000; ++i) {
    const bool held_out = split.is_held_out(example_of(i, 5));
    EXPECT_EQ(held_out, split.is_held_out(example_of(i / 5 * 5, 5)));
    n += held_out ? 1U : 0U;
  }
  EXPECT_EQ(n, 100U);
  EXPECT_EQ(split.n_held_out(), 100U);
}

TEST(GroupSplit, DoesNotDependOnTheOrder) {
  GroupSplit forward(3);
  GroupSplit backward(3);
  GroupSplit other(4);
  for (std::size_t i = 0; i < 50; ++i) {
    forward.add(example_of(i));
    backward.add(example_of(49 - i));
    other.add(example_of(i));
  }
  forward.plan(0.3);
  backward.plan(0.3);
  other.plan(0.3);
  std::size_t n_different = 0;
  for (std::size_t i = 0; i < 50; ++i) {
    EXPECT_EQ(forward.is_held_out(example_of(i)), backward.is_held_out(example_of(i)));
    n_different += forward.is_held_out(example_of(i)) != other.is_held_out(example_of(i)) ? 1U : 0U;
  }
  EXPECT_GT(n_different, 0U);
}

TEST(GroupSplit, NeverSplitsAnArticle) {
  const auto of_article = [](std::size_t i) {
    Example example = example_of(i);
    if (i < 900) example.title = "article " + std::to_string(i / 30);  // the rest has none
    return example;
  };
  GroupSplit split(5, SplitBy::kArticle);
  for (std::size_t i = 0; i < 1000; ++i) split.add(of_article(i));
  split.plan(0.2);
  std::size_t n = 0;
  std::set<bool> sides_without_title;
  for (std::size_t i = 0; i < 1000; ++i) {
    const bool held_out = split.is_held_out(of_article(i));
    if (i < 900) {
      EXPECT_EQ(held_out, split.is_held_out(of_article(i / 30 * 30)));
    } else {
      sides_without_title.insert(held_out);
    }
    n += held_out ? 1U : 0U;
  }
  EXPECT_EQ(split.n_held_out(), n);
  EXPECT_NEAR(static_cast<double>(n), 200.0, 15.0);
  EXPECT_EQ(sides_without_title.size(), 2U) << "texts without a title are not one article";
}

TEST(GroupSplit, LeavesNeitherSideEmpty) {
  for (const double share : {0.01, 0.5, 0.99}) {
    GroupSplit split(1);
    for (std::size_t i = 0; i < 4; ++i) split.add(example_of(i, 2));
    split.plan(share);
    EXPECT_EQ(split.n_held_out(), 2U) << share;
  }
  GroupSplit none(1);
  for (std::size_t i = 0; i < 4; ++i) none.add(example_of(i));
  none.plan(0.0);
  EXPECT_EQ(none.n_held_out(), 0U);
  none.plan(1.0);
  EXPECT_EQ(none.n_held_out(), 4U);
}

}  // namespace
}  // namespace spanqa

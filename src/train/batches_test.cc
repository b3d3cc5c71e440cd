#include "train/batches.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "data/random.h"

namespace spanqa {
namespace {

std::vector<std::uint32_t> made_lengths(std::size_t n) {
  SplitMix64 random(7);
  std::vector<std::uint32_t> lengths(n);
  for (std::uint32_t& length : lengths) length = 20 + static_cast<std::uint32_t>(random.below(365));
  return lengths;
}

/// Whether every window stands in exactly one batch.
::testing::AssertionResult holds_every_window(const Batches& batches, std::size_t n) {
  std::vector<std::uint32_t> windows;
  for (const auto& batch : batches) {
    if (batch.empty()) return ::testing::AssertionFailure() << "an empty batch";
    windows.insert(windows.end(), batch.begin(), batch.end());
  }
  std::sort(windows.begin(), windows.end());
  std::vector<std::uint32_t> expected(n);
  std::iota(expected.begin(), expected.end(), 0U);
  return windows == expected ? ::testing::AssertionSuccess() : ::testing::AssertionFailure() << "not every window once";
}

/// Places that padding to the longest of each batch would add.
std::size_t padding(const Batches& batches, const std::vector<std::uint32_t>& lengths) {
  std::size_t n = 0;
  for (const auto& batch : batches) {
    std::uint32_t longest = 0;
    for (const std::uint32_t window : batch) longest = std::max(longest, lengths[window]);
    for (const std::uint32_t window : batch) n += longest - lengths[window];
  }
  return n;
}

TEST(PlanEpoch, HoldsEveryWindowOnceAndOneIncompleteBatch) {
  for (const std::size_t n : {1U, 7U, 8U, 9U, 1000U, 4321U}) {
    for (const bool grouped : {false, true}) {
      const Batches batches = plan_epoch(made_lengths(n), {.size = 8, .group_by_length = grouped});
      EXPECT_TRUE(holds_every_window(batches, n));
      EXPECT_EQ(batches.size(), (n + 7) / 8);
      const auto incomplete = std::count_if(batches.begin(), batches.end(), [](auto& b) { return b.size() != 8; });
      EXPECT_EQ(incomplete, n % 8 == 0 ? 0 : 1);
    }
  }
  EXPECT_TRUE(plan_epoch({}, {}).empty());
}

TEST(PlanEpoch, IsAFunctionOfSeedAndEpoch) {
  const auto lengths = made_lengths(500);
  const Batches batches = plan_epoch(lengths, {.seed = 1, .epoch = 2});
  EXPECT_EQ(batches, plan_epoch(lengths, {.seed = 1, .epoch = 2}));
  EXPECT_NE(batches, plan_epoch(lengths, {.seed = 1, .epoch = 3}));
  EXPECT_NE(batches, plan_epoch(lengths, {.seed = 2, .epoch = 2}));
  EXPECT_NE(batches, plan_epoch(lengths, {.seed = 2, .epoch = 1})) << "seed and epoch are not added up";
}

TEST(PlanEpoch, IsTheSameOnEveryMachine) {
  const std::vector<std::uint32_t> lengths = {5, 9, 7, 3, 8};
  // From a separate implementation in Python.
  EXPECT_EQ(plan_epoch(lengths, {.size = 2, .seed = 42}), (Batches{{4, 0}, {2, 1}, {3}}));
  EXPECT_EQ(plan_epoch(lengths, {.size = 2, .group_by_length = true, .seed = 42}), (Batches{{1, 4}, {2, 0}, {3}}));
}

TEST(PlanEpoch, GroupsByLengthButNotTheEpoch) {
  const auto lengths = made_lengths(8000);
  const Batches shuffled = plan_epoch(lengths, {.size = 16});
  const Batches grouped = plan_epoch(lengths, {.size = 16, .group_by_length = true});
  EXPECT_LT(padding(grouped, lengths) * 10, padding(shuffled, lengths));
  double first_half = 0.0;
  for (std::size_t i = 0; i < 250; ++i) first_half += lengths[grouped[i][0]];
  EXPECT_NEAR(first_half / 250.0, 202.0, 25.0) << "long and short batches are mixed";
}

TEST(PlanEpoch, ChunksAreOfFiftyBatches) {
  const auto lengths = made_lengths(1600);  // two chunks of 50 batches of 16
  const Batches batches = plan_epoch(lengths, {.size = 16, .group_by_length = true});
  std::size_t n_overlapping = 0;  // with the first batch's range of lengths
  const auto range_of = [&](const std::vector<std::uint32_t>& b) {
    return std::pair(lengths[b.back()], lengths[b[0]]);
  };
  const auto [low, high] = range_of(batches[0]);
  for (std::size_t i = 1; i < batches.size(); ++i) {
    const auto [other_low, other_high] = range_of(batches[i]);
    n_overlapping += other_low < high && low < other_high ? 1U : 0U;
  }
  EXPECT_GE(n_overlapping, 1U);
  EXPECT_LE(n_overlapping, 4U);
}

TEST(PlanEpoch, TokenBudgetIsKept) {
  const auto lengths = made_lengths(3000);
  const auto n_tokens = std::accumulate(lengths.begin(), lengths.end(), std::size_t{0});
  for (const bool grouped : {false, true}) {
    const BatchOptions options{.kind = BatchKind::kTokens, .size = 2048, .group_by_length = grouped};
    const Batches batches = plan_epoch(lengths, options);
    EXPECT_TRUE(holds_every_window(batches, lengths.size()));
    for (const auto& batch : batches) {
      std::size_t n = 0;
      for (const std::uint32_t window : batch) n += lengths[window];
      EXPECT_LE(n, 2048U);
    }
    EXPECT_LT(batches.size(), n_tokens / 2048 * 6 / 5) << "batches are nearly full";
  }
}

TEST(PlanEpoch, WindowsAboveTheBudgetStandAlone) {
  const std::vector<std::uint32_t> lengths = {10, 300, 10, 300};
  const Batches batches = plan_epoch(lengths, {.kind = BatchKind::kTokens, .size = 100, .group_by_length = true});
  EXPECT_TRUE(holds_every_window(batches, 4));
  for (const auto& batch : batches) {
    if (lengths[batch[0]] == 300) {
      EXPECT_EQ(batch.size(), 1U);
    }
  }
}

}  // namespace
}  // namespace spanqa

#include "nn/kernels/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "nn/kernels/target_loop.h"

namespace spanqa {
namespace {

struct Case {
  std::vector<std::size_t> lengths;
  std::size_t n_heads = 1;
  std::size_t head_size = 32;
  std::size_t extra_stride = 0;
  float spread = 1.0F;
  double tolerance = 1e-5;
};

std::vector<std::uint32_t> offsets_of(const std::vector<std::size_t>& lengths) {
  std::vector<std::uint32_t> offsets = {0};
  for (const std::size_t n : lengths) offsets.push_back(offsets.back() + static_cast<std::uint32_t>(n));
  return offsets;
}

void expect_agrees(const Case& test, RandomFloats& random, int n_threads = 1) {
  SCOPED_TRACE(testing::Message() << "lengths " << testing::PrintToString(test.lengths) << ", " << test.n_heads
                                  << " heads of " << test.head_size);
  const std::vector<std::uint32_t> offsets = offsets_of(test.lengths);
  AttentionInput input{.row_stride = 3 * test.n_heads * test.head_size + test.extra_stride,
                       .offsets = offsets,
                       .n_heads = test.n_heads,
                       .head_size = test.head_size};
  const std::vector<float> qkv = random.normal(offsets.back() * input.row_stride, test.spread);
  input.qkv = qkv.data();
  const std::size_t n_out = offsets.back() * input.hidden();
  std::vector<float> ref(n_out);
  std::vector<float> fast(n_out + 1, -77.0F);
  AttentionScratch scratch;
  attention_ref(input, ref.data());
  attention(input, fast.data(), scratch, n_threads);
  for (std::size_t i = 0; i < n_out; ++i) ASSERT_NEAR(fast[i], ref[i], test.tolerance) << i;
  EXPECT_EQ(fast[n_out], -77.0F);
}

TEST(Attention, EveryLengthUpToThreePanels) {
  const std::uint32_t seed = 4711;
  SCOPED_TRACE(seed);
  for_each_target([&] {
    RandomFloats random(seed);
    for (std::size_t n = 0; n <= 70; ++n) expect_agrees({.lengths = {n}, .head_size = 8}, random);
  });
}

TEST(Attention, EveryHeadSize) {
  const std::uint32_t seed = 4712;
  SCOPED_TRACE(seed);
  for_each_target([&] {
    RandomFloats random(seed);
    for (const std::size_t size : {1U, 3U, 8U, 16U, 20U, 31U, 32U, 33U, 48U, 64U, 96U, 128U, 130U}) {
      expect_agrees({.lengths = {random.below(60) + 1}, .n_heads = 2, .head_size = size, .extra_stride = 5}, random);
    }
  });
}

TEST(Attention, SequencesDoNotSeeEachOther) {
  const std::uint32_t seed = 4713;
  SCOPED_TRACE(seed);
  for_each_target([&] {
    RandomFloats random(seed);
    expect_agrees({.lengths = {1, 0, 37, 2, 176, 20}, .n_heads = 3}, random);
  });
}

TEST(Attention, ThreadsAgreeToo) {
  RandomFloats random(4714);
  expect_agrees({.lengths = {12, 0, 100, 7}, .n_heads = 4, .head_size = 20}, random, 3);
}

TEST(Attention, LongSequencesAndScratchThatGrows) {
  RandomFloats random(4715);
  expect_agrees({.lengths = {5, 512, 1100}, .n_heads = 1, .head_size = 64}, random);
}

// The largest score is taken off before exp, so nothing overflows. Scores reach 5070 (in log2 units), where floats lie
// 4.9e-4 apart and weights are no more exact than that; values reach 114. Largest error seen: 4.5e-3, without FMA.
TEST(Attention, LargeScoresDoNotOverflow) {
  const std::uint32_t seed = 4716;
  SCOPED_TRACE(seed);
  for_each_target([&] {
    RandomFloats random(seed);
    expect_agrees({.lengths = {50}, .n_heads = 1, .spread = 30.0F, .tolerance = 1e-2}, random);
  });
}

constexpr std::size_t kSize = 32;
constexpr std::size_t kTokens = 45;
// Floats are summed in one order whatever the place of a row in its panel: equal queries have equal results.
TEST(Attention, ARowsResultDoesNotDependOnItsPlace) {
  for_each_target([] {
    RandomFloats random(4717);
    std::vector<float> qkv = random.normal(kTokens * 3 * kSize);
    for (std::size_t t = 1; t < kTokens; ++t)
      std::copy_n(qkv.begin(), kSize, qkv.begin() + static_cast<std::ptrdiff_t>(t * 3 * kSize));
    const std::vector<std::uint32_t> offsets = {0, kTokens};
    std::vector<float> out(kTokens * kSize);
    AttentionScratch scratch;
    attention({.qkv = qkv.data(), .row_stride = 3 * kSize, .offsets = offsets, .n_heads = 1, .head_size = kSize},
              out.data(), scratch, 1);
    for (std::size_t i = kSize; i < out.size(); ++i) ASSERT_EQ(out[i], out[i % kSize]) << i;
  });
}

}  // namespace
}  // namespace spanqa

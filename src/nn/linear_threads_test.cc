// Apart from linear_test.cc, whose OpenMP regions ThreadSanitizer does not understand.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "nn/linear.h"
#include "nn/onednn.h"
#include "nn/weight_gradient.h"

namespace spanqa {
namespace {

constexpr std::size_t kIn = 64;
constexpr std::size_t kOut = 80;
constexpr std::size_t kRows = 150;

// What one thread makes of one shared layer, several times over, with everything of its own besides.
struct Outcome {
  std::vector<float> y = std::vector<float>((kRows + kLinearSlackRows) * kOut);
  std::vector<float> d_w = std::vector<float>(kOut * kIn);
  int setting = 0;
};

void use(const Linear& linear, const std::vector<float>& x, Outcome& result) {
  omp_set_num_threads(3);
  MatmulContext context(1);
  for (int repeat = 0; repeat < 5; ++repeat) {
    linear.forward(x.data(), kRows, result.y.data(), context);
    const WeightGradient gradient{
        .x = x.data(), .d_y = result.y.data(), .rows = kRows, .n = kOut, .k = kIn, .d_w = result.d_w.data()};
    add_weight_gradient(gradient, linear.precision(), context);
  }
  result.setting = omp_get_max_threads();
}

class LinearThreads : public testing::TestWithParam<Precision> {};

TEST_P(LinearThreads, ShareOneLinearAndKeepTheirOpenMpSetting) {
  const std::vector<float> weight(kIn * kOut, 0.25F);
  const std::vector<float> bias(kOut, 1.0F);
  const LinearPart part{.weight = weight.data(), .bias = bias.data(), .n = kOut};
  const Linear linear = Linear::create({&part, 1}, kIn, GetParam()).value();
  const std::vector<float> x((kRows + kLinearSlackRows) * kIn, 0.5F);
  std::vector<Outcome> results(4);
  std::vector<std::thread> threads;
  threads.reserve(results.size());
  for (Outcome& result : results) threads.emplace_back([&] { use(linear, x, result); });
  for (std::thread& thread : threads) thread.join();
  for (const Outcome& result : results) {
    for (std::size_t i = 0; i < kRows * kOut; ++i) ASSERT_EQ(result.y[i], 9.0F) << i;
    for (const float gradient : result.d_w) ASSERT_EQ(gradient, 5 * kRows * 4.5F);
    EXPECT_EQ(result.setting, 3);
  }
}

INSTANTIATE_TEST_SUITE_P(InBothPrecisions, LinearThreads, testing::Values(Precision::kFloat32, Precision::kBFloat16),
                         [](const auto& p) { return precision_name(p.param); });

}  // namespace
}  // namespace spanqa

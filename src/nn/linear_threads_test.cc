// Apart from linear_test.cc, whose OpenMP regions ThreadSanitizer does not understand.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "nn/linear.h"
#include "nn/onednn.h"

namespace spanqa {
namespace {

constexpr std::size_t kIn = 64;
constexpr std::size_t kOut = 80;
constexpr std::size_t kRows = 150;

TEST(LinearThreads, ShareOneLinearAndKeepTheirOpenMpSetting) {
  const std::vector<float> weight(kIn * kOut, 0.25F);
  const std::vector<float> bias(kOut, 1.0F);
  const LinearPart part{.weight = weight.data(), .bias = bias.data(), .n = kOut};
  const Linear linear = Linear::create({&part, 1}, kIn).value();
  const std::vector<float> x((kRows + kLinearSlackRows) * kIn, 0.5F);
  std::vector<std::vector<float>> results(4);
  std::vector<int> settings(results.size());
  std::vector<std::thread> threads;
  threads.reserve(results.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    threads.emplace_back([&, i] {
      omp_set_num_threads(3);
      MatmulContext context(1);
      results[i].resize((kRows + kLinearSlackRows) * kOut);
      for (int repeat = 0; repeat < 5; ++repeat) linear.forward(x.data(), kRows, results[i].data(), context);
      settings[i] = omp_get_max_threads();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::vector<float>& result : results) {
    for (std::size_t i = 0; i < kRows * kOut; ++i) ASSERT_EQ(result[i], 9.0F) << i;
  }
  EXPECT_EQ(settings, std::vector<int>(settings.size(), 3));
}

}  // namespace
}  // namespace spanqa

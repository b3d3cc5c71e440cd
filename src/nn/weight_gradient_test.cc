#include "nn/weight_gradient.h"

#include <gtest/gtest.h>
#include <sys/time.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <vector>

#include "nn/kernels/target_loop.h"
#include "nn/onednn.h"
#include "nn/testing_matmul.h"

namespace spanqa {
namespace {

struct Case {
  Case(std::size_t n_rows, std::size_t n_out, std::size_t n_in, RandomFloats& random)
      : rows(n_rows),
        n(n_out),
        k(n_in),
        x(random.normal(rows * k)),
        d_y(random.normal(rows * n, 0.1F)),
        start(random.normal(n * k)) {}

  // What add_weight_gradient makes of `start`.
  std::vector<float> fast(Precision precision, MatmulContext& context) const {
    std::vector<float> d_w = start;
    add_weight_gradient({.x = x.data(), .d_y = d_y.data(), .rows = rows, .n = n, .k = k, .d_w = d_w.data()}, precision,
                        context);
    return d_w;
  }
  std::vector<float> ref(Precision precision) const {
    const std::vector<float> x_seen = rounded(x, precision);
    const std::vector<float> d_y_seen = rounded(d_y, precision);
    std::vector<double> sums(start.begin(), start.end());
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t j = 0; j < n; ++j) {
        for (std::size_t c = 0; c < k; ++c)
          sums[j * k + c] += static_cast<double>(d_y_seen[r * n + j]) * static_cast<double>(x_seen[r * k + c]);
      }
    }
    return {sums.begin(), sums.end()};
  }

  std::size_t rows;
  std::size_t n;
  std::size_t k;
  std::vector<float> x;
  std::vector<float> d_y;
  std::vector<float> start;
};

bool has_avx512() {
  cpu_engine();  // sets the limit of SPANQA_ISA
  const auto bits = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto needed = static_cast<unsigned>(dnnl::cpu_isa::avx512_core);
  return (bits & needed) == needed;
}

testing::Message describe(const Case& example, Precision precision) {
  return testing::Message() << precision_name(precision) << ", " << example.rows << " rows, n " << example.n << ", k "
                            << example.k;
}

TEST(WeightGradient, AgreesWithTheFormulaOnOddShapes) {
  const std::uint32_t seed = 201;
  SCOPED_TRACE(seed);
  RandomFloats random(seed);
  MatmulContext context(1);
  for (const auto& [n, k] : {std::pair<std::size_t, std::size_t>{1, 1}, {3, 5}, {2, 64}, {70, 33}, {400, 48}}) {
    for (const std::size_t rows : {0U, 1U, 31U, 32U, 33U, 512U, 513U, 700U}) {
      const Case example(rows, n, k, random);
      for (const Precision precision : kPrecisions) {
        SCOPED_TRACE(describe(example, precision));
        // Sums of up to 700 products of size 0.1 in another order.
        expect_near(example.fast(precision, context), example.ref(precision), 2e-4);
      }
    }
  }
}

TEST(WeightGradient, RowsOfNothingAddNothing) {
  RandomFloats random(202);
  MatmulContext context(2);
  const Case example(0, 5, 7, random);
  for (const Precision precision : kPrecisions) EXPECT_EQ(example.fast(precision, context), example.start);
}

TEST(WeightGradient, WhatStandsBeyondTheRowsDoesNotMatter) {
  RandomFloats random(203);
  MatmulContext context(1);
  Case longer(540, 40, 24, random);
  for (const Precision precision : kPrecisions) {
    SCOPED_TRACE(precision_name(precision));
    // Fills the context's memory with more rows than the next call has.
    longer.fast(precision, context);
    Case shorter = longer;
    shorter.rows = 517;
    for (std::size_t i = shorter.rows * shorter.k; i < shorter.x.size(); ++i) shorter.x[i] = std::nanf("");
    for (std::size_t i = shorter.rows * shorter.n; i < shorter.d_y.size(); ++i) shorter.d_y[i] = std::nanf("");
    expect_near(shorter.fast(precision, context), shorter.ref(precision), 2e-4);
  }
}

TEST(WeightGradient, BitsDoNotDependOnTheNumberOfThreadsWithAvx512) {
  const std::uint32_t seed = 204;
  SCOPED_TRACE(seed);
  RandomFloats random(seed);
  MatmulContext one(1);
  for (const auto& [n, k] : {std::pair<std::size_t, std::size_t>{384, 96}, {200, 384}, {1000, 40}}) {
    const Case example(1100, n, k, random);
    for (const Precision precision : kPrecisions) {
      SCOPED_TRACE(describe(example, precision));
      const std::vector<float> alone = example.fast(precision, one);
      expect_near(alone, example.ref(precision), 4e-4);
      for (const int n_threads : {2, 3, 8}) {
        MatmulContext several(n_threads);
        const std::vector<float> together = example.fast(precision, several);
        expect_near(together, alone, has_avx512() ? 0.0 : 4e-4);
      }
    }
  }
}

TEST(WeightGradient, MayRunInsideAParallelRegion) {
  RandomFloats random(205);
  const Case example(600, 130, 50, random);
  for (const Precision precision : kPrecisions) {
    SCOPED_TRACE(precision_name(precision));
    MatmulContext outside(1);
    const std::vector<float> alone = example.fast(precision, outside);
    std::vector<MatmulContext> contexts;
    for (const int context_threads : {1, 1, 2}) contexts.emplace_back(context_threads);
    std::vector<std::vector<float>> results(contexts.size());
#pragma omp parallel for num_threads(3) schedule(static, 1)
    for (std::size_t i = 0; i < results.size(); ++i) results[i] = example.fast(precision, contexts[i]);
    for (const std::vector<float>& result : results) EXPECT_EQ(result, alone);
    EXPECT_EQ(example.fast(precision, contexts.back()), alone);
  }
}

TEST(WeightGradient, SharesAContextWithForwardProducts) {
  RandomFloats random(206);
  MatmulContext context(1);
  const Case example(50, 24, 24, random);
  const std::vector<float> no_bias(24, 0.0F);
  const LinearPart part{.weight = example.start.data(), .bias = nullptr, .n = 24};
  for (const Precision precision : kPrecisions) {
    SCOPED_TRACE(precision_name(precision));
    const Linear linear = Linear::create({&part, 1}, 24, precision).value();
    for (int repeat = 0; repeat < 2; ++repeat) {
      expect_near(forward(linear, example.x, context),
                  linear_ref(rounded(example.x, precision), rounded(example.start, precision), no_bias, 24));
      expect_near(example.fast(precision, context), example.ref(precision));
    }
  }
}

volatile std::sig_atomic_t n_signals = 0;

/// A signal every 50 microseconds, as an interrupt, a profiler or a timer of the program around may send them.
class SignalStorm {
 public:
  SignalStorm() {
    struct sigaction action = {};
    action.sa_handler = [](int) { n_signals = n_signals + 1; };
    ::sigaction(SIGALRM, &action, &old_);
    set_interval(50);
  }
  ~SignalStorm() {
    set_interval(0);
    ::sigaction(SIGALRM, &old_, nullptr);
  }
  SignalStorm(const SignalStorm&) = delete;
  SignalStorm& operator=(const SignalStorm&) = delete;

 private:
  static void set_interval(long microseconds) {
    const itimerval every = {.it_interval = {0, microseconds}, .it_value = {0, microseconds}};
    ::setitimer(ITIMER_REAL, &every, nullptr);
  }
  struct sigaction old_ = {};
};

// oneDNN 2.6.3's AVX-512 sgemm does not.
TEST(WeightGradient, SurvivesSignals) {
  RandomFloats random(207);
  MatmulContext context(1);
  const Case example(100, 64, 32, random);
  for (const Precision precision : kPrecisions) {
    const std::vector<float> undisturbed = example.fast(precision, context);
    n_signals = 0;
    const SignalStorm storm;
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
    while (std::chrono::steady_clock::now() < end) ASSERT_EQ(example.fast(precision, context), undisturbed);
    EXPECT_GT(n_signals, 0);
  }
}

}  // namespace
}  // namespace spanqa

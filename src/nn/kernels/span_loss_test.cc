#include "nn/kernels/span_loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "nn/kernels/target_loop.h"

namespace spanqa {
namespace {

double loss_of(const std::vector<float>& logits, CrossEntropy loss) {
  std::vector<float> gradient(logits.size());
  loss.logits = logits.data();
  loss.n = logits.size();
  return cross_entropy(loss, gradient.data());
}

TEST(CrossEntropy, OfEqualLogitsIsTheLogarithmOfTheirNumber) {
  const std::vector<float> logits(7, 3.0F);
  EXPECT_NEAR(loss_of(logits, {.label = 4}), std::log(7.0), 1e-12);
  EXPECT_NEAR(loss_of(logits, {.label = 4, .smoothing = 0.3}), std::log(7.0), 1e-12);
}

TEST(CrossEntropy, OfOneTokenIsZero) {
  float gradient = 1.0F;
  const float logit = -5.0F;
  EXPECT_EQ(cross_entropy({.logits = &logit, .n = 1}, &gradient), 0.0);
  EXPECT_EQ(gradient, 0.0F);
}

TEST(CrossEntropy, SmoothingSpreadsItsShareOfTheTarget) {
  // PyTorch 2: cross_entropy(tensor([[1., 2., 4.]]), tensor([1]), label_smoothing=0.1), by its formula.
  const std::vector<float> logits = {1.0F, 2.0F, 4.0F};
  const double log_sum = std::log(std::exp(1.0) + std::exp(2.0) + std::exp(4.0));
  const double expected = 0.9 * (log_sum - 2.0) + 0.1 * (log_sum - 7.0 / 3.0);
  EXPECT_NEAR(loss_of(logits, {.label = 1, .smoothing = 0.1}), expected, 1e-12);
}

TEST(CrossEntropy, IsFiniteForLogitsFarApart) {
  const std::vector<float> logits = {-1e4F, 1e4F};
  EXPECT_NEAR(loss_of(logits, {.label = 0}), 2e4, 1e-6);
  EXPECT_EQ(loss_of(logits, {.label = 1}), 0.0);
}

TEST(CrossEntropy, PassesNaNThrough) {
  const std::vector<float> logits = {0.0F, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_TRUE(std::isnan(loss_of(logits, {.label = 0})));
}

TEST(CrossEntropy, GradientIsTheLosssSlope) {
  RandomFloats random(11);
  for (const double smoothing : {0.0, 0.2}) {
    for (const std::size_t n : {2U, 5U, 33U}) {
      SCOPED_TRACE(n);
      std::vector<float> logits = random.normal(n, 2.0F);
      std::vector<float> gradient(n);
      const CrossEntropy loss{.logits = logits.data(),
                              .n = n,
                              .label = static_cast<std::uint32_t>(random.below(n)),
                              .smoothing = smoothing,
                              .weight = 0.7};
      cross_entropy(loss, gradient.data());
      for (std::size_t i = 0; i < n; ++i) {
        const float before = logits[i];
        std::vector<float> unused(n);
        logits[i] = before + 0.0078125F;  // a power of two, so that the sums are exact
        const double above = cross_entropy(loss, unused.data());
        logits[i] = before - 0.0078125F;
        const double below = cross_entropy(loss, unused.data());
        logits[i] = before;
        EXPECT_NEAR(gradient[i], (above - below) / 0.015625, 1e-4);
      }
    }
  }
}

}  // namespace
}  // namespace spanqa

#include "qa/window_loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace spanqa {
namespace {

WindowLogits view(const std::vector<float>& start, const std::vector<float>& end) {
  return {.start = start.data(),
          .end = end.data(),
          .n_tokens = start.size(),
          .context_position = 1,
          .context_begin = 0,
          .n_context = start.size() - 2};
}

TEST(WindowLoss, EqualLogitsGiveTheLogarithmOfTheirNumber) {
  const std::vector<float> flat(7, 3.5F);
  EXPECT_NEAR(window_loss(view(flat, flat), {.start = 2, .end = 6}), std::log(7.0), 1e-12);
}

TEST(WindowLoss, IsTheMeanOfBothCrossEntropies) {
  const std::vector<float> start = {0.0F, 1.0F, 2.0F};
  const std::vector<float> end = {-1.0F, 0.5F, 0.0F};
  const double start_loss = std::log(1.0 + std::exp(1.0) + std::exp(2.0)) - 1.0;
  const double end_loss = std::log(std::exp(-1.0) + std::exp(0.5) + 1.0) - 0.0;
  EXPECT_NEAR(window_loss(view(start, end), {.start = 1, .end = 2}), (start_loss + end_loss) / 2.0, 1e-12);
}

TEST(WindowLoss, LargeLogitsDoNotOverflow) {
  const std::vector<float> start = {1e30F, 0.0F, -1e30F};
  const std::vector<float> end = {-2000.0F, -2000.0F, -2001.0F};
  const double loss = window_loss(view(start, end), {.start = 0, .end = 0});
  EXPECT_NEAR(loss, std::log(2.0 + std::exp(-1.0)) / 2.0, 1e-12);
  EXPECT_GT(window_loss(view(start, end), {.start = 2, .end = 0}), 1e29);
}

TEST(WindowLoss, AModelsNaNShowsInTheLoss) {
  const std::vector<float> broken = {0.0F, std::nanf(""), 1.0F};
  EXPECT_TRUE(std::isnan(window_loss(view(broken, broken), {})));
}

}  // namespace
}  // namespace spanqa

#include "nn/kernels/int8_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "nn/aligned_buffer.h"
#include "nn/kernels/int8_product.h"
#include "nn/kernels/target_loop.h"

namespace spanqa {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Quantised {
  std::vector<std::uint8_t> values;
  std::vector<RowScale> scales;
  std::size_t stride = 0;
  float number(std::size_t row, std::size_t i) const {
    return scales[row].scale * static_cast<float>(values[row * stride + i] - scales[row].zero);
  }
};

using QuantiseRows = decltype(&quantise_rows);

Quantised quantised(QuantiseRows function, const std::vector<float>& x, std::size_t width) {
  const std::size_t rows = x.size() / width;
  const std::size_t stride = width + 3;
  Quantised result{
      .values = std::vector<std::uint8_t>(rows * stride, 77), .scales = std::vector<RowScale>(rows), .stride = stride};
  function(x.data(), rows, width, {.values = result.values.data(), .stride = stride, .scales = result.scales.data()});
  return result;
}

void expect_same(const Quantised& fast, const Quantised& ref) {
  ASSERT_EQ(fast.values, ref.values);
  for (std::size_t r = 0; r < ref.scales.size(); ++r) {
    ASSERT_EQ(fast.scales[r].zero, ref.scales[r].zero) << r;
    const bool is_nan = std::isnan(ref.scales[r].scale);
    ASSERT_TRUE(is_nan ? std::isnan(fast.scales[r].scale) : fast.scales[r].scale == ref.scales[r].scale) << r;
  }
}

// Rows of every kind: both signs, one sign, an outlier, tiny, large.
std::vector<float> rows_of_all_kinds(RandomFloats& random, std::size_t width) {
  std::vector<float> x;
  for (const float spread : {1.0F, 1e-20F, 1e20F, 1e-35F, 0.0F}) {
    std::vector<float> row = random.normal(width, spread);
    x.insert(x.end(), row.begin(), row.end());
    for (float& v : row) v = std::abs(v);
    x.insert(x.end(), row.begin(), row.end());
    for (float& v : row) v = -v;
    row[random.below(width)] *= 50.0F;
    x.insert(x.end(), row.begin(), row.end());
  }
  return x;
}

TEST(QuantiseRows, EqualsTheFormulaBitForBit) {
  const std::uint32_t seed = 4711;
  SCOPED_TRACE(seed);
  for_each_target([&] {
    RandomFloats random(seed);
    for (std::size_t width = 1; width <= 140; ++width) {
      SCOPED_TRACE(width);
      const std::vector<float> x = rows_of_all_kinds(random, width);
      expect_same(quantised(quantise_rows, x, width), quantised(quantise_rows_ref, x, width));
    }
  });
}

TEST(QuantiseRows, StayWithinAStepAndUseTheWholeRange) {
  RandomFloats random(5);
  for_each_target([&] {
    const std::vector<float> x = random.normal(std::size_t{4} * 384);
    const Quantised q = quantised(quantise_rows, x, 384);
    for (std::size_t r = 0; r < 4; ++r) {
      const auto row = q.values.begin() + static_cast<std::ptrdiff_t>(r * q.stride);
      EXPECT_EQ(*std::min_element(row, row + 384), 0);
      EXPECT_EQ(*std::max_element(row, row + 384), 255);
      // Half a step for the number, and half where the rounded zero point cuts the highest ones off.
      for (std::size_t i = 0; i < 384; ++i) ASSERT_NEAR(q.number(r, i), x[r * 384 + i], 1.001F * q.scales[r].scale);
    }
  });
}

TEST(QuantiseRows, ZeroIsExact) {
  for_each_target([] {
    const Quantised q = quantised(quantise_rows, {0.0F, -3.7F, 11.0F, 0.0F, 5.0F, 9.0F}, 3);
    EXPECT_EQ(q.number(0, 0), 0.0F);
    EXPECT_EQ(q.number(1, 0), 0.0F);
    EXPECT_EQ(q.scales[1].zero, 0);
  });
}

TEST(QuantiseRows, AFaultAnywhereShowsInItsRowAlone) {
  for_each_target([] {
    for (const float fault : {kInfinity, -kInfinity, std::nanf("")}) {
      for (std::size_t place = 0; place < 37; ++place) {
        std::vector<float> x(std::size_t{3} * 37, 1.0F);
        x[37 + place] = fault;
        const Quantised q = quantised(quantise_rows, x, 37);
        expect_same(q, quantised(quantise_rows_ref, x, 37));
        EXPECT_TRUE(std::isnan(q.scales[1].scale)) << place;
        EXPECT_FALSE(std::isnan(q.scales[0].scale));
        EXPECT_FALSE(std::isnan(q.scales[2].scale));
      }
    }
  });
}

TEST(QuantiseWeights, EqualsTheFormulaBitForBit) {
  const std::uint32_t seed = 4712;
  SCOPED_TRACE(seed);
  for_each_target([&] {
    RandomFloats random(seed);
    for (std::size_t k = 1; k <= 140; ++k) {
      SCOPED_TRACE(k);
      const std::vector<float> weight = rows_of_all_kinds(random, k);
      const std::size_t n = weight.size() / k;
      std::vector<std::int8_t> fast(weight.size());
      std::vector<std::int8_t> ref(weight.size());
      std::vector<float> fast_scales(n);
      std::vector<float> ref_scales(n);
      quantise_weights(weight.data(), n, k, fast.data(), fast_scales.data());
      quantise_weights_ref(weight.data(), n, k, ref.data(), ref_scales.data());
      ASSERT_EQ(fast, ref);
      ASSERT_EQ(fast_scales, ref_scales);
    }
  });
}

TEST(QuantiseWeights, TheLargestIs127AndSignsAreSymmetric) {
  for_each_target([] {
    const std::vector<float> weight = {0.5F, -1.0F, 0.25F, 2.0F, 4.0F, -4.0F, 0.0F, 0.0F, 0.0F, 1.0F, kInfinity, 1.0F};
    std::vector<std::int8_t> q(weight.size());
    std::vector<float> scales(4);
    quantise_weights(weight.data(), 4, 3, q.data(), scales.data());
    EXPECT_EQ(q, (std::vector<std::int8_t>{64, -127, 32, 64, 127, -127, 0, 0, 0, 0, 0, 0}));
    EXPECT_FLOAT_EQ(scales[0], 1.0F / 127.0F);
    EXPECT_FLOAT_EQ(scales[1], 4.0F / 127.0F);
    EXPECT_EQ(scales[2], 0.0F);
    EXPECT_TRUE(std::isnan(scales[3]));
  });
}

// One panel of sums with all that finishes them.
struct Panel {
  Panel(std::size_t n_rows, std::size_t n_columns, RandomFloats& random)
      : rows(n_rows), n(n_columns), scales(random.normal(kInt8Panel, 0.01F)), bias(random.normal(kInt8Panel)) {
    sums = reinterpret_cast<std::int32_t*>(memory.at_least((rows + 1) * kInt8Panel));
    for (std::size_t i = 0; i < rows * kInt8Panel; ++i)
      sums[i] = static_cast<std::int32_t>(random.below(2000001)) - 1000000;
    for (std::size_t i = 0; i < kInt8Panel; ++i)
      weight_sums.push_back(static_cast<std::int32_t>(random.below(8001)) - 4000);
    for (std::size_t r = 0; r < rows; ++r) {
      row_scales.push_back(
          {.scale = random.normal(1, 0.001F)[0], .zero = static_cast<std::int32_t>(random.below(256))});
    }
  }
  // With a stride of n + 5: numbers behind a row must stay.
  std::vector<float> finished(decltype(&finish_sums) function, std::optional<Activation> activation) const {
    std::vector<float> y(rows * (n + 5), -99.0F);
    function({.values = sums, .rows = row_scales.data(), .n = rows},
             {.scales = scales.data(), .weight_sums = weight_sums.data(), .bias = bias.data(), .n = n}, activation,
             y.data(), n + 5);
    return y;
  }
  std::size_t rows;
  std::size_t n;
  AlignedBuffer memory;
  std::int32_t* sums;
  std::vector<float> scales;
  std::vector<float> bias;
  std::vector<std::int32_t> weight_sums;
  std::vector<RowScale> row_scales;
};

TEST(FinishSums, AgreesWithTheFormulaForEveryActivationAndTail) {
  const std::uint32_t seed = 4713;
  SCOPED_TRACE(seed);
  for_each_target([&] {
    RandomFloats random(seed);
    for (std::size_t n = 1; n <= kInt8Panel; ++n) {
      const Panel panel(random.below(10), n, random);
      for (const std::optional<Activation> activation :
           {std::optional<Activation>(), std::optional(Activation::kGelu), std::optional(Activation::kGeluTanh),
            std::optional(Activation::kRelu)}) {
        SCOPED_TRACE(testing::Message() << panel.rows << " x " << n);
        const std::vector<float> fast = panel.finished(finish_sums, activation);
        const std::vector<float> ref = panel.finished(finish_sums_ref, activation);
        ASSERT_EQ(fast.size(), ref.size());
        // Rounding of float32 sums of up to 100, and that of the activations.
        for (std::size_t i = 0; i < ref.size(); ++i) {
          ASSERT_NEAR(fast[i], ref[i], 2e-6F * std::max(1.0F, std::abs(ref[i]))) << i;
        }
      }
    }
  });
}

TEST(FinishSums, AFaultInAScaleReachesItsRow) {
  for_each_target([] {
    RandomFloats random(3);
    Panel panel(5, 40, random);
    panel.row_scales[1].scale = std::nanf("");
    panel.scales[7] = std::nanf("");
    const std::vector<float> y = panel.finished(finish_sums, std::nullopt);
    for (std::size_t r = 0; r < 5; ++r) {
      for (std::size_t c = 0; c < 40; ++c) EXPECT_EQ(std::isnan(y[r * 45 + c]), r == 1 || c == 7);
    }
  });
}

}  // namespace
}  // namespace spanqa

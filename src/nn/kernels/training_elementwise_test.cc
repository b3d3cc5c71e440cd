#include "nn/kernels/training_elementwise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "nn/kernels/target_loop.h"

namespace spanqa {
namespace {

using Floats = std::vector<float>;
constexpr Activation kActivations[] = {Activation::kGelu, Activation::kGeluTanh, Activation::kRelu};
constexpr std::size_t kWidths[] = {1, 2, 15, 16, 17, 63, 64, 65, 100, 128, 130, 384, 768};

double dot(const Floats& a, const Floats& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

void expect_near(const Floats& fast, const Floats& ref, double tolerance) {
  ASSERT_EQ(fast.size(), ref.size());
  for (std::size_t i = 0; i < fast.size(); ++i) ASSERT_NEAR(fast[i], ref[i], tolerance) << "at " << i;
}

bool same_bytes(const Floats& a, const Floats& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

// Inputs of one normalisation, with a number behind each output that must stay.
struct NormCase {
  NormCase(RandomFloats& random, std::size_t n_rows, std::size_t n_columns, float p)
      : rows(n_rows),
        width(n_columns),
        x(random.normal(rows * width, 3.0F)),
        residual(random.normal(rows * width)),
        gamma(random.normal(width)),
        beta(random.normal(width)),
        d_out(random.normal(rows * width)),
        dropout(make_dropout(p, random.below(1000), random.below(1000))),
        first_row(random.below(100000)) {}
  LayerNormWeights weights() const {
    return {.gamma = gamma.data(), .beta = beta.data(), .width = width, .eps = 1e-5F};
  }
  RowDropout drop() const { return {.dropout = dropout, .first_row = first_row}; }

  std::size_t rows;
  std::size_t width;
  Floats x;
  Floats residual;
  Floats gamma;
  Floats beta;
  Floats d_out;
  Dropout dropout;
  std::size_t first_row;
};

struct NormResult {
  explicit NormResult(const NormCase& c) : out(c.x.size()), normalised(c.x.size()), inverse_deviation(c.rows) {}
  LayerNormTape tape() { return {.normalised = normalised.data(), .inverse_deviation = inverse_deviation.data()}; }
  Floats out;
  Floats normalised;
  Floats inverse_deviation;
};

NormResult norm_of(const NormCase& c, decltype(&add_layer_norm_train) function, bool with_residual = true) {
  NormResult result(c);
  function(c.x.data(), with_residual ? c.residual.data() : nullptr, c.drop(), c.weights(), c.rows, result.out.data(),
           result.tape());
  return result;
}

template <class Check>
void for_random_norms(const Check& check) {
  const std::uint32_t seed = 90125;
  SCOPED_TRACE(seed);
  for_each_target([&] {
    RandomFloats random(seed);
    for (const std::size_t width : kWidths) {
      for (const float p : {0.0F, 0.1F, 0.5F}) {
        const NormCase c(random, random.below(5), width, p);
        SCOPED_TRACE(testing::Message() << c.rows << " x " << width << ", p " << p << ", from " << c.first_row);
        check(c);
      }
    }
  });
}

TEST(AddLayerNormTrain, AgreesWithTheFormulaOnRandomShapes) {
  for_random_norms([](const NormCase& c) {
    for (const bool with_residual : {true, false}) {
      const NormResult fast = norm_of(c, add_layer_norm_train, with_residual);
      const NormResult ref = norm_of(c, add_layer_norm_train_ref, with_residual);
      // A row of few columns, most of them dropped, may have a deviation near 0; its inverse magnifies rounding.
      for (std::size_t r = 0; r < c.rows; ++r) {
        const double scale = static_cast<double>(ref.inverse_deviation[r]);
        ASSERT_NEAR(fast.inverse_deviation[r], scale, 1e-5 * scale * std::max(1.0, scale));
      }
      const double tolerance =
          2e-5 * std::max(1.0, c.rows == 0 ? 0.0
                                           : static_cast<double>(*std::max_element(ref.inverse_deviation.begin(),
                                                                                   ref.inverse_deviation.end())));
      expect_near(fast.normalised, ref.normalised, tolerance);
      expect_near(fast.out, ref.out, tolerance);
    }
  });
}

TEST(AddLayerNormTrain, WritesOverItsInputsAndIsTheInferenceKernelWithoutDropout) {
  for_random_norms([](const NormCase& c) {
    NormResult tape(c);
    const NormResult apart = norm_of(c, add_layer_norm_train);
    Floats in_x = c.x;
    add_layer_norm_train(in_x.data(), c.residual.data(), c.drop(), c.weights(), c.rows, in_x.data(), tape.tape());
    EXPECT_EQ(in_x, apart.out);
    Floats in_residual = c.residual;
    add_layer_norm_train(c.x.data(), in_residual.data(), c.drop(), c.weights(), c.rows, in_residual.data(),
                         tape.tape());
    EXPECT_EQ(in_residual, apart.out);
    if (!c.dropout.is_off()) return;
    Floats inference(c.x.size());
    add_layer_norm(c.x.data(), c.residual.data(), c.weights(), c.rows, inference.data());
    EXPECT_EQ(inference, apart.out);
  });
}

struct NormGradients {
  explicit NormGradients(const NormCase& c) : d_sum(c.x.size()), d_x(c.x.size()) {}
  Floats d_sum;
  Floats d_x;
};

NormGradients gradients_of(const NormCase& c, const LayerNormTapeView& tape, decltype(&layer_norm_backward) function) {
  NormGradients result(c);
  function(c.d_out.data(), tape, c.weights(), c.drop(), c.rows, result.d_sum.data(), result.d_x.data());
  return result;
}

TEST(LayerNormBackward, AgreesWithTheFormulaOnRandomShapes) {
  for_random_norms([](const NormCase& c) {
    NormResult forward = norm_of(c, add_layer_norm_train_ref);
    const NormGradients fast = gradients_of(c, forward.tape(), layer_norm_backward);
    const NormGradients ref = gradients_of(c, forward.tape(), layer_norm_backward_ref);
    for (std::size_t i = 0; i < c.x.size(); ++i) {
      const double tolerance = 1e-5 * std::max(1.0, static_cast<double>(forward.inverse_deviation[i / c.width]));
      ASSERT_NEAR(fast.d_sum[i], ref.d_sum[i], tolerance) << i;
      ASSERT_NEAR(fast.d_x[i], ref.d_x[i], 2.0 * tolerance) << i;
    }
    Floats in_place = c.d_out;
    layer_norm_backward(in_place.data(), forward.tape(), c.weights(), c.drop(), c.rows, in_place.data(), nullptr);
    EXPECT_EQ(in_place, fast.d_sum);
    if (!c.dropout.is_off()) return;
    Floats same(c.x.size());
    layer_norm_backward(c.d_out.data(), forward.tape(), c.weights(), c.drop(), c.rows, same.data(), same.data());
    EXPECT_EQ(same, fast.d_sum);
  });
}

// Slope of dot(d_out, out) where `number` varies.
double numeric_slope(NormCase& c, float& number) {
  const float kept = number;
  const float h = 1.0F / 128.0F;
  number = kept + h;
  const double above = dot(c.d_out, norm_of(c, add_layer_norm_train_ref).out);
  number = kept - h;
  const double below = dot(c.d_out, norm_of(c, add_layer_norm_train_ref).out);
  number = kept;
  return (above - below) / (2.0 * static_cast<double>(h));
}

TEST(LayerNormBackward, AgreesWithFiniteDifferences) {
  for (const float p : {0.0F, 0.3F}) {
    RandomFloats random(3);
    NormCase c(random, 2, 37, p);
    const NormGradients gradients =
        gradients_of(c, norm_of(c, add_layer_norm_train_ref).tape(), layer_norm_backward_ref);
    const NormResult forward = norm_of(c, add_layer_norm_train_ref);
    Floats d_gamma(c.width);
    Floats d_beta(c.width);
    const ColumnsView d_out{.first = c.d_out.data(), .stride = c.width};
    const ColumnsView normalised{.first = forward.normalised.data(), .stride = c.width};
    add_column_products_ref(d_out, normalised, c.rows, c.width, d_gamma.data());
    add_column_sums_ref(d_out, c.rows, c.width, d_beta.data());
    for (std::size_t i = 0; i < c.x.size(); ++i) {
      ASSERT_NEAR(numeric_slope(c, c.x[i]), gradients.d_x[i], 2e-4) << i;
      ASSERT_NEAR(numeric_slope(c, c.residual[i]), gradients.d_sum[i], 2e-4) << i;
    }
    for (std::size_t i = 0; i < c.width; ++i) {
      ASSERT_NEAR(numeric_slope(c, c.gamma[i]), d_gamma[i], 2e-4) << i;
      ASSERT_NEAR(numeric_slope(c, c.beta[i]), d_beta[i], 2e-4) << i;
    }
  }
}

TEST(ColumnSums, AgreeWithTheFormulaOnRandomShapes) {
  const std::uint32_t seed = 515;
  SCOPED_TRACE(seed);
  for_each_target([&] {
    RandomFloats random(seed);
    for (const std::size_t width : {0U, 1U, 2U, 7U, 16U, 33U, 64U, 100U}) {
      for (const std::size_t rows : {0U, 1U, 7U, 8U, 9U, 29U}) {
        SCOPED_TRACE(testing::Message() << rows << " x " << width);
        const std::size_t stride_a = width + random.below(20);
        const std::size_t stride_b = width + random.below(20);
        const Floats a = random.normal(rows * stride_a);
        const Floats b = random.normal(rows * stride_b);
        const ColumnsView columns_a{.first = a.data(), .stride = stride_a};
        const ColumnsView columns_b{.first = b.data(), .stride = stride_b};
        Floats fast = random.normal(width + 1);
        Floats ref = fast;
        add_column_sums(columns_a, rows, width, fast.data());
        add_column_sums_ref(columns_a, rows, width, ref.data());
        expect_near(fast, ref, 1e-5);
        add_column_products(columns_a, columns_b, rows, width, fast.data());
        add_column_products_ref(columns_a, columns_b, rows, width, ref.data());
        expect_near(fast, ref, 2e-5);
        ASSERT_EQ(fast.back(), ref.back());
      }
    }
  });
}

// Sums of numbers with a mean, where rounding adds up.
TEST(ColumnSums, StayExactOverManyRows) {
  constexpr std::size_t kRows = 4099;
  constexpr std::size_t kWidth = 20;
  RandomFloats random(8);
  Floats a = random.normal(kRows * kWidth);
  for (float& number : a) number += 1.0F;
  for_each_target([&] {
    const ColumnsView columns{.first = a.data(), .stride = kWidth};
    Floats fast(kWidth);
    Floats ref(kWidth);
    add_column_sums(columns, kRows, kWidth, fast.data());
    add_column_sums_ref(columns, kRows, kWidth, ref.data());
    expect_near(fast, ref, 1e-5 * kRows);
    add_column_products(columns, columns, kRows, kWidth, fast.data());
    add_column_products_ref(columns, columns, kRows, kWidth, ref.data());
    expect_near(fast, ref, 3e-5 * kRows);
  });
}

TEST(ColumnSums, DoNotDependOnTheSliceOfColumns) {
  constexpr std::size_t kRows = 21;
  constexpr std::size_t kWidth = 75;
  RandomFloats random(9);
  const Floats a = random.normal(kRows * kWidth);
  const Floats b = random.normal(kRows * kWidth);
  for_each_target([&] {
    Floats whole(kWidth);
    add_column_sums({a.data(), kWidth}, kRows, kWidth, whole.data());
    add_column_products({a.data(), kWidth}, {b.data(), kWidth}, kRows, kWidth, whole.data());
    for (const std::size_t split : {1U, 16U, 37U, 74U}) {
      Floats parts(kWidth);
      for (const auto& [first, width] : {std::pair{std::size_t{0}, split}, std::pair{split, kWidth - split}}) {
        add_column_sums({a.data() + first, kWidth}, kRows, width, parts.data() + first);
        add_column_products({a.data() + first, kWidth}, {b.data() + first, kWidth}, kRows, width, parts.data() + first);
      }
      ASSERT_TRUE(same_bytes(parts, whole)) << split;
    }
  });
}

// Every region: the bend, where the gate saturates, far outside, and zeros.
Floats activation_inputs() {
  Floats x = {0.0F, -0.0F, 1e-30F, -1e-30F, 5.5F, -5.5F, 100.0F, -100.0F, 1e30F, -1e30F, 3e38F, -3e38F};
  for (int i = -14000; i <= 14000; ++i) x.push_back(static_cast<float>(i) * 1e-3F);
  return x;
}

TEST(ActivationBackward, SlopeIsExactToTwoMillionths) {
  const Floats x = activation_inputs();
  for_each_target([&] {
    for (const Activation activation : kActivations) {
      SCOPED_TRACE(static_cast<int>(activation));
      Floats value = x;
      Floats slope(x.size(), 1.0F);
      Floats ref_value = x;
      Floats ref_slope = slope;
      activation_backward(activation, value.data(), slope.data(), x.size());
      activation_backward_ref(activation, ref_value.data(), ref_slope.data(), x.size());
      for (std::size_t i = 0; i < x.size(); ++i) {
        ASSERT_NEAR(slope[i], ref_slope[i], 2e-6) << x[i];
        ASSERT_NEAR(value[i], ref_value[i], 1e-6 * std::max(1.0, std::abs(static_cast<double>(x[i])))) << x[i];
      }
    }
  });
}

TEST(ActivationBackward, AgreesWithFiniteDifferences) {
  Floats x;
  for (int i = -64; i <= 64; ++i) x.push_back(static_cast<float>(i) / 13.0F + 1e-2F);  // not at ReLU's bend
  const float h = 1.0F / 256.0F;
  for (const Activation activation : kActivations) {
    Floats slope(x.size(), 1.0F);
    Floats value = x;
    activation_backward_ref(activation, value.data(), slope.data(), x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      Floats near = {x[i] - h, x[i] + h};
      activate_out_ref(activation, near.data(), 2, near.data());
      ASSERT_NEAR((near[1] - near[0]) / (2.0F * h), slope[i], 1e-4F) << x[i];
    }
  }
}

TEST(ActivateOut, IsTheInferenceKernelAndTheFormula) {
  const Floats x = activation_inputs();
  for_each_target([&] {
    for (const Activation activation : kActivations) {
      Floats in_place = x;
      if (activation == Activation::kGelu) gelu(in_place.data(), x.size());
      if (activation == Activation::kGeluTanh) gelu_tanh(in_place.data(), x.size());
      if (activation == Activation::kRelu) relu(in_place.data(), x.size());
      Floats out(x.size());
      activate_out(activation, x.data(), x.size(), out.data());
      EXPECT_TRUE(same_bytes(out, in_place));
      Floats ref(x.size());
      activate_out_ref(activation, x.data(), x.size(), ref.data());
      for (std::size_t i = 0; i < x.size(); ++i) {
        ASSERT_NEAR(out[i], ref[i], 1e-6 * std::max(1.0, std::abs(static_cast<double>(x[i])))) << x[i];
      }
    }
  });
}

TEST(Activations, TouchOnlyTheirNumbersAndLetNaNThroughAtEveryLength) {
  for_each_target([] {
    for (const Activation activation : kActivations) {
      for (std::size_t n = 0; n <= 40; ++n) {
        Floats x(n + 1, 0.5F);
        Floats d(n + 1, 2.0F);
        x[n] = -123.0F;
        d[n] = -124.0F;
        Floats out(n + 1, -125.0F);
        activate_out(activation, x.data(), n, out.data());
        activation_backward(activation, x.data(), d.data(), n);
        ASSERT_EQ(x[n], -123.0F);
        ASSERT_EQ(d[n], -124.0F);
        ASSERT_EQ(out[n], -125.0F);
        ASSERT_TRUE(std::all_of(d.begin(), d.end() - 1, [&](float v) { return v == d[0]; })) << n;
        ASSERT_TRUE(
            std::equal(x.begin(), x.end() - 1, out.begin(), [](float a, float b) { return std::abs(a - b) < 1e-6F; }));
      }
      Floats x = {std::numeric_limits<float>::quiet_NaN()};
      Floats d = {1.0F};
      activation_backward(activation, x.data(), d.data(), 1);
      EXPECT_TRUE(std::isnan(x[0])) << static_cast<int>(activation);
    }
  });
}

TEST(ToBFloat16, RoundsToNearestEvenAndBack) {
  const std::uint32_t seed = 616;
  SCOPED_TRACE(seed);
  Floats special = {1.0F,
                    -0.0F,
                    3e38F,
                    3.4e38F,
                    1e-40F,
                    std::numeric_limits<float>::infinity(),
                    -std::numeric_limits<float>::infinity()};
  for (const std::uint32_t low : {0x7FFFU, 0x8000U, 0x8001U, 0xFFFFU}) {
    for (const std::uint32_t high : {0x3F80U, 0x3F81U, 0x7F7FU, 0xC123U}) {
      special.push_back(std::bit_cast<float>((high << 16U) | low));
    }
  }
  for_each_target([&] {
    RandomFloats random(seed);
    for (std::size_t n = 0; n <= 70; ++n) {
      Floats src = random.normal(n);
      src.insert(src.end(), special.begin(), special.end());
      std::vector<std::uint16_t> fast(src.size() + 1, 0x1234);
      std::vector<std::uint16_t> ref = fast;
      to_bfloat16(src.data(), src.size(), fast.data());
      to_bfloat16_ref(src.data(), src.size(), ref.data());
      ASSERT_EQ(fast, ref) << n;
      Floats back(src.size());
      to_float32(fast.data(), DType::kBFloat16, src.size(), back.data());
      for (std::size_t i = 0; i < n; ++i) ASSERT_NEAR(back[i], src[i], std::abs(src[i]) / 256.0F);
    }
    // The smallest NaN, whose upper half alone would be an infinity.
    const Floats nan = {std::bit_cast<float>(0x7F800001U), std::bit_cast<float>(0xFFFFFFFFU)};
    std::vector<std::uint16_t> bits(2);
    to_bfloat16(nan.data(), 2, bits.data());
    EXPECT_EQ(bits[0], 0x7FC0);
    EXPECT_EQ(bits[1], 0xFFFF);
  });
}

struct Optimised {
  Floats p;
  Floats m;
  Floats v;
};

AdamWStep step_at(int t) {
  return {.learning_rate = 3e-3,
          .weight_decay = 0.1,
          .bias_correction1 = 1.0 - std::pow(0.9, t),
          .bias_correction2 = 1.0 - std::pow(0.999, t),
          .gradient_scale = 0.5};
}

TEST(AdamW, AgreesWithTheFormulaOverStepsAtEveryLength) {
  const std::uint32_t seed = 717;
  SCOPED_TRACE(seed);
  for_each_target([&] {
    RandomFloats random(seed);
    for (std::size_t n = 0; n <= 50; ++n) {
      Optimised fast{.p = random.normal(n + 1), .m = Floats(n + 1), .v = Floats(n + 1)};
      Optimised ref = fast;
      for (int t = 1; t <= 5; ++t) {
        const Floats gradient = random.normal(n, t == 3 ? 1e-9F : 1e-2F);
        adamw_update(step_at(t), gradient.data(), n, fast.p.data(), fast.m.data(), fast.v.data());
        adamw_update_ref(step_at(t), gradient.data(), n, ref.p.data(), ref.m.data(), ref.v.data());
      }
      expect_near(fast.p, ref.p, 2e-6);
      expect_near(fast.m, ref.m, 1e-8);
      expect_near(fast.v, ref.v, 1e-10);
      ASSERT_EQ(fast.p[n], ref.p[n]);
    }
  });
}

// By hand: the first step moves by the learning rate against the gradient's sign, after the decay.
TEST(AdamW, FirstStepIsTheLearningRate) {
  for_each_target([] {
    Optimised one{.p = {2.0F, 2.0F, 2.0F}, .m = Floats(3), .v = Floats(3)};
    const Floats gradient = {0.4F, -4e-3F, 0.0F};
    adamw_update(step_at(1), gradient.data(), 3, one.p.data(), one.m.data(), one.v.data());
    const float decayed = 2.0F * (1.0F - 3e-3F * 0.1F);
    EXPECT_NEAR(one.p[0], decayed - 3e-3F, 1e-6F);
    EXPECT_NEAR(one.p[1], decayed + 3e-3F, 1e-6F);
    EXPECT_NEAR(one.p[2], decayed, 1e-6F);
    EXPECT_NEAR(one.m[0], 0.1F * 0.2F, 1e-8F);
    EXPECT_NEAR(one.v[0], 1e-3F * 0.04F, 1e-11F);
  });
}

TEST(AdamW, FaintMomentsBecomeZeroAndNaNStays) {
  for_each_target([] {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const Floats gradient = {0.0F, 0.0F, nan};
    Optimised faint{.p = {1.0F, 1.0F, 1.0F}, .m = {1e-30F, -1e-29F, 0.0F}, .v = {1e-36F, 1e-35F, 0.0F}};
    adamw_update(step_at(100), gradient.data(), 3, faint.p.data(), faint.m.data(), faint.v.data());
    EXPECT_EQ(faint.m[0], 0.0F);
    EXPECT_EQ(faint.v[0], 0.0F);
    EXPECT_LT(faint.m[1], 0.0F);
    EXPECT_GT(faint.v[1], 0.0F);
    EXPECT_TRUE(std::isnan(faint.p[2]) && std::isnan(faint.m[2]) && std::isnan(faint.v[2]));
  });
}

TEST(SumOfSquares, HasTheSameBitsEverywhere) {
  const std::uint32_t seed = 818;
  SCOPED_TRACE(seed);
  for_each_target([&] {
    RandomFloats random(seed);
    for (std::size_t n = 0; n <= 100; ++n) {
      const Floats x = random.normal(n, 100.0F);
      ASSERT_EQ(sum_of_squares(x.data(), n), sum_of_squares_ref(x.data(), n)) << n;
      ASSERT_NEAR(sum_of_squares(x.data(), n), dot(x, x), 1e-12 * dot(x, x)) << n;
    }
    const Floats large(1000, 3e38F);  // whose squares float32 does not hold
    EXPECT_NEAR(sum_of_squares(large.data(), 1000) / 9e79, 1.0, 1e-6);
  });
}

TEST(Mix, AgreesWithTheFormulaAtEveryLength) {
  const std::uint32_t seed = 919;
  SCOPED_TRACE(seed);
  for_each_target([&] {
    RandomFloats random(seed);
    for (std::size_t n = 0; n <= 50; ++n) {
      const Floats x = random.normal(n);
      for (const MixFactors factors : {MixFactors{}, MixFactors{.x = 0.25F, .y = 0.75F}}) {
        Floats fast = random.normal(n + 1);
        Floats ref = fast;
        mix(factors, x.data(), n, fast.data());
        mix_ref(factors, x.data(), n, ref.data());
        expect_near(fast, ref, 1e-6);
        ASSERT_EQ(fast[n], ref[n]);
      }
    }
  });
}

}  // namespace
}  // namespace spanqa

#include "nn/kernels/elementwise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "nn/kernels/target_loop.h"

namespace spanqa {
namespace {

using InPlace = void (*)(float*, std::size_t);

// Largest |fast - ref| / max(1, |x|) on `x`.
double largest_error(InPlace fast, InPlace ref, const std::vector<float>& x) {
  std::vector<float> a = x;
  std::vector<float> b = x;
  fast(a.data(), a.size());
  ref(b.data(), b.size());
  double largest = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double error = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (std::isnan(error)) return error;
    largest = std::max(largest, error / std::max(1.0, std::abs(static_cast<double>(x[i]))));
  }
  return largest;
}

// Every region: the bend, where the gate saturates, far outside, and zeros.
std::vector<float> activation_inputs() {
  std::vector<float> x = {0.0F, -0.0F, 1e-30F, -1e-30F, 5.5F, -5.5F, 100.0F, -100.0F, 1e30F, -1e30F, 3e38F, -3e38F};
  for (int i = -12000; i <= 12000; ++i) x.push_back(static_cast<float>(i) * 1e-3F);
  return x;
}

TEST(Gelu, IsExactToAMillionth) {
  for_each_target([] {
    EXPECT_LE(largest_error(gelu, gelu_ref, activation_inputs()), 1e-6);
    std::vector<float> far = {-50.0F, -1e10F, 50.0F};
    gelu(far.data(), far.size());
    EXPECT_NEAR(far[0], 0.0F, 1e-6F);  // absolute, however large the argument
    EXPECT_NEAR(far[1], 0.0F, 1e-6F);
    EXPECT_FLOAT_EQ(far[2], 50.0F);
  });
}

TEST(GeluTanh, IsExactToAMillionth) {
  for_each_target([] {
    EXPECT_LE(largest_error(gelu_tanh, gelu_tanh_ref, activation_inputs()), 1e-6);
    std::vector<float> far = {-50.0F, -1e10F};
    gelu_tanh(far.data(), far.size());
    EXPECT_NEAR(far[0], 0.0F, 1e-6F);
    EXPECT_NEAR(far[1], 0.0F, 1e-6F);
  });
}

TEST(Relu, IsExact) {
  for_each_target([] { EXPECT_EQ(largest_error(relu, relu_ref, activation_inputs()), 0.0); });
}

TEST(Activations, TouchOnlyTheirNumbersAtEveryLength) {
  for_each_target([] {
    for (const InPlace function : {gelu, gelu_tanh, relu}) {
      for (std::size_t n = 0; n <= 70; ++n) {
        std::vector<float> x(n + 1, 0.5F);
        x[n] = -123.0F;
        function(x.data(), n);
        ASSERT_EQ(x[n], -123.0F) << n;
        ASSERT_TRUE(std::all_of(x.begin(), x.end() - 1, [&](float v) { return v == x[0]; })) << n;
      }
    }
  });
}

void expect_near(const std::vector<float>& fast, const std::vector<float>& ref, double tolerance) {
  ASSERT_EQ(fast.size(), ref.size());
  for (std::size_t i = 0; i < fast.size(); ++i) ASSERT_NEAR(fast[i], ref[i], tolerance) << "at " << i;
}

TEST(AddLayerNorm, AgreesWithTheFormulaOnRandomShapes) {
  const std::uint32_t seed = 20240607;
  SCOPED_TRACE(seed);
  for_each_target([&] {
    RandomFloats random(seed);
    for (const std::size_t width : {1U, 2U, 15U, 16U, 17U, 63U, 64U, 65U, 100U, 384U, 768U}) {
      const std::size_t rows = random.below(4);
      SCOPED_TRACE(testing::Message() << rows << " x " << width);
      const std::vector<float> x = random.normal(rows * width, 3.0F);
      const std::vector<float> residual = random.normal(rows * width);
      const std::vector<float> gamma = random.normal(width);
      const std::vector<float> beta = random.normal(width);
      const LayerNormWeights weights{.gamma = gamma.data(), .beta = beta.data(), .width = width, .eps = 1e-5F};
      std::vector<float> ref(x.size());
      std::vector<float> fast(x.size());
      add_layer_norm_ref(x.data(), residual.data(), weights, rows, ref.data());
      add_layer_norm(x.data(), residual.data(), weights, rows, fast.data());
      expect_near(fast, ref, 2e-5);
      std::vector<float> in_x = x;
      add_layer_norm(in_x.data(), residual.data(), weights, rows, in_x.data());
      EXPECT_EQ(in_x, fast);
      std::vector<float> in_residual = residual;
      add_layer_norm(x.data(), in_residual.data(), weights, rows, in_residual.data());
      EXPECT_EQ(in_residual, fast);
      add_layer_norm_ref(x.data(), nullptr, weights, rows, ref.data());
      add_layer_norm(x.data(), nullptr, weights, rows, fast.data());
      expect_near(fast, ref, 2e-5);
    }
  });
}

constexpr std::size_t kWidth = 384;
TEST(AddLayerNorm, AnOutlierDoesNotSpoilTheVariance) {
  for_each_target([] {
    std::vector<float> x(kWidth, 1000.0F);  // a large mean, a small spread
    for (std::size_t i = 0; i < kWidth; i += 2) x[i] = 1001.0F;
    const std::vector<float> gamma(kWidth, 1.0F);
    const std::vector<float> beta(kWidth, 0.0F);
    std::vector<float> out(kWidth);
    add_layer_norm(x.data(), nullptr, {.gamma = gamma.data(), .beta = beta.data(), .width = kWidth}, 1, out.data());
    for (std::size_t i = 0; i < kWidth; ++i) ASSERT_NEAR(out[i], i % 2 == 0 ? 1.0F : -1.0F, 1e-3F) << i;
  });
}

// All 65,536 patterns of a two-byte type, from an odd address.
std::vector<std::uint8_t> all_patterns_misaligned() {
  std::vector<std::uint8_t> bytes(1);
  for (unsigned bits = 0; bits < 65536; ++bits) {
    bytes.push_back(static_cast<std::uint8_t>(bits & 0xFFU));
    bytes.push_back(static_cast<std::uint8_t>(bits >> 8U));
  }
  return bytes;
}

TEST(ToFloat32, EveryHalfPatternIsExactAtAnyAlignment) {
  const std::vector<std::uint8_t> bytes = all_patterns_misaligned();
  for_each_target([&] {
    for (const DType type : {DType::kFloat16, DType::kBFloat16}) {
      SCOPED_TRACE(dtype_name(type));
      std::vector<float> fast(65536);
      std::vector<float> ref(65536);
      to_float32(bytes.data() + 1, type, fast.size(), fast.data());
      to_float32_ref(bytes.data() + 1, type, ref.size(), ref.data());
      EXPECT_EQ(std::memcmp(fast.data(), ref.data(), fast.size() * sizeof(float)), 0);
    }
  });
}

TEST(ToFloat32, KnownHalfValues) {
  const std::vector<std::uint16_t> half = {0x3C00, 0xC000, 0x7BFF, 0x0001, 0x0400, 0x7C00, 0xFC00, 0x8000};
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> expected = {1.0F, -2.0F, 65504.0F, 5.9604645e-8F, 6.1035156e-5F, infinity, -infinity, -0.0F};
  for_each_target([&] {
    std::vector<float> out(half.size());
    to_float32(half.data(), DType::kFloat16, half.size(), out.data());
    EXPECT_EQ(std::memcmp(out.data(), expected.data(), out.size() * sizeof(float)), 0);
  });
}

TEST(AddRow, AgreesWithTheFormulaForEveryTypeAndLength) {
  const std::uint32_t seed = 77;
  SCOPED_TRACE(seed);
  for_each_target([&] {
    RandomFloats random(seed);
    for (std::size_t n = 0; n <= 70; ++n) {
      const std::vector<float> numbers = random.normal(n + 1);
      std::vector<std::uint8_t> bytes(numbers.size() * sizeof(float) + 1);
      std::memcpy(bytes.data() + 1, numbers.data(), numbers.size() * sizeof(float));
      for (const DType type : {DType::kFloat32, DType::kFloat16, DType::kBFloat16}) {
        for (std::size_t i = 1; type != DType::kFloat32 && i < bytes.size(); ++i) bytes[i] &= 0xBBU;  // no infinities
        std::vector<float> fast = random.normal(n + 1);
        std::vector<float> ref = fast;
        add_row(bytes.data() + 1, type, n, fast.data());
        add_row_ref(bytes.data() + 1, type, n, ref.data());
        ASSERT_EQ(fast, ref) << n << " " << dtype_name(type);
      }
    }
  });
}

}  // namespace
}  // namespace spanqa

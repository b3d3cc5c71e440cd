// For tests: the formulas of linear layers as plain loops in double, on operands rounded beforehand.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <vector>

#include "nn/linear.h"
#include "nn/matmul_operand.h"

namespace spanqa {

constexpr Precision kPrecisions[] = {Precision::kFloat32, Precision::kBFloat16};

/// `x` as a product of this precision sees it.
inline std::vector<float> rounded(std::vector<float> x, Precision precision) {
  if (precision == Precision::kFloat32) return x;
  std::vector<float> result(x.size());
  to_operand(Arithmetic::kRoundedFloat32, x.data(), x.size(), result.data());
  return result;
}

/// y = x W^T + b. x: [rows, k], weight: [n, k], bias: [n]
inline std::vector<float> linear_ref(const std::vector<float>& x, const std::vector<float>& weight,
                                     const std::vector<float>& bias, std::size_t k) {
  const std::size_t n = bias.size();
  std::vector<float> y;
  for (std::size_t r = 0; r < x.size() / k; ++r) {
    for (std::size_t j = 0; j < n; ++j) {
      double sum = static_cast<double>(bias[j]);
      for (std::size_t c = 0; c < k; ++c)
        sum += static_cast<double>(x[r * k + c]) * static_cast<double>(weight[j * k + c]);
      y.push_back(static_cast<float>(sum));
    }
  }
  return y;
}

/// [n, k] to [k, n].
inline std::vector<float> transposed(const std::vector<float>& matrix, std::size_t n, std::size_t k) {
  std::vector<float> result(matrix.size());
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t c = 0; c < k; ++c) result[c * n + j] = matrix[j * k + c];
  }
  return result;
}

/// What forward() makes of x, [rows, k], among slack rows of NaN.
inline std::vector<float> forward(const Linear& linear, const std::vector<float>& x, MatmulContext& context) {
  const std::size_t rows = x.size() / linear.k();
  std::vector<float> padded = x;
  padded.resize((rows + kLinearSlackRows) * linear.k(), std::nanf(""));  // garbage that would show
  std::vector<float> y((rows + kLinearSlackRows) * linear.n());
  linear.forward(padded.data(), rows, y.data(), context);
  y.resize(rows * linear.n());
  return y;
}

inline void expect_near(const std::vector<float>& fast, const std::vector<float>& ref, double tolerance = 1e-4) {
  ASSERT_EQ(fast.size(), ref.size());
  for (std::size_t i = 0; i < fast.size(); ++i) ASSERT_NEAR(fast[i], ref[i], tolerance) << i;
}

}  // namespace spanqa

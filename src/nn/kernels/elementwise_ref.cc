// The formulas of elementwise.h, loop by loop.
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "nn/kernels/elementwise.h"

namespace spanqa {
namespace {

// IEEE 754 half precision: 1 sign, 5 exponent (bias 15) and 10 mantissa bits.
float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16U;
  const std::uint32_t exponent = (half >> 10U) & 0x1FU;
  const std::uint32_t mantissa = half & 0x3FFU;
  if (exponent == 0) {
    const float magnitude = std::ldexp(static_cast<float>(mantissa), -24);
    return sign != 0 ? -magnitude : magnitude;
  }
  const std::uint32_t exponent32 = exponent == 31 ? 255U : exponent + 112U;
  return std::bit_cast<float>(sign | (exponent32 << 23U) | (mantissa << 13U));
}

float stored_number(const void* src, DType type, std::size_t i) {
  const char* bytes = static_cast<const char*>(src) + i * dtype_size(type);
  if (type == DType::kFloat32) {
    float value = 0.0F;
    std::memcpy(&value, bytes, sizeof(value));
    return value;
  }
  std::uint16_t bits = 0;
  std::memcpy(&bits, bytes, sizeof(bits));
  return type == DType::kFloat16 ? half_to_float(bits) : std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
}

}  // namespace

void add_layer_norm_ref(const float* x, const float* residual, const LayerNormWeights& weights, std::size_t rows,
                        float* out) {
  const std::size_t width = weights.width;
  for (std::size_t base = 0; base < rows * width; base += width) {
    const auto summed = [&](std::size_t c) {
      return static_cast<double>(x[base + c]) + (residual == nullptr ? 0.0 : static_cast<double>(residual[base + c]));
    };
    double mean = 0.0;
    for (std::size_t c = 0; c < width; ++c) mean += summed(c);
    mean /= static_cast<double>(width);
    double variance = 0.0;
    for (std::size_t c = 0; c < width; ++c) variance += (summed(c) - mean) * (summed(c) - mean);
    variance /= static_cast<double>(width);
    const double scale = 1.0 / std::sqrt(variance + static_cast<double>(weights.eps));
    for (std::size_t c = 0; c < width; ++c) {
      out[base + c] = static_cast<float>((summed(c) - mean) * scale * static_cast<double>(weights.gamma[c]) +
                                         static_cast<double>(weights.beta[c]));
    }
  }
}

void gelu_ref(float* x, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const double v = static_cast<double>(x[i]);
    x[i] = static_cast<float>(v * 0.5 * (1.0 + std::erf(v / std::sqrt(2.0))));
  }
}

void gelu_tanh_ref(float* x, std::size_t n) {
  const double factor = std::sqrt(2.0 / std::acos(-1.0));
  for (std::size_t i = 0; i < n; ++i) {
    const double v = static_cast<double>(x[i]);
    x[i] = static_cast<float>(v * 0.5 * (1.0 + std::tanh(factor * (v + 0.044715 * v * v * v))));
  }
}

void relu_ref(float* x, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) x[i] = x[i] > 0.0F ? x[i] : 0.0F;
}

void add_row_ref(const void* row, DType type, std::size_t width, float* accumulate) {
  for (std::size_t i = 0; i < width; ++i) accumulate[i] += stored_number(row, type, i);
}

void to_float32_ref(const void* src, DType type, std::size_t n, float* dst) {
  for (std::size_t i = 0; i < n; ++i) dst[i] = stored_number(src, type, i);
}

}  // namespace spanqa

// The formulas of training_elementwise.h, loop by loop.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <numbers>
#include <vector>

#include "nn/kernels/training_elementwise.h"

namespace spanqa {
namespace {

double wide(float x) { return static_cast<double>(x); }

// What `drop` multiplies the number at (r, c) with.
double drop_factor(const RowDropout& drop, std::size_t r, std::size_t c) {
  const bool kept =
      is_kept(drop.dropout, static_cast<std::uint32_t>(drop.first_row + r), static_cast<std::uint32_t>(c));
  return kept ? wide(drop.dropout.scale) : 0.0;
}

struct WideValueAndSlope {
  double value;
  double slope;
};

WideValueAndSlope gelu_with_slope(double x) {
  const double gate = 0.5 * std::erfc(-x / std::numbers::sqrt2);
  const double density = std::exp(-0.5 * x * x) / std::sqrt(2.0 * std::numbers::pi);
  return {x * gate, gate + x * density};
}

WideValueAndSlope gelu_tanh_with_slope(double x) {
  const double factor = std::sqrt(2.0 / std::numbers::pi);
  const double tangent = std::tanh(factor * (x + 0.044715 * x * x * x));
  const double inner = factor * (1.0 + 3.0 * 0.044715 * x * x);
  return {0.5 * x * (1.0 + tangent), 0.5 * (1.0 + tangent) + 0.5 * x * (1.0 - tangent * tangent) * inner};
}

WideValueAndSlope with_slope(Activation activation, double x) {
  switch (activation) {
    case Activation::kGelu:
      return gelu_with_slope(x);
    case Activation::kGeluTanh:
      return gelu_tanh_with_slope(x);
    case Activation::kRelu:
      return {std::max(x, 0.0), x > 0.0 ? 1.0 : 0.0};
  }
  return {0.0, 0.0};
}

}  // namespace

void add_layer_norm_train_ref(const float* x, const float* residual, const RowDropout& drop,
                              const LayerNormWeights& weights, std::size_t rows, float* out,
                              const LayerNormTape& tape) {
  const std::size_t width = weights.width;
  for (std::size_t r = 0; r < rows; ++r) {
    const auto sum_at = [&](std::size_t c) {
      const std::size_t at = r * width + c;
      return wide(x[at]) * drop_factor(drop, r, c) + (residual == nullptr ? 0.0 : wide(residual[at]));
    };
    double mean = 0.0;
    for (std::size_t c = 0; c < width; ++c) mean += sum_at(c) / static_cast<double>(width);
    double variance = 0.0;
    for (std::size_t c = 0; c < width; ++c) {
      variance += (sum_at(c) - mean) * (sum_at(c) - mean) / static_cast<double>(width);
    }
    const double scale = 1.0 / std::sqrt(variance + wide(weights.eps));
    tape.inverse_deviation[r] = static_cast<float>(scale);
    for (std::size_t c = 0; c < width; ++c) {
      const double normal = (sum_at(c) - mean) * scale;
      tape.normalised[r * width + c] = static_cast<float>(normal);
      out[r * width + c] = static_cast<float>(normal * wide(weights.gamma[c]) + wide(weights.beta[c]));
    }
  }
}

void layer_norm_backward_ref(const float* d_out, const LayerNormTapeView& tape, const LayerNormWeights& weights,
                             const RowDropout& drop, std::size_t rows, float* d_sum, float* d_x) {
  const std::size_t width = weights.width;
  for (std::size_t r = 0; r < rows; ++r) {
    const float* row_d = d_out + r * width;
    const float* normalised = tape.normalised + r * width;
    double mean = 0.0;
    double slope = 0.0;
    for (std::size_t c = 0; c < width; ++c) {
      const double g = wide(row_d[c]) * wide(weights.gamma[c]);
      mean += g / static_cast<double>(width);
      slope += g * wide(normalised[c]) / static_cast<double>(width);
    }
    for (std::size_t c = 0; c < width; ++c) {
      const double g = wide(row_d[c]) * wide(weights.gamma[c]);
      const double gradient = wide(tape.inverse_deviation[r]) * (g - mean - wide(normalised[c]) * slope);
      d_sum[r * width + c] = static_cast<float>(gradient);
      if (d_x != nullptr) d_x[r * width + c] = static_cast<float>(gradient * drop_factor(drop, r, c));
    }
  }
}

void add_column_sums_ref(const ColumnsView& a, std::size_t rows, std::size_t width, float* sums) {
  for (std::size_t c = 0; c < width; ++c) {
    double sum = wide(sums[c]);
    for (std::size_t r = 0; r < rows; ++r) sum += wide(a.first[r * a.stride + c]);
    sums[c] = static_cast<float>(sum);
  }
}

void add_column_products_ref(const ColumnsView& a, const ColumnsView& b, std::size_t rows, std::size_t width,
                             float* sums) {
  for (std::size_t c = 0; c < width; ++c) {
    double sum = wide(sums[c]);
    for (std::size_t r = 0; r < rows; ++r) sum += wide(a.first[r * a.stride + c]) * wide(b.first[r * b.stride + c]);
    sums[c] = static_cast<float>(sum);
  }
}

void activate_out_ref(Activation activation, const float* x, std::size_t n, float* out) {
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<float>(with_slope(activation, wide(x[i])).value);
}

void activation_backward_ref(Activation activation, float* x, float* d, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const WideValueAndSlope result = with_slope(activation, wide(x[i]));
    x[i] = static_cast<float>(result.value);
    d[i] = static_cast<float>(wide(d[i]) * result.slope);
  }
}

void to_bfloat16_ref(const float* src, std::size_t n, std::uint16_t* dst) {
  for (std::size_t i = 0; i < n; ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(src[i]);
    const std::uint32_t upper = bits >> 16U;
    const std::uint32_t rest = bits & 0xFFFFU;
    const bool up = rest > 0x8000U || (rest == 0x8000U && (upper & 1U) != 0);
    dst[i] = static_cast<std::uint16_t>(std::isnan(src[i]) ? upper | 0x40U : upper + (up ? 1U : 0U));
  }
}

void adamw_update_ref(const AdamWStep& step, const float* gradient, std::size_t n, float* p, float* m, float* v) {
  for (std::size_t i = 0; i < n; ++i) {
    const double g = wide(gradient[i]) * step.gradient_scale;
    double moment1 = wide(m[i]) + (1.0 - step.beta1) * (g - wide(m[i]));
    double moment2 = step.beta2 * wide(v[i]) + (1.0 - step.beta2) * g * g;
    if (std::abs(moment1) < 1e-30) moment1 = 0.0;
    if (moment2 < 1e-36) moment2 = 0.0;
    const double decayed = wide(p[i]) * (1.0 - step.learning_rate * step.weight_decay);
    p[i] = static_cast<float>(decayed - step.learning_rate * (moment1 / step.bias_correction1) /
                                            (std::sqrt(moment2 / step.bias_correction2) + step.eps));
    m[i] = static_cast<float>(moment1);
    v[i] = static_cast<float>(moment2);
  }
}

double sum_of_squares_ref(const float* x, std::size_t n) {
  double sums[16] = {};
  for (std::size_t i = 0; i < n; ++i) sums[i % 16] += wide(x[i]) * wide(x[i]);
  double total = 0.0;
  for (const double sum : sums) total += sum;
  return total;
}

void mix_ref(const MixFactors& factors, const float* x, std::size_t n, float* y) {
  for (std::size_t i = 0; i < n; ++i) {
    y[i] = static_cast<float>(wide(y[i]) * wide(factors.y) + wide(x[i]) * wide(factors.x));
  }
}

}  // namespace spanqa

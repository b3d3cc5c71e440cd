// The formulas of int8_rows.h, loop by loop. Quantised numbers are to be the same everywhere, so they are computed in
// float32 here too.
#include <algorithm>
#include <cmath>

#include "nn/kernels/elementwise.h"
#include "nn/kernels/int8_product.h"
#include "nn/kernels/int8_range.h"
#include "nn/kernels/int8_rows.h"

namespace spanqa {
namespace {

struct Range {
  float low = 0.0F;
  float high = 0.0F;
  bool is_finite = true;
};

Range range_of(const float* x, std::size_t n) {
  Range range;
  for (std::size_t i = 0; i < n; ++i) {
    range.low = std::min(range.low, x[i]);
    range.high = std::max(range.high, x[i]);
    range.is_finite = range.is_finite && std::isfinite(x[i]);
  }
  return range;
}

std::int32_t nearest(float x) { return static_cast<std::int32_t>(std::nearbyint(x)); }

void activate_ref(Activation activation, float* x, std::size_t n) {
  switch (activation) {
    case Activation::kGelu:
      return gelu_ref(x, n);
    case Activation::kGeluTanh:
      return gelu_tanh_ref(x, n);
    case Activation::kRelu:
      return relu_ref(x, n);
  }
}

}  // namespace

void quantise_rows_ref(const float* x, std::size_t rows, std::size_t width, const Int8RowsOut& out) {
  for (std::size_t r = 0; r < rows; ++r) {
    const float* const row = x + r * width;
    const Range range = range_of(row, width);
    const RowQuantiser quantiser = row_quantiser(range.low, range.high, range.is_finite);
    out.scales[r] = quantiser.meaning;
    for (std::size_t i = 0; i < width; ++i) {
      const std::int32_t q =
          quantiser.inverse == 0.0F ? 0 : nearest(row[i] * quantiser.inverse) + quantiser.meaning.zero;
      out.values[r * out.stride + i] = static_cast<std::uint8_t>(std::clamp(q, 0, 255));
    }
  }
}

void quantise_weights_ref(const float* weight, std::size_t n, std::size_t k, std::int8_t* values, float* scales) {
  for (std::size_t r = 0; r < n; ++r) {
    const float* const row = weight + r * k;
    const Range range = range_of(row, k);
    const WeightQuantiser quantiser = weight_quantiser(std::max(-range.low, range.high), range.is_finite);
    scales[r] = quantiser.scale;
    for (std::size_t i = 0; i < k; ++i) {
      const std::int32_t q = quantiser.inverse == 0.0F ? 0 : nearest(row[i] * quantiser.inverse);
      values[r * k + i] = static_cast<std::int8_t>(std::clamp(q, -127, 127));
    }
  }
}

void finish_sums_ref(const Int8Sums& sums, const Int8Columns& columns, std::optional<Activation> activation, float* y,
                     std::size_t y_stride) {
  for (std::size_t r = 0; r < sums.n; ++r) {
    const RowScale& row = sums.rows[r];
    for (std::size_t c = 0; c < columns.n; ++c) {
      const std::int32_t sum = sums.values[r * kInt8Panel + c] - row.zero * columns.weight_sums[c];
      const double scale = static_cast<double>(row.scale) * static_cast<double>(columns.scales[c]);
      y[r * y_stride + c] = static_cast<float>(scale * static_cast<double>(sum) + static_cast<double>(columns.bias[c]));
    }
    if (activation) activate_ref(*activation, y + r * y_stride, columns.n);
  }
}

}  // namespace spanqa

// From the range of a row to its scale: what fast kernels and their twins share, so that both round alike.
#pragma once

#include <cmath>
#include <limits>

#include "nn/kernels/int8_rows.h"

namespace spanqa {

/// Below it a range counts as zero, and its inverse could overflow.
constexpr float kInt8SmallestRange = 1e-30F;

/// q = nearest(x * inverse) + meaning.zero; an inverse of zero makes every q zero.
struct RowQuantiser {
  RowScale meaning;
  float inverse = 0.0F;
};

/// `low` is at most 0 and `high` at least 0.
inline RowQuantiser row_quantiser(float low, float high, bool is_finite) {
  const float range = high - low;
  if (!is_finite || !std::isfinite(range)) return {.meaning = {.scale = std::numeric_limits<float>::quiet_NaN()}};
  if (range < kInt8SmallestRange) return {};
  const float inverse = 255.0F / range;
  const auto zero = static_cast<std::int32_t>(std::nearbyint(-low * inverse));
  return {.meaning = {.scale = range / 255.0F, .zero = zero}, .inverse = inverse};
}

struct WeightQuantiser {
  float scale = 0.0F;
  float inverse = 0.0F;
};

inline WeightQuantiser weight_quantiser(float largest, bool is_finite) {
  if (!is_finite || !std::isfinite(largest)) return {.scale = std::numeric_limits<float>::quiet_NaN()};
  if (largest < kInt8SmallestRange) return {};
  return {.scale = largest / 127.0F, .inverse = 127.0F / largest};
}

}  // namespace spanqa

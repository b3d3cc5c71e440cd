// Sums over a row, for normalisation; included once for each instruction set.
#if defined(SPANQA_NN_KERNELS_ROW_SUMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SPANQA_NN_KERNELS_ROW_SUMS_INL_H_
#undef SPANQA_NN_KERNELS_ROW_SUMS_INL_H_
#else
#define SPANQA_NN_KERNELS_ROW_SUMS_INL_H_
#endif

#include <cstddef>

#include "hwy/highway.h"
#include "nn/kernels/float_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spanqa {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Rows are walked three times while they are in the first-level cache: sum, squared deviations (a second walk, since
// E[x^2] - E[x]^2 cancels where the mean is large), result. Four accumulators each hide the latency of an addition.
constexpr std::size_t kUnroll = 4;

struct RowSum {
  Float lanes[kUnroll];
  float tail = 0.0F;
  HWY_INLINE RowSum() {
    for (Float& lane : lanes) lane = hn::Zero(kFloats);
  }
  HWY_INLINE float total() const {
    const Float all = hn::Add(hn::Add(lanes[0], lanes[1]), hn::Add(lanes[2], lanes[3]));
    return hn::GetLane(hn::SumOfLanes(kFloats, all)) + tail;
  }
};

// out = x + residual (or x); returns the row's sum.
HWY_INLINE float add_and_sum(const float* x, const float* residual, std::size_t width, float* out) {
  RowSum sum;
  std::size_t c = 0;
  const auto step = [&](std::size_t at, Float& lane) HWY_ATTR {
    Float value = hn::LoadU(kFloats, x + at);
    if (residual != nullptr) value = hn::Add(value, hn::LoadU(kFloats, residual + at));
    hn::StoreU(value, kFloats, out + at);
    lane = hn::Add(lane, value);
  };
  for (; c + kUnroll * kLanes <= width; c += kUnroll * kLanes) {
    for (std::size_t j = 0; j < kUnroll; ++j) step(c + j * kLanes, sum.lanes[j]);
  }
  for (; c + kLanes <= width; c += kLanes) step(c, sum.lanes[0]);
  for (; c < width; ++c) {
    out[c] = residual == nullptr ? x[c] : x[c] + residual[c];
    sum.tail += out[c];
  }
  return sum.total();
}

HWY_INLINE float squared_deviations(const float* row, std::size_t width, float mean) {
  RowSum sum;
  const Float means = hn::Set(kFloats, mean);
  std::size_t c = 0;
  const auto step = [&](std::size_t at, Float& lane) HWY_ATTR {
    const Float deviation = hn::Sub(hn::LoadU(kFloats, row + at), means);
    lane = hn::MulAdd(deviation, deviation, lane);
  };
  for (; c + kUnroll * kLanes <= width; c += kUnroll * kLanes) {
    for (std::size_t j = 0; j < kUnroll; ++j) step(c + j * kLanes, sum.lanes[j]);
  }
  for (; c + kLanes <= width; c += kLanes) step(c, sum.lanes[0]);
  for (; c < width; ++c) sum.tail += (row[c] - mean) * (row[c] - mean);
  return sum.total();
}

}  // namespace HWY_NAMESPACE
}  // namespace spanqa
HWY_AFTER_NAMESPACE();
#endif

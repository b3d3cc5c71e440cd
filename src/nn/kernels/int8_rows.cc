#include "nn/kernels/int8_rows.h"

#include <cstring>

#include "nn/kernels/int8_product.h"
#include "nn/kernels/int8_range.h"
#include "nn/kernels/isa.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/int8_rows.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "hwy/highway.h"
#include "nn/kernels/activations-inl.h"
#include "nn/kernels/float_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spanqa {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr hn::Rebind<std::int32_t, FloatTag> kInts;
using Int = hn::Vec<decltype(kInts)>;
constexpr std::size_t kUnroll = 4;

// The range of a row, zero included. `fault` stays 0 unless a number is infinite or NaN, which minimum and maximum may
// pass over.
struct RowRange {
  Float low;
  Float high;
  Float fault;

  HWY_INLINE RowRange() : low(hn::Zero(kFloats)), high(hn::Zero(kFloats)), fault(hn::Zero(kFloats)) {}
  HWY_INLINE void add(Float x) {
    low = hn::Min(low, x);
    high = hn::Max(high, x);
    fault = hn::MulAdd(x, hn::Zero(kFloats), fault);
  }
  HWY_INLINE void add(const RowRange& other) {
    low = hn::Min(low, other.low);
    high = hn::Max(high, other.high);
    fault = hn::Add(fault, other.fault);
  }
  HWY_INLINE float lowest() const { return hn::GetLane(hn::MinOfLanes(kFloats, low)); }
  HWY_INLINE float highest() const { return hn::GetLane(hn::MaxOfLanes(kFloats, high)); }
  HWY_INLINE bool is_finite() const { return hn::GetLane(hn::SumOfLanes(kFloats, fault)) == 0.0F; }
};

// The last, incomplete vector of a row, zeros behind it.
HWY_INLINE Float load_tail(const float* x, std::size_t n) {
  HWY_ALIGN float tail[kLanes] = {};
  std::memcpy(tail, x, n * sizeof(float));
  return hn::Load(kFloats, tail);
}

HWY_INLINE RowRange range_of(const float* x, std::size_t n) {
  RowRange ranges[kUnroll];
  std::size_t i = 0;
  for (; i + kUnroll * kLanes <= n; i += kUnroll * kLanes) {
    for (std::size_t j = 0; j < kUnroll; ++j) ranges[j].add(hn::LoadU(kFloats, x + i + j * kLanes));
  }
  for (; i + kLanes <= n; i += kLanes) ranges[0].add(hn::LoadU(kFloats, x + i));
  if (i < n) ranges[0].add(load_tail(x + i, n - i));
  for (std::size_t j = 1; j < kUnroll; ++j) ranges[0].add(ranges[j]);
  return ranges[0];
}

// dst[i] = nearest(x[i] * inverse) + zero as a Byte, which saturates.
template <typename Byte>
HWY_INLINE void to_bytes(const float* x, std::size_t n, float inverse, std::int32_t zero, Byte* dst) {
  constexpr hn::Rebind<Byte, FloatTag> kOut;
  const Float factor = hn::Set(kFloats, inverse);
  const Int offset = hn::Set(kInts, zero);
  const auto convert = [&](Float v)
                           HWY_ATTR { return hn::DemoteTo(kOut, hn::Add(hn::NearestInt(hn::Mul(v, factor)), offset)); };
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) hn::StoreU(convert(hn::LoadU(kFloats, x + i)), kOut, dst + i);
  if (i == n) return;
  HWY_ALIGN Byte tail[kLanes];
  hn::Store(convert(load_tail(x + i, n - i)), kOut, tail);
  std::memcpy(dst + i, tail, n - i);
}

void quantise_rows_kernel(const float* x, std::size_t rows, std::size_t width, const Int8RowsOut& out) {
  for (std::size_t r = 0; r < rows; ++r) {
    const float* const row = x + r * width;
    std::uint8_t* const bytes = out.values + r * out.stride;
    const RowRange range = range_of(row, width);
    const RowQuantiser quantiser = row_quantiser(range.lowest(), range.highest(), range.is_finite());
    out.scales[r] = quantiser.meaning;
    if (quantiser.inverse == 0.0F) {
      std::memset(bytes, 0, width);
    } else {
      to_bytes(row, width, quantiser.inverse, quantiser.meaning.zero, bytes);
    }
  }
}

void quantise_weights_kernel(const float* weight, std::size_t n, std::size_t k, std::int8_t* values, float* scales) {
  for (std::size_t r = 0; r < n; ++r) {
    const float* const row = weight + r * k;
    const RowRange range = range_of(row, k);
    const WeightQuantiser quantiser = weight_quantiser(HWY_MAX(-range.lowest(), range.highest()), range.is_finite());
    scales[r] = quantiser.scale;
    if (quantiser.inverse == 0.0F) {
      std::memset(values + r * k, 0, k);
    } else {
      to_bytes(row, k, quantiser.inverse, 0, values + r * k);
    }
  }
}

struct Nothing {
  HWY_INLINE Float operator()(Float x) const { return x; }
};

// kRows rows of a panel, which share what is loaded of the columns.
template <std::size_t kRows, class Function>
HWY_INLINE void finish_rows(const std::int32_t* sums, const RowScale* rows, const Int8Columns& columns,
                            const Function& function, float* y, std::size_t y_stride) {
  for (std::size_t c = 0; c < columns.n; c += kLanes) {
    const Int weight_sum = hn::LoadU(kInts, columns.weight_sums + c);
    const Float scale = hn::LoadU(kFloats, columns.scales + c);
    const Float bias = hn::LoadU(kFloats, columns.bias + c);
    const std::size_t n_left = columns.n - c;
    for (std::size_t r = 0; r < kRows; ++r) {
      const Int zero = hn::Mul(hn::Set(kInts, rows[r].zero), weight_sum);
      const Int sum = hn::Sub(hn::Load(kInts, sums + r * kInt8Panel + c), zero);
      const Float both = hn::Mul(hn::Set(kFloats, rows[r].scale), scale);
      const Float value = function(hn::MulAdd(hn::ConvertTo(kFloats, sum), both, bias));
      float* const place = y + r * y_stride + c;
      if (n_left >= kLanes) {
        hn::StoreU(value, kFloats, place);
      } else {
        HWY_ALIGN float tail[kLanes];
        hn::Store(value, kFloats, tail);
        std::memcpy(place, tail, n_left * sizeof(float));
      }
    }
  }
}

template <class Function>
HWY_INLINE void finish(const Int8Sums& sums, const Int8Columns& columns, const Function& function, float* y,
                       std::size_t y_stride) {
  constexpr std::size_t kStep = 4;
  std::size_t r = 0;
  for (; r + kStep <= sums.n; r += kStep) {
    finish_rows<kStep>(sums.values + r * kInt8Panel, sums.rows + r, columns, function, y + r * y_stride, y_stride);
  }
  for (; r < sums.n; ++r) {
    finish_rows<1>(sums.values + r * kInt8Panel, sums.rows + r, columns, function, y + r * y_stride, y_stride);
  }
}

void finish_sums_kernel(const Int8Sums& sums, const Int8Columns& columns, std::optional<Activation> activation,
                        float* y, std::size_t y_stride) {
  if (!activation) return finish(sums, columns, Nothing(), y, y_stride);
  switch (*activation) {
    case Activation::kGelu:
      return finish(sums, columns, Gelu(), y, y_stride);
    case Activation::kGeluTanh:
      return finish(sums, columns, GeluTanh(), y, y_stride);
    case Activation::kRelu:
      return finish(sums, columns, Relu(), y, y_stride);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace spanqa
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spanqa {

HWY_EXPORT(quantise_rows_kernel);
HWY_EXPORT(quantise_weights_kernel);
HWY_EXPORT(finish_sums_kernel);

void quantise_rows(const float* x, std::size_t rows, std::size_t width, const Int8RowsOut& out) {
  if (isa_limit() == Isa::kRef) return quantise_rows_ref(x, rows, width, out);
  HWY_DYNAMIC_DISPATCH(quantise_rows_kernel)(x, rows, width, out);
}

void quantise_weights(const float* weight, std::size_t n, std::size_t k, std::int8_t* values, float* scales) {
  if (isa_limit() == Isa::kRef) return quantise_weights_ref(weight, n, k, values, scales);
  HWY_DYNAMIC_DISPATCH(quantise_weights_kernel)(weight, n, k, values, scales);
}

void finish_sums(const Int8Sums& sums, const Int8Columns& columns, std::optional<Activation> activation, float* y,
                 std::size_t y_stride) {
  if (isa_limit() == Isa::kRef) return finish_sums_ref(sums, columns, activation, y, y_stride);
  HWY_DYNAMIC_DISPATCH(finish_sums_kernel)(sums, columns, activation, y, y_stride);
}

}  // namespace spanqa
#endif

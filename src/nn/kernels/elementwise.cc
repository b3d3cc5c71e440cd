#include "nn/kernels/elementwise.h"

#include <cmath>
#include <cstdint>
#include <cstring>

#include "nn/kernels/isa.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/elementwise.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "hwy/highway.h"
#include "nn/kernels/activations-inl.h"
#include "nn/kernels/float_vector-inl.h"
#include "nn/kernels/row_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spanqa {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class Function>
HWY_INLINE void in_place(float* HWY_RESTRICT x, std::size_t n, const Function& function) {
  std::size_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    const Float first = function(hn::LoadU(kFloats, x + i));
    const Float second = function(hn::LoadU(kFloats, x + i + kLanes));
    hn::StoreU(first, kFloats, x + i);
    hn::StoreU(second, kFloats, x + i + kLanes);
  }
  for (; i < n; i += kLanes) {
    const std::size_t left = HWY_MIN(n - i, kLanes);
    HWY_ALIGN float tail[kLanes] = {};
    std::memcpy(tail, x + i, left * sizeof(float));
    hn::Store(function(hn::Load(kFloats, tail)), kFloats, tail);
    std::memcpy(x + i, tail, left * sizeof(float));
  }
}

void gelu_kernel(float* x, std::size_t n) { in_place(x, n, Gelu()); }
void gelu_tanh_kernel(float* x, std::size_t n) { in_place(x, n, GeluTanh()); }
void relu_kernel(float* x, std::size_t n) { in_place(x, n, Relu()); }

void add_layer_norm_kernel(const float* x, const float* residual, const LayerNormWeights& weights, std::size_t rows,
                           float* out) {
  const std::size_t width = weights.width;
  const float inverse_width = 1.0F / static_cast<float>(width);
  for (std::size_t r = 0; r < rows; ++r) {
    const float mean =
        add_and_sum(x + r * width, residual == nullptr ? nullptr : residual + r * width, width, out + r * width) *
        inverse_width;
    float* row = out + r * width;
    const float variance = squared_deviations(row, width, mean) * inverse_width;
    const float scale = 1.0F / std::sqrt(variance + weights.eps);
    const Float means = hn::Set(kFloats, mean);
    const Float scales = hn::Set(kFloats, scale);
    std::size_t c = 0;
    for (; c + kLanes <= width; c += kLanes) {
      const Float normal = hn::Mul(hn::Sub(hn::LoadU(kFloats, row + c), means), scales);
      hn::StoreU(hn::MulAdd(normal, hn::LoadU(kFloats, weights.gamma + c), hn::LoadU(kFloats, weights.beta + c)),
                 kFloats, row + c);
    }
    for (; c < width; ++c) row[c] = (row[c] - mean) * scale * weights.gamma[c] + weights.beta[c];
  }
}

// Loaders of kLanes stored numbers at any alignment.
using WordTag = hn::Rebind<std::uint32_t, FloatTag>;
constexpr WordTag kWords;
constexpr hn::Rebind<std::uint16_t, FloatTag> kHalfWords;

struct LoadFloat32 {
  HWY_INLINE Float operator()(const std::uint8_t* src) const {
    return hn::LoadU(kFloats, reinterpret_cast<const float*>(src));
  }
};

struct LoadBFloat16 {
  HWY_INLINE Float operator()(const std::uint8_t* src) const {
    const auto half = hn::LoadU(kHalfWords, reinterpret_cast<const std::uint16_t*>(src));
    return hn::BitCast(kFloats, hn::ShiftLeft<16>(hn::PromoteTo(kWords, half)));
  }
};

// Exponent and mantissa, shifted into place, times 2^112 are the value (subnormals too, the product is normal).
// Infinities and NaN, whose exponent must be all ones, are patched.
struct LoadFloat16 {
  HWY_INLINE Float operator()(const std::uint8_t* src) const {
    const auto half = hn::PromoteTo(kWords, hn::LoadU(kHalfWords, reinterpret_cast<const std::uint16_t*>(src)));
    const auto magnitude = hn::And(half, hn::Set(kWords, 0x7FFFU));
    const auto sign = hn::ShiftLeft<16>(hn::Xor(half, magnitude));
    const Float scaled =
        hn::Mul(hn::BitCast(kFloats, hn::ShiftLeft<13>(magnitude)), hn::Set(kFloats, 5.192296858534828e33F));
    const auto special = hn::RebindMask(kWords, hn::Ge(scaled, hn::Set(kFloats, 65536.0F)));
    const auto ones = hn::IfThenElseZero(special, hn::Set(kWords, 0x7F800000U));
    return hn::BitCast(kFloats, hn::Or(hn::Or(hn::BitCast(kWords, scaled), ones), sign));
  }
};

// dst[i] = number i, or dst[i] += number i.
template <bool kAdd, class Loader>
HWY_INLINE void read_numbers(const std::uint8_t* src, std::size_t number_size, std::size_t n, float* dst,
                             const Loader& load) {
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Float value = load(src + i * number_size);
    hn::StoreU(kAdd ? hn::Add(hn::LoadU(kFloats, dst + i), value) : value, kFloats, dst + i);
  }
  if (i == n) return;
  HWY_ALIGN std::uint8_t bytes[kLanes * sizeof(float)] = {};
  HWY_ALIGN float values[kLanes];
  std::memcpy(bytes, src + i * number_size, (n - i) * number_size);
  hn::Store(load(bytes), kFloats, values);
  for (std::size_t j = 0; i + j < n; ++j) dst[i + j] = kAdd ? dst[i + j] + values[j] : values[j];
}

template <bool kAdd>
HWY_INLINE void read_row(const void* src, DType type, std::size_t n, float* dst) {
  const auto* bytes = static_cast<const std::uint8_t*>(src);
  const std::size_t size = dtype_size(type);
  switch (type) {
    case DType::kFloat32:
      return read_numbers<kAdd>(bytes, size, n, dst, LoadFloat32());
    case DType::kFloat16:
      return read_numbers<kAdd>(bytes, size, n, dst, LoadFloat16());
    case DType::kBFloat16:
      return read_numbers<kAdd>(bytes, size, n, dst, LoadBFloat16());
  }
}

void add_row_kernel(const void* row, DType type, std::size_t width, float* accumulate) {
  read_row<true>(row, type, width, accumulate);
}
void to_float32_kernel(const void* src, DType type, std::size_t n, float* dst) { read_row<false>(src, type, n, dst); }

const char* target_name_kernel() { return hwy::TargetName(HWY_TARGET); }

}  // namespace HWY_NAMESPACE
}  // namespace spanqa
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spanqa {

HWY_EXPORT(add_layer_norm_kernel);
HWY_EXPORT(gelu_kernel);
HWY_EXPORT(gelu_tanh_kernel);
HWY_EXPORT(relu_kernel);
HWY_EXPORT(add_row_kernel);
HWY_EXPORT(to_float32_kernel);
HWY_EXPORT(target_name_kernel);

void add_layer_norm(const float* x, const float* residual, const LayerNormWeights& weights, std::size_t rows,
                    float* out) {
  if (isa_limit() == Isa::kRef) return add_layer_norm_ref(x, residual, weights, rows, out);
  HWY_DYNAMIC_DISPATCH(add_layer_norm_kernel)(x, residual, weights, rows, out);
}

void gelu(float* x, std::size_t n) {
  if (isa_limit() == Isa::kRef) return gelu_ref(x, n);
  HWY_DYNAMIC_DISPATCH(gelu_kernel)(x, n);
}

void gelu_tanh(float* x, std::size_t n) {
  if (isa_limit() == Isa::kRef) return gelu_tanh_ref(x, n);
  HWY_DYNAMIC_DISPATCH(gelu_tanh_kernel)(x, n);
}

void relu(float* x, std::size_t n) {
  if (isa_limit() == Isa::kRef) return relu_ref(x, n);
  HWY_DYNAMIC_DISPATCH(relu_kernel)(x, n);
}

void add_row(const void* row, DType type, std::size_t width, float* accumulate) {
  if (isa_limit() == Isa::kRef) return add_row_ref(row, type, width, accumulate);
  HWY_DYNAMIC_DISPATCH(add_row_kernel)(row, type, width, accumulate);
}

void to_float32(const void* src, DType type, std::size_t n, float* dst) {
  if (isa_limit() == Isa::kRef) return to_float32_ref(src, type, n, dst);
  HWY_DYNAMIC_DISPATCH(to_float32_kernel)(src, type, n, dst);
}

const char* kernel_target_name() {
  if (isa_limit() == Isa::kRef) return "ref";
  return HWY_DYNAMIC_DISPATCH(target_name_kernel)();
}

}  // namespace spanqa
#endif

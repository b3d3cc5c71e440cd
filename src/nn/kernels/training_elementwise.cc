#include "nn/kernels/training_elementwise.h"

#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/check.h"
#include "nn/kernels/isa.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/training_elementwise.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "hwy/highway.h"
#include "nn/kernels/activations-inl.h"
#include "nn/kernels/dropout-inl.h"
#include "nn/kernels/float_vector-inl.h"
#include "nn/kernels/row_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spanqa {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Calls step(in, arrays) with pointers to a whole vector of each array, until the last time, when they point to copies
// of what is left, filled up with zeros; what it leaves in the copies of `arrays` is written back.
template <std::size_t kArrays, class Step>
HWY_INLINE void for_each_vector(const float* in, float* const (&arrays)[kArrays], std::size_t n, const Step& step) {
  float* at[kArrays];
  for (std::size_t a = 0; a < kArrays; ++a) at[a] = arrays[a];
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    step(in + i, at);
    for (std::size_t a = 0; a < kArrays; ++a) at[a] += kLanes;
  }
  if (i == n) return;
  const std::size_t bytes = (n - i) * sizeof(float);
  HWY_ALIGN float in_left[kLanes] = {};
  HWY_ALIGN float left[kArrays][kLanes] = {};
  float* left_at[kArrays];
  std::memcpy(in_left, in + i, bytes);
  for (std::size_t a = 0; a < kArrays; ++a) {
    std::memcpy(left[a], at[a], bytes);
    left_at[a] = left[a];
  }
  step(in_left, left_at);
  for (std::size_t a = 0; a < kArrays; ++a) std::memcpy(at[a], left[a], bytes);
}

void add_layer_norm_train_kernel(const float* x, const float* residual, const RowDropout& drop,
                                 const LayerNormWeights& weights, std::size_t rows, float* out,
                                 const LayerNormTape& tape) {
  const std::size_t width = weights.width;
  const float inverse_width = 1.0F / static_cast<float>(width);
  for (std::size_t r = 0; r < rows; ++r) {
    const float* row_x = x + r * width;
    float* s = tape.normalised + r * width;
    float* row_out = out + r * width;
    if (!drop.dropout.is_off()) {
      drop_row(kFloats, drop.dropout, static_cast<std::uint32_t>(drop.first_row + r), width, row_x, s);
      row_x = s;
    }
    const float mean =
        add_and_sum(row_x, residual == nullptr ? nullptr : residual + r * width, width, s) * inverse_width;
    const float variance = squared_deviations(s, width, mean) * inverse_width;
    const float scale = 1.0F / std::sqrt(variance + weights.eps);
    tape.inverse_deviation[r] = scale;
    const Float means = hn::Set(kFloats, mean);
    const Float scales = hn::Set(kFloats, scale);
    std::size_t c = 0;
    for (; c + kLanes <= width; c += kLanes) {
      const Float normal = hn::Mul(hn::Sub(hn::LoadU(kFloats, s + c), means), scales);
      hn::StoreU(normal, kFloats, s + c);
      hn::StoreU(hn::MulAdd(normal, hn::LoadU(kFloats, weights.gamma + c), hn::LoadU(kFloats, weights.beta + c)),
                 kFloats, row_out + c);
    }
    for (; c < width; ++c) {
      s[c] = (s[c] - mean) * scale;
      row_out[c] = s[c] * weights.gamma[c] + weights.beta[c];
    }
  }
}

// Sums of g and of g * normalised over a row, g = d_out * gamma.
struct GradientSums {
  float plain;
  float with_normalised;
};
HWY_INLINE GradientSums gradient_sums(const float* d_out, const float* gamma, const float* normalised,
                                      std::size_t width) {
  RowSum plain;
  RowSum with_normalised;
  std::size_t c = 0;
  const auto step = [&](std::size_t at, Float& lane, Float& other) HWY_ATTR {
    const Float g = hn::Mul(hn::LoadU(kFloats, d_out + at), hn::LoadU(kFloats, gamma + at));
    lane = hn::Add(lane, g);
    other = hn::MulAdd(g, hn::LoadU(kFloats, normalised + at), other);
  };
  for (; c + kUnroll * kLanes <= width; c += kUnroll * kLanes) {
    for (std::size_t j = 0; j < kUnroll; ++j) step(c + j * kLanes, plain.lanes[j], with_normalised.lanes[j]);
  }
  for (; c + kLanes <= width; c += kLanes) step(c, plain.lanes[0], with_normalised.lanes[0]);
  for (; c < width; ++c) {
    const float g = d_out[c] * gamma[c];
    plain.tail += g;
    with_normalised.tail += g * normalised[c];
  }
  return {plain.total(), with_normalised.total()};
}

void layer_norm_backward_kernel(const float* d_out, const LayerNormTapeView& tape, const LayerNormWeights& weights,
                                const RowDropout& drop, std::size_t rows, float* d_sum, float* d_x) {
  const std::size_t width = weights.width;
  const float* gamma = weights.gamma;
  const float inverse_width = 1.0F / static_cast<float>(width);
  for (std::size_t r = 0; r < rows; ++r) {
    const float* row_d = d_out + r * width;
    const float* normalised = tape.normalised + r * width;
    float* row = d_sum + r * width;
    const GradientSums sums = gradient_sums(row_d, gamma, normalised, width);
    const float scale = tape.inverse_deviation[r];
    const float mean = sums.plain * inverse_width;
    const float slope = sums.with_normalised * inverse_width;
    std::size_t c = 0;
    for (; c + kLanes <= width; c += kLanes) {
      const Float centred =
          hn::MulSub(hn::LoadU(kFloats, row_d + c), hn::LoadU(kFloats, gamma + c), hn::Set(kFloats, mean));
      const Float gradient = hn::NegMulAdd(hn::LoadU(kFloats, normalised + c), hn::Set(kFloats, slope), centred);
      hn::StoreU(hn::Mul(gradient, hn::Set(kFloats, scale)), kFloats, row + c);
    }
    for (; c < width; ++c) row[c] = scale * (row_d[c] * gamma[c] - mean - normalised[c] * slope);
    if (d_x == nullptr || d_x == d_sum) continue;
    if (drop.dropout.is_off()) {
      std::memcpy(d_x + r * width, row, width * sizeof(float));
    } else {
      drop_row(kFloats, drop.dropout, static_cast<std::uint32_t>(drop.first_row + r), width, row, d_x + r * width);
    }
  }
}

// numbers(r, c) gives kLanes numbers of row r from column c on, numbers(r, c, n) the last n and zeros.
struct ColumnNumbers {
  ColumnsView a;
  HWY_INLINE Float operator()(std::size_t r, std::size_t c) const {
    return hn::LoadU(kFloats, a.first + r * a.stride + c);
  }
  HWY_INLINE Float operator()(std::size_t r, std::size_t c, std::size_t n) const {
    HWY_ALIGN float left[kLanes] = {};
    std::memcpy(left, a.first + r * a.stride + c, n * sizeof(float));
    return hn::Load(kFloats, left);
  }
};

struct ColumnProducts {
  ColumnNumbers a;
  ColumnNumbers b;
  HWY_INLINE Float operator()(std::size_t r, std::size_t c) const { return hn::Mul(a(r, c), b(r, c)); }
  HWY_INLINE Float operator()(std::size_t r, std::size_t c, std::size_t n) const {
    return hn::Mul(a(r, c, n), b(r, c, n));
  }
};

// Sum of rows first .. first + kRows of what number(r) gives, pairwise.
template <std::size_t kRows, class Number>
HWY_INLINE Float pairwise_sum(std::size_t first, const Number& number) {
  if constexpr (kRows == 1) {
    return number(first);
  } else {
    return hn::Add(pairwise_sum<kRows / 2>(first, number), pairwise_sum<kRows / 2>(first + kRows / 2, number));
  }
}

template <std::size_t kRows, class Numbers>
HWY_INLINE void add_block(const Numbers& numbers, std::size_t first, std::size_t width, float* HWY_RESTRICT sums) {
  std::size_t c = 0;
  for (; c + kLanes <= width; c += kLanes) {
    const Float sum = pairwise_sum<kRows>(first, [&](std::size_t r) HWY_ATTR { return numbers(r, c); });
    hn::StoreU(hn::Add(hn::LoadU(kFloats, sums + c), sum), kFloats, sums + c);
  }
  if (c == width) return;
  const std::size_t n = width - c;
  HWY_ALIGN float left[kLanes] = {};
  std::memcpy(left, sums + c, n * sizeof(float));
  const Float sum = pairwise_sum<kRows>(first, [&](std::size_t r) HWY_ATTR { return numbers(r, c, n); });
  hn::Store(hn::Add(hn::Load(kFloats, left), sum), kFloats, left);
  std::memcpy(sums + c, left, n * sizeof(float));
}

// Whole rows side by side are read as one stream each; going down a column would touch a page at every step.
constexpr std::size_t kRowBlock = 8;

template <class Numbers>
HWY_INLINE void add_columns(const Numbers& numbers, std::size_t rows, std::size_t width, float* sums) {
  std::size_t r = 0;
  for (; r + kRowBlock <= rows; r += kRowBlock) add_block<kRowBlock>(numbers, r, width, sums);
  for (; r < rows; ++r) add_block<1>(numbers, r, width, sums);
}

void add_column_sums_kernel(const ColumnsView& a, std::size_t rows, std::size_t width, float* sums) {
  add_columns(ColumnNumbers{a}, rows, width, sums);
}

void add_column_products_kernel(const ColumnsView& a, const ColumnsView& b, std::size_t rows, std::size_t width,
                                float* sums) {
  add_columns(ColumnProducts{{a}, {b}}, rows, width, sums);
}

// A run that has gone wrong must show it: on some targets Max and Min inside an activation prefer numbers to NaN.
HWY_INLINE Float or_nan(Float x, Float result) { return hn::IfThenElse(hn::IsNaN(x), x, result); }

template <class Function>
HWY_INLINE void activate_all(const Function& function, const float* x, std::size_t n, float* out) {
  for_each_vector(x, {out}, n, [&](const float* in, float* const(&at)[1]) HWY_ATTR {
    const Float value = hn::LoadU(kFloats, in);
    hn::StoreU(or_nan(value, function(value)), kFloats, at[0]);
  });
}

void activate_out_kernel(Activation activation, const float* x, std::size_t n, float* out) {
  switch (activation) {
    case Activation::kGelu:
      return activate_all(Gelu(), x, n, out);
    case Activation::kGeluTanh:
      return activate_all(GeluTanh(), x, n, out);
    case Activation::kRelu:
      return activate_all(Relu(), x, n, out);
  }
}

template <class Function>
HWY_INLINE void backward_all(const Function& function, float* x, float* d, std::size_t n) {
  for_each_vector(x, {x, d}, n, [&](const float* in, float* const(&at)[2]) HWY_ATTR {
    const Float value = hn::LoadU(kFloats, in);
    const ValueAndSlope result = function.with_slope(value);
    hn::StoreU(or_nan(value, result.value), kFloats, at[0]);
    hn::StoreU(hn::Mul(hn::LoadU(kFloats, at[1]), result.slope), kFloats, at[1]);
  });
}

void activation_backward_kernel(Activation activation, float* x, float* d, std::size_t n) {
  switch (activation) {
    case Activation::kGelu:
      return backward_all(Gelu(), x, d, n);
    case Activation::kGeluTanh:
      return backward_all(GeluTanh(), x, d, n);
    case Activation::kRelu:
      return backward_all(Relu(), x, d, n);
  }
}

constexpr hn::Rebind<std::uint32_t, FloatTag> kBits;
constexpr hn::Rebind<std::uint16_t, FloatTag> kHalfBits;

// Half of the last place that stays is added, less one unit where that place is even.
HWY_INLINE hn::Vec<decltype(kHalfBits)> rounded_to_bfloat16(Float x) {
  const auto bits = hn::BitCast(kBits, x);
  const auto upper = hn::ShiftRight<16>(bits);
  const auto odd = hn::And(upper, hn::Set(kBits, 1U));
  const auto rounded = hn::ShiftRight<16>(hn::Add(hn::Add(bits, hn::Set(kBits, 0x7FFFU)), odd));
  const auto quiet = hn::Or(upper, hn::Set(kBits, 0x40U));
  const auto is_nan = hn::RebindMask(kBits, hn::IsNaN(x));
  return hn::TruncateTo(kHalfBits, hn::IfThenElse(is_nan, quiet, rounded));
}

void to_bfloat16_kernel(const float* src, std::size_t n, std::uint16_t* dst) {
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    hn::StoreU(rounded_to_bfloat16(hn::LoadU(kFloats, src + i)), kHalfBits, dst + i);
  }
  if (i == n) return;
  HWY_ALIGN float left[kLanes] = {};
  HWY_ALIGN std::uint16_t rounded[kLanes];
  std::memcpy(left, src + i, (n - i) * sizeof(float));
  hn::Store(rounded_to_bfloat16(hn::Load(kFloats, left)), kHalfBits, rounded);
  std::memcpy(dst + i, rounded, (n - i) * sizeof(std::uint16_t));
}

// x, but 0 where |x| < smallest; NaN stays.
HWY_INLINE Float without_faint(Float x, float smallest) {
  return hn::IfThenZeroElse(hn::Lt(hn::Abs(x), hn::Set(kFloats, smallest)), x);
}

void adamw_update_kernel(const AdamWStep& step, const float* gradient, std::size_t n, float* p, float* m, float* v) {
  const auto all = [](double x) HWY_ATTR { return hn::Set(kFloats, static_cast<float>(x)); };
  const Float gradient_scale = all(step.gradient_scale);
  const Float keep = all(1.0 - step.learning_rate * step.weight_decay);
  const Float rate1 = all(1.0 - step.beta1);
  const Float beta2 = all(step.beta2);
  const Float rate2 = all(1.0 - step.beta2);
  const Float step_size = all(step.learning_rate / step.bias_correction1);
  const Float root_scale = all(1.0 / std::sqrt(step.bias_correction2));
  const Float eps = all(step.eps);
  for_each_vector(gradient, {p, m, v}, n, [&](const float* in, float* const(&at)[3]) HWY_ATTR {
    const Float g = hn::Mul(hn::LoadU(kFloats, in), gradient_scale);
    const Float old1 = hn::LoadU(kFloats, at[1]);
    const Float moment1 = without_faint(hn::MulAdd(rate1, hn::Sub(g, old1), old1), 1e-30F);
    const Float decayed2 = hn::Mul(hn::LoadU(kFloats, at[2]), beta2);
    const Float moment2 = without_faint(hn::MulAdd(hn::Mul(rate2, g), g, decayed2), 1e-36F);
    const Float divisor = hn::MulAdd(hn::Sqrt(moment2), root_scale, eps);
    const Float decayed = hn::Mul(hn::LoadU(kFloats, at[0]), keep);
    hn::StoreU(hn::Sub(decayed, hn::Div(hn::Mul(step_size, moment1), divisor)), kFloats, at[0]);
    hn::StoreU(moment1, kFloats, at[1]);
    hn::StoreU(moment2, kFloats, at[2]);
  });
}

// A float32's square is exact in float64, so that a fused addition gives the same bits as one that is not.
double sum_of_squares_kernel(const float* x, std::size_t n) {
  constexpr hn::ScalableTag<double> kDoubles;
  constexpr hn::Rebind<float, decltype(kDoubles)> kHalf;
  constexpr std::size_t kSums = 16;
  constexpr std::size_t kWidth = HWY_LANES(double);
  hn::Vec<decltype(kDoubles)> lanes[kSums / kWidth];
  for (auto& lane : lanes) lane = hn::Zero(kDoubles);
  std::size_t i = 0;
  for (; i + kSums <= n; i += kSums) {
    for (std::size_t j = 0; j < kSums / kWidth; ++j) {
      const auto value = hn::PromoteTo(kDoubles, hn::LoadU(kHalf, x + i + j * kWidth));
      lanes[j] = hn::MulAdd(value, value, lanes[j]);
    }
  }
  HWY_ALIGN double sums[kSums];
  for (std::size_t j = 0; j < kSums / kWidth; ++j) hn::Store(lanes[j], kDoubles, sums + j * kWidth);
  for (; i < n; ++i) sums[i % kSums] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  double total = 0.0;
  for (const double sum : sums) total += sum;
  return total;
}

void mix_kernel(const MixFactors& factors, const float* x, std::size_t n, float* y) {
  const Float x_factor = hn::Set(kFloats, factors.x);
  const Float y_factor = hn::Set(kFloats, factors.y);
  for_each_vector(x, {y}, n, [&](const float* in, float* const(&at)[1]) HWY_ATTR {
    const Float kept = hn::Mul(hn::LoadU(kFloats, at[0]), y_factor);
    hn::StoreU(hn::MulAdd(hn::LoadU(kFloats, in), x_factor, kept), kFloats, at[0]);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace spanqa
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spanqa {

HWY_EXPORT(add_layer_norm_train_kernel);
HWY_EXPORT(layer_norm_backward_kernel);
HWY_EXPORT(add_column_sums_kernel);
HWY_EXPORT(add_column_products_kernel);
HWY_EXPORT(activate_out_kernel);
HWY_EXPORT(activation_backward_kernel);
HWY_EXPORT(to_bfloat16_kernel);
HWY_EXPORT(adamw_update_kernel);
HWY_EXPORT(sum_of_squares_kernel);
HWY_EXPORT(mix_kernel);

void add_layer_norm_train(const float* x, const float* residual, const RowDropout& drop,
                          const LayerNormWeights& weights, std::size_t rows, float* out, const LayerNormTape& tape) {
  if (isa_limit() == Isa::kRef) return add_layer_norm_train_ref(x, residual, drop, weights, rows, out, tape);
  HWY_DYNAMIC_DISPATCH(add_layer_norm_train_kernel)(x, residual, drop, weights, rows, out, tape);
}

void layer_norm_backward(const float* d_out, const LayerNormTapeView& tape, const LayerNormWeights& weights,
                         const RowDropout& drop, std::size_t rows, float* d_sum, float* d_x) {
  SPANQA_CHECK(rows == 0 || d_x != d_sum || drop.dropout.is_off());
  if (isa_limit() == Isa::kRef) return layer_norm_backward_ref(d_out, tape, weights, drop, rows, d_sum, d_x);
  HWY_DYNAMIC_DISPATCH(layer_norm_backward_kernel)(d_out, tape, weights, drop, rows, d_sum, d_x);
}

void add_column_sums(const ColumnsView& a, std::size_t rows, std::size_t width, float* sums) {
  if (isa_limit() == Isa::kRef) return add_column_sums_ref(a, rows, width, sums);
  HWY_DYNAMIC_DISPATCH(add_column_sums_kernel)(a, rows, width, sums);
}

void add_column_products(const ColumnsView& a, const ColumnsView& b, std::size_t rows, std::size_t width, float* sums) {
  if (isa_limit() == Isa::kRef) return add_column_products_ref(a, b, rows, width, sums);
  HWY_DYNAMIC_DISPATCH(add_column_products_kernel)(a, b, rows, width, sums);
}

void activate_out(Activation activation, const float* x, std::size_t n, float* out) {
  if (isa_limit() == Isa::kRef) return activate_out_ref(activation, x, n, out);
  HWY_DYNAMIC_DISPATCH(activate_out_kernel)(activation, x, n, out);
}

void activation_backward(Activation activation, float* x, float* d, std::size_t n) {
  if (isa_limit() == Isa::kRef) return activation_backward_ref(activation, x, d, n);
  HWY_DYNAMIC_DISPATCH(activation_backward_kernel)(activation, x, d, n);
}

void to_bfloat16(const float* src, std::size_t n, std::uint16_t* dst) {
  if (isa_limit() == Isa::kRef) return to_bfloat16_ref(src, n, dst);
  HWY_DYNAMIC_DISPATCH(to_bfloat16_kernel)(src, n, dst);
}

void adamw_update(const AdamWStep& step, const float* gradient, std::size_t n, float* p, float* m, float* v) {
  if (isa_limit() == Isa::kRef) return adamw_update_ref(step, gradient, n, p, m, v);
  HWY_DYNAMIC_DISPATCH(adamw_update_kernel)(step, gradient, n, p, m, v);
}

double sum_of_squares(const float* x, std::size_t n) {
  if (isa_limit() == Isa::kRef) return sum_of_squares_ref(x, n);
  return HWY_DYNAMIC_DISPATCH(sum_of_squares_kernel)(x, n);
}

void mix(const MixFactors& factors, const float* x, std::size_t n, float* y) {
  if (isa_limit() == Isa::kRef) return mix_ref(factors, x, n, y);
  HWY_DYNAMIC_DISPATCH(mix_kernel)(factors, x, n, y);
}

}  // namespace spanqa
#endif

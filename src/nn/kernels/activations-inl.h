// Activations of one vector; included once for each instruction set.
#if defined(SPANQA_NN_KERNELS_ACTIVATIONS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SPANQA_NN_KERNELS_ACTIVATIONS_INL_H_
#undef SPANQA_NN_KERNELS_ACTIVATIONS_INL_H_
#else
#define SPANQA_NN_KERNELS_ACTIVATIONS_INL_H_
#endif

#include "hwy/highway.h"
#include "nn/kernels/float_vector-inl.h"
#include "nn/kernels/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spanqa {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// An activation's value at x and its derivative there.
struct ValueAndSlope {
  Float value;
  Float slope;
};

// x Phi(x), Phi the normal distribution's cumulative function: Phi(x) - 1/2 = x P(x^2) / Q(x^2) for |x| <= 5.5, beyond
// which the gate is 0 or 1 to float precision. P and Q (degree 5 each, Q(0) = 1) were fitted for this file by weighted
// least squares with Lawson's reweighting, so that |x| times the gate's error stays below 2.2e-8; the rest is rounding.
struct Gelu {
  HWY_INLINE Float operator()(Float x) const {
    const Float above = bounded_below(x);
    return hn::Mul(above, gate(above));
  }

  // Phi(x) + x phi(x), phi the normal density.
  HWY_INLINE ValueAndSlope with_slope(Float x) const {
    const Float above = bounded_below(x);
    const Float phi_of_x = gate(above);
    const Float edge = hn::Set(kFloats, 13.0F);  // where phi is 0 to float precision
    const Float t = hn::Max(hn::Neg(edge), hn::Min(edge, x));
    const Float power = hn::Mul(hn::Mul(t, t), hn::Set(kFloats, -0.72134752F));  // -log2(e) / 2
    const Float density = hn::Mul(exp2_bounded(kFloats, power), hn::Set(kFloats, 0.39894228F));
    return {hn::Mul(above, phi_of_x), hn::MulAdd(t, density, phi_of_x)};
  }

 private:
  // Far below it the product is 0, not a large x times a rounding error.
  static HWY_INLINE Float bounded_below(Float x) { return hn::Max(hn::Set(kFloats, -5.5F), x); }

  static HWY_INLINE Float gate(Float above) {
    const Float t = hn::Min(hn::Set(kFloats, 5.5F), above);
    const Float u = hn::Mul(t, t);
    Float p = hn::Set(kFloats, 2.2216004e-8F);
    p = hn::MulAdd(p, u, hn::Set(kFloats, 6.5307219e-6F));
    p = hn::MulAdd(p, u, hn::Set(kFloats, 1.8285666e-4F));
    p = hn::MulAdd(p, u, hn::Set(kFloats, 4.7616075e-3F));
    p = hn::MulAdd(p, u, hn::Set(kFloats, 3.5142190e-2F));
    p = hn::MulAdd(p, u, hn::Set(kFloats, 3.9894199e-1F));
    Float q = hn::Set(kFloats, 1.1953987e-6F);
    q = hn::MulAdd(q, u, hn::Set(kFloats, 7.8609744e-5F));
    q = hn::MulAdd(q, u, hn::Set(kFloats, 1.9624261e-3F));
    q = hn::MulAdd(q, u, hn::Set(kFloats, 2.9398614e-2F));
    q = hn::MulAdd(q, u, hn::Set(kFloats, 2.5475199e-1F));
    q = hn::MulAdd(q, u, hn::Set(kFloats, 1.0F));
    return hn::MulAdd(hn::Mul(t, p), hn::Div(hn::Set(kFloats, 1.0F), q), hn::Set(kFloats, 0.5F));
  }
};

// x s with s = (1 + tanh(y)) / 2 = 1 / (1 + e) and e = exp(-2 y) = 2^(x (a + b x^2)).
struct GeluTanh {
  HWY_INLINE Float operator()(Float x) const {
    const Float above = bounded_below(x);
    const Float t = hn::Min(hn::Set(kFloats, 10.0F), above);
    return hn::Div(above, hn::Add(hn::Set(kFloats, 1.0F), exponential(t, hn::Mul(t, t))));
  }

  // s + x s (1 - s) d(2 y)/dx with d(2 y)/dx = -ln(2) (a + 3 b x^2).
  HWY_INLINE ValueAndSlope with_slope(Float x) const {
    const Float one = hn::Set(kFloats, 1.0F);
    const Float above = bounded_below(x);
    const Float t = hn::Min(hn::Set(kFloats, 10.0F), above);
    const Float square = hn::Mul(t, t);
    const Float e = exponential(t, square);
    const Float s = hn::Div(one, hn::Add(one, e));
    const Float inner = hn::MulAdd(square, hn::Set(kFloats, 0.21406370F), hn::Set(kFloats, 1.5957691F));
    const Float bend = hn::Mul(hn::Mul(t, hn::Mul(s, s)), hn::Mul(e, inner));  // 1 - s = e s
    return {hn::Mul(above, s), hn::Add(s, bend)};
  }

 private:
  // Below it s is under 1e-20.
  static HWY_INLINE Float bounded_below(Float x) { return hn::Max(hn::Set(kFloats, -10.0F), x); }

  static HWY_INLINE Float exponential(Float t, Float square) {
    const Float a = hn::Set(kFloats, -2.3022082F);   // -2 sqrt(2 / pi) log2(e)
    const Float b = hn::Set(kFloats, -0.10294324F);  // 0.044715 a
    const Float power = hn::Mul(t, hn::MulAdd(square, b, a));
    return exp2_bounded(kFloats, hn::Min(power, hn::Set(kFloats, 120.0F)));
  }
};

struct Relu {
  HWY_INLINE Float operator()(Float x) const { return hn::Max(hn::Zero(kFloats), x); }

  HWY_INLINE ValueAndSlope with_slope(Float x) const {
    const Float zero = hn::Zero(kFloats);
    return {hn::Max(zero, x), hn::IfThenElseZero(hn::Gt(x, zero), hn::Set(kFloats, 1.0F))};
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace spanqa
HWY_AFTER_NAMESPACE();
#endif

// Functions of one vector that several kernels need; included once for each instruction set.
#if defined(SPANQA_NN_KERNELS_VECTOR_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SPANQA_NN_KERNELS_VECTOR_MATH_INL_H_
#undef SPANQA_NN_KERNELS_VECTOR_MATH_INL_H_
#else
#define SPANQA_NN_KERNELS_VECTOR_MATH_INL_H_
#endif

#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace spanqa {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// 2^x for x <= 127; smaller than -126 counts as -126, so that nothing is subnormal. Relative error below 3e-7.
///
/// x = n + f with n whole and |f| <= 1/2: 2^f is a polynomial of degree 5 (minimax, fitted for this file), 2^n is added
/// to the exponent bits. Adding 1.5 x 2^23 rounds to a whole number and leaves it in the low bits of the sum.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp2_bounded(D d, V x) {
  const hn::RebindToSigned<D> di;
  const V rounder = hn::Set(d, 12582912.0F);
  x = hn::Max(x, hn::Set(d, -126.0F));
  const V shifted = hn::Add(x, rounder);
  const V f = hn::Sub(x, hn::Sub(shifted, rounder));
  V p = hn::Set(d, 1.3264727e-3F);
  p = hn::MulAdd(p, f, hn::Set(d, 9.6715126e-3F));
  p = hn::MulAdd(p, f, hn::Set(d, 5.5507337e-2F));
  p = hn::MulAdd(p, f, hn::Set(d, 2.4022242e-1F));
  p = hn::MulAdd(p, f, hn::Set(d, 6.9314698e-1F));
  p = hn::MulAdd(p, f, hn::Set(d, 1.0F));
  return hn::BitCast(d, hn::Add(hn::BitCast(di, p), hn::ShiftLeft<23>(hn::BitCast(di, shifted))));
}

}  // namespace HWY_NAMESPACE
}  // namespace spanqa
HWY_AFTER_NAMESPACE();
#endif

// The vector type of kernels that do not choose their own; included once for each instruction set.
#if defined(SPANQA_NN_KERNELS_FLOAT_VECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SPANQA_NN_KERNELS_FLOAT_VECTOR_INL_H_
#undef SPANQA_NN_KERNELS_FLOAT_VECTOR_INL_H_
#else
#define SPANQA_NN_KERNELS_FLOAT_VECTOR_INL_H_
#endif

#include <cstddef>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace spanqa {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using Float = hn::Vec<FloatTag>;
constexpr FloatTag kFloats;
constexpr std::size_t kLanes = HWY_LANES(float);

}  // namespace HWY_NAMESPACE
}  // namespace spanqa
HWY_AFTER_NAMESPACE();
#endif

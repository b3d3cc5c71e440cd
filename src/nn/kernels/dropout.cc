#include "nn/kernels/dropout.h"

#include <algorithm>

#include "base/check.h"
#include "nn/kernels/isa.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/dropout.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "hwy/highway.h"
#include "nn/kernels/dropout-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spanqa {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void dropout_kernel(const Dropout& dropout, std::size_t first_row, std::size_t rows, std::size_t width, const float* x,
                    float* out) {
  for (std::size_t r = 0; r < rows; ++r, x += width, out += width) {
    drop_row(hn::ScalableTag<float>(), dropout, static_cast<std::uint32_t>(first_row + r), width, x, out);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace spanqa
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spanqa {

HWY_EXPORT(dropout_kernel);

void dropout(const Dropout& dropout, std::size_t first_row, std::size_t rows, std::size_t width, const float* x,
             float* out) {
  SPANQA_CHECK(first_row + rows <= std::size_t{1} << 32U);
  if (dropout.is_off()) {
    if (out != x) std::copy_n(x, rows * width, out);
    return;
  }
  if (isa_limit() == Isa::kRef) return dropout_ref(dropout, first_row, rows, width, x, out);
  HWY_DYNAMIC_DISPATCH(dropout_kernel)(dropout, first_row, rows, width, x, out);
}

}  // namespace spanqa
#endif

#include "nn/kernels/dropout.h"

#include <cstring>

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

using FloatTag = hn::ScalableTag<float>;
constexpr FloatTag kFloats;

// The last `n` columns of a row, fewer than a chunk, whose number is `chunk`.
HWY_INLINE void drop_rest(const DropoutRow<FloatTag>& drop, std::size_t chunk, std::size_t n, const float* x,
                          float* out) {
  HWY_ALIGN float factors[DropoutRow<FloatTag>::kChunk];
  drop.store(chunk, factors);
  for (std::size_t i = 0; i < n; ++i) out[i] = factors[i] == 0.0F ? 0.0F : x[i] * factors[i];
}

void dropout_kernel(const Dropout& dropout, std::size_t first_row, std::size_t rows, std::size_t width, const float* x,
                    float* out) {
  constexpr std::size_t kChunk = DropoutRow<FloatTag>::kChunk;
  for (std::size_t r = 0; r < rows; ++r, x += width, out += width) {
    const DropoutRow<FloatTag> drop(dropout, static_cast<std::uint32_t>(first_row + r));
    std::size_t c = 0;
    for (; c + kChunk <= width; c += kChunk) {
      drop.for_each_vector(c / kChunk, [&](std::size_t at, auto kept) HWY_ATTR {
        hn::StoreU(drop.apply(kept, hn::LoadU(kFloats, x + c + at)), kFloats, out + c + at);
      });
    }
    if (c < width) drop_rest(drop, c / kChunk, width - c, x + c, out + c);
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
    if (out != x) std::memcpy(out, x, rows * width * sizeof(float));
    return;
  }
  if (isa_limit() == Isa::kRef) return dropout_ref(dropout, first_row, rows, width, x, out);
  HWY_DYNAMIC_DISPATCH(dropout_kernel)(dropout, first_row, rows, width, x, out);
}

}  // namespace spanqa
#endif

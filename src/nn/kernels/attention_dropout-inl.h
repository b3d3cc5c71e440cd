// Dropout of one item's softmax weights, for soften_row and the way back; included once for each instruction set.
#if defined(SPANQA_NN_KERNELS_ATTENTION_DROPOUT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SPANQA_NN_KERNELS_ATTENTION_DROPOUT_INL_H_
#undef SPANQA_NN_KERNELS_ATTENTION_DROPOUT_INL_H_
#else
#define SPANQA_NN_KERNELS_ATTENTION_DROPOUT_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "nn/kernels/attention_item.h"
#include "nn/kernels/dropout-inl.h"
#include "nn/kernels/float_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spanqa {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Of dropout that is off.
struct KeepAll {
  HWY_INLINE void start_row(std::size_t, std::size_t) const {}
  HWY_INLINE Float operator()(std::size_t, Float x) const { return x; }
};

/// Factors of one row at a time.
class KeepSome {
 public:
  explicit HWY_INLINE KeepSome(const ItemDropout& item) : item_(item), factors_(item.factors) {}
  /// Row of query `t`, of `n` weights.
  HWY_INLINE void start_row(std::size_t t, std::size_t n) const {
    const DropoutRow<FloatTag> drop(item_.dropout, static_cast<std::uint32_t>(item_.first_row + t * item_.n_heads));
    for (std::size_t u = 0; u < n; u += drop.kChunk) drop.store(u / drop.kChunk, factors_ + u);
  }
  /// x times the factors of weights u, u + 1, ...
  HWY_INLINE Float operator()(std::size_t u, Float x) const { return hn::Mul(x, hn::Load(kFloats, factors_ + u)); }

 private:
  const ItemDropout& item_;
  float* factors_;
};

}  // namespace HWY_NAMESPACE
}  // namespace spanqa
HWY_AFTER_NAMESPACE();
#endif

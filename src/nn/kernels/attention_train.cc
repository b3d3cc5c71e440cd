// As attention.cc, but that the softmax of a row drops weights as it makes them, and leaves the logarithm of its sum.
#include <cmath>

#include "nn/kernels/attention_item.h"
#include "nn/kernels/attention_training.h"
#include "nn/kernels/isa.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/attention_train.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "hwy/highway.h"
#include "nn/kernels/attention-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spanqa {
namespace HWY_NAMESPACE {

template <class Keep>
struct SoftenForTraining {
  Keep keep;
  float* log_sums;  // of the item's first query
  std::size_t n_heads;

  HWY_INLINE float operator()(std::size_t t, float* row, std::size_t chunk_stride, std::size_t n) {
    keep.start_row(t, n);
    const Softness softness = soften_row(row, chunk_stride, n, keep);
    const float ln2 = 0.69314718F;
    log_sums[t * n_heads] = (softness.largest + std::log2(softness.sum)) * ln2;
    return 1.0F / softness.sum;
  }
};

void attend_head_train_kernel(const AttentionHeadWork& work, const ItemDropout& dropout, float* log_sums) {
  if (dropout.dropout.is_off()) {
    SoftenForTraining<KeepAll> soften{.keep = {}, .log_sums = log_sums, .n_heads = dropout.n_heads};
    return attend_head(work, soften);
  }
  SoftenForTraining<KeepSome> soften{.keep = KeepSome(dropout), .log_sums = log_sums, .n_heads = dropout.n_heads};
  attend_head(work, soften);
}

}  // namespace HWY_NAMESPACE
}  // namespace spanqa
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spanqa {
namespace {

HWY_EXPORT(attend_head_train_kernel);

}  // namespace

void attention_train(const AttentionInput& input, const Dropout& dropout, float* out, float* log_sums,
                     AttentionScratch& scratch, int n_threads) {
  check_attention_input(input, n_threads);
  check_dropout_rows(input);
  if (isa_limit() == Isa::kRef) return attention_train_ref(input, dropout, out, log_sums);
  const std::size_t longest = longest_sequence(input);
  const std::size_t n_packed = attention_scratch_size(longest, input.head_size);
  scratch.reserve(n_threads, n_packed + dropout_scratch_size(longest));
  const auto attend = [&](const AttentionItem& item, const AttentionHeadWork& work) {
    const ItemDropout item_dropout{.dropout = dropout,
                                   .first_row = item.begin * input.n_heads + item.head,
                                   .n_heads = input.n_heads,
                                   .factors = work.scratch + n_packed};
    HWY_DYNAMIC_DISPATCH(attend_head_train_kernel)(work, item_dropout, log_sums + item_dropout.first_row);
  };
  for_each_attention_head(input, out, scratch, n_threads, attend);
}

}  // namespace spanqa
#endif

// Attention of one sequence and head runs on packed copies of its queries (panels of kRows), keys (panels of kKeys) and
// values (rows); attention-inl.h says how they lie. For each panel of queries: scores (kRows x kKeys accumulators in
// registers) into the first-level cache, softmax over each row, then the mix of values (kRows x kKeys accumulators
// again). Scores are in units of log2(e), so that softmax needs only powers of two.
#include "nn/kernels/attention.h"

#include <algorithm>

#include "base/check.h"
#include "nn/kernels/attention_item.h"
#include "nn/kernels/isa.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/attention.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "hwy/highway.h"
#include "nn/kernels/attention-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spanqa {
namespace HWY_NAMESPACE {

struct Soften {
  HWY_INLINE float operator()(std::size_t, float* row, std::size_t chunk_stride, std::size_t n) const {
    return 1.0F / soften_row(row, chunk_stride, n, KeepAll()).sum;
  }
};

void attend_head_kernel(const AttentionHeadWork& work) {
  const Soften soften;
  attend_head(work, soften);
}

}  // namespace HWY_NAMESPACE
}  // namespace spanqa
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spanqa {
namespace {

HWY_EXPORT(attend_head_kernel);

}  // namespace

void check_attention_input(const AttentionInput& input, int n_threads) {
  SPANQA_CHECK(n_threads > 0 && input.head_size > 0 && input.row_stride >= 3 * input.hidden());
}

std::size_t longest_sequence(const AttentionInput& input) {
  std::size_t longest = 0;
  for (std::size_t i = 0; i + 1 < input.offsets.size(); ++i) {
    SPANQA_CHECK(input.offsets[i] <= input.offsets[i + 1]);
    longest = std::max<std::size_t>(longest, input.offsets[i + 1] - input.offsets[i]);
  }
  return longest;
}

void AttentionScratch::reserve(int n_threads, std::size_t n_floats) {
  if (buffers_.size() < static_cast<std::size_t>(n_threads)) buffers_.resize(static_cast<std::size_t>(n_threads));
  for (AlignedBuffer& buffer : buffers_) buffer.uninitialized(n_floats);
}

void attention(const AttentionInput& input, float* out, AttentionScratch& scratch, int n_threads) {
  check_attention_input(input, n_threads);
  if (isa_limit() == Isa::kRef) return attention_ref(input, out);
  scratch.reserve(n_threads, attention_scratch_size(longest_sequence(input), input.head_size));
  for_each_attention_head(input, out, scratch, n_threads, [](const AttentionItem&, const AttentionHeadWork& work) {
    HWY_DYNAMIC_DISPATCH(attend_head_kernel)(work);
  });
}

}  // namespace spanqa
#endif

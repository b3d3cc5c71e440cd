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

#ifndef SPANQA_NN_KERNELS_ATTENTION_ONCE_
#define SPANQA_NN_KERNELS_ATTENTION_ONCE_
namespace spanqa {
namespace {

struct HeadWork {
  HeadInput input;
  HeadInput next;  // of the item that this thread is likely to do next
  float* out;      // rows out_stride apart
  std::size_t out_stride;
  float* scratch;
};

}  // namespace
}  // namespace spanqa
#endif

HWY_BEFORE_NAMESPACE();
namespace spanqa {
namespace HWY_NAMESPACE {

struct Packed {
  float* queries;
  float* keys;
  float* values;
  float* scores;
  std::size_t value_width;
};

// Queries [first, first + kMr) of the item, or as many as there are.
template <std::size_t kMr>
HWY_INLINE void attend_rows(const HeadWork& work, const Packed& packed, std::size_t first) {
  constexpr std::size_t kChunkStride = kMr * kKeys;
  const HeadRows& queries = work.input.queries;
  float scales[kMr] = {};
  const std::size_t n_rows = HWY_MIN(queries.n - first, kMr);
  prefetch_input(work.next, first, n_rows);
  score_rows<kMr>(packed.queries + first * queries.width, packed.keys, queries.width, queries.n, packed.scores,
                  kChunkStride);
  for (std::size_t r = 0; r < n_rows; ++r) {
    scales[r] = 1.0F / soften_row(packed.scores + r * kKeys, kChunkStride, queries.n).sum;
  }
  mix_rows<kMr>({.first = packed.scores, .chunk_stride = kChunkStride},
                {.first = packed.values, .width = packed.value_width}, queries.n,
                {.out = work.out + first * work.out_stride,
                 .stride = work.out_stride,
                 .n_rows = n_rows,
                 .n_floats = queries.width,
                 .scales = scales});
}

void attend_head_kernel(const HeadWork& work) {
  const auto& [queries, keys, values] = work.input;
  const std::size_t n = queries.n;
  Packed packed = {};
  packed.value_width = padded_width(values);
  packed.queries = work.scratch;
  packed.keys = packed.queries + round_up(round_up(n, kRows) * queries.width, kPanelMultiple);
  packed.values = packed.keys + round_up(n, kKeys) * keys.width;
  packed.scores = packed.values + n * packed.value_width;
  pack_panels<kRows>(queries, score_scale(queries.width), packed.queries);
  pack_panels<kKeys>(keys, 1.0F, packed.keys);
  pack_rows(values, packed.values);
  std::size_t first = 0;
  for (; first + kRows - kRowStep < n; first += kRows) attend_rows<kRows>(work, packed, first);
  if constexpr (kRows > kRowStep) {
    if (first >= n) return;
    if (n - first > kRowStep) {
      attend_rows<2 * kRowStep>(work, packed, first);
    } else {
      attend_rows<kRowStep>(work, packed, first);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace spanqa
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spanqa {
namespace {

HWY_EXPORT(attend_head_kernel);

}  // namespace

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
  SPANQA_CHECK(n_threads > 0 && input.head_size > 0 && input.row_stride >= 3 * input.hidden());
  if (isa_limit() == Isa::kRef) return attention_ref(input, out);
  scratch.reserve(n_threads, attention_scratch_size(longest_sequence(input), input.head_size));
  for_each_attention_item(input, n_threads, [&](std::size_t i, std::size_t i_next, int thread) {
    const AttentionItem item(input, i);
    if (item.n == 0) return;
    const HeadWork work{.input = HeadInput(input, item),
                        .next = HeadInput::of(input, i_next),
                        .out = out + item.begin * input.hidden() + item.column,
                        .out_stride = input.hidden(),
                        .scratch = scratch.of_thread(thread)};
    HWY_DYNAMIC_DISPATCH(attend_head_kernel)(work);
  });
}

}  // namespace spanqa
#endif

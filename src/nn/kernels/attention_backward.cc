// The way back of one sequence and head goes over blocks of kBlockRows queries, so that the matrices P * M and dS of a
// block stay in the second-level cache however long the sequence is. For each panel of queries of a block: scores and
// dO V^T by outer products, P * M and dS from them in place, then dQ = dS K. After the block, its share of dK = dS^T Q
// and dV = (P * M)^T dO, kKeyTile keys at a time; their sums wait in scratch between blocks.
#include <algorithm>
#include <cmath>

#include "nn/kernels/attention_item.h"
#include "nn/kernels/attention_training.h"
#include "nn/kernels/isa.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/attention_backward.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "hwy/highway.h"
#include "nn/kernels/attention-inl.h"

#ifndef SPANQA_NN_KERNELS_ATTENTION_BACKWARD_ONCE_
#define SPANQA_NN_KERNELS_ATTENTION_BACKWARD_ONCE_
namespace spanqa {
namespace {

// Rows of `out` and its gradient.
struct OutRows {
  HeadRows out;
  HeadRows d_out;
};

struct BackwardWork {
  HeadInput input;
  OutRows outs;
  HeadInput next;  // of the item that this thread is likely to do next
  OutRows next_outs;
  const float* log_sums;  // of the first query; n_heads apart
  std::size_t n_heads;
  float* d_queries;  // rows d_stride apart, and so are:
  float* d_keys;
  float* d_values;
  std::size_t d_stride;
  float* scratch;
};

// Every panel height divides it.
constexpr std::size_t kBlockRows = 48;
// Floats between a block's two matrices; see kChunkStride.
constexpr std::size_t kMatrixGap = 512;

// Floats of scratch for a sequence of `n` tokens, enough for every instruction set.
std::size_t backward_scratch_size(std::size_t n, std::size_t head_size) {
  const std::size_t rows = round_up(n, kPanelMultiple);
  const std::size_t width = round_up(head_size, kPanelMultiple);
  return 5 * rows * width + 2 * (kBlockRows + 1) * rows + kMatrixGap + 4 * kBlockRows * width;
}

}  // namespace
}  // namespace spanqa
#endif

HWY_BEFORE_NAMESPACE();
namespace spanqa {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Keys whose gradients are summed at once: kKeyTile x kVectors accumulators. It divides kLanes, so that no tile reaches
// behind the vector with a chunk's last key.
constexpr std::size_t kKeyTile = HWY_MIN(kLanes, HWY_TARGET <= HWY_AVX3 ? 8 : 4);
static_assert(kBlockRows % kRows == 0);

// Chunks of a block's matrices lie a row further apart than they need to, and the second matrix half a page further
// from the first: otherwise a row's numbers of all chunks and of both would fall into a few sets of the first-level
// cache, and loads from one matrix would wait for stores to the other.
constexpr std::size_t kChunkStride = (kBlockRows + 1) * kKeys;

// Where it all lies in scratch; backward_scratch_size() has room for it.
struct BackwardBuffers {
  explicit HWY_INLINE BackwardBuffers(const BackwardWork& work) : width(padded_width(work.input.keys)) {
    const std::size_t n = work.input.keys.n;
    const std::size_t head_size = work.input.keys.width;
    const std::size_t n_keys = round_up(n, kKeys);
    float* end = work.scratch;
    const auto take = [&](std::size_t n_floats) {
      float* const begin = end;
      end += round_up(n_floats, kLanes);
      return begin;
    };
    keys = take(n_keys * head_size);
    values = take(n_keys * head_size);
    key_rows = take(n * width);
    d_keys = take(n_keys * width);
    d_values = take(n_keys * width);
    queries = take(kBlockRows * head_size);
    d_outs = take(kBlockRows * head_size);
    query_rows = take(kBlockRows * width);
    d_out_rows = take(kBlockRows * width);
    kept = take(n_keys / kKeys * kChunkStride + kMatrixGap);
    d_scores = take(n_keys / kKeys * kChunkStride);
  }
  std::size_t width;  // of a row with its padding
  // Of the whole sequence.
  float* keys;    // panels of kKeys
  float* values;  // panels of kKeys
  float* key_rows;
  float* d_keys;    // sums, rows
  float* d_values;  // sums, rows
  // Of a block of queries.
  float* queries;  // panels of kRows
  float* d_outs;   // panels of kRows
  float* query_rows;
  float* d_out_rows;
  float* kept;      // P * M, in chunks kChunkStride apart
  float* d_scores;  // dS, the same
};

HWY_INLINE float dot(const float* a, const float* b, std::size_t n) {
  Float sums = hn::Zero(kFloats);
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) sums = hn::MulAdd(hn::LoadU(kFloats, a + i), hn::LoadU(kFloats, b + i), sums);
  float sum = hn::GetLane(hn::SumOfLanes(kFloats, sums));
  for (; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

struct RowConstants {
  float log_sum;  // in units of log2(e), as the scores are
  float delta;    // dO . O
};

// From scores and dO V^T of a query, in `kept` and `d_scores`, to P * M and dS without its factor s. Lanes behind `n`
// are left with numbers that nobody reads.
template <class Keep>
HWY_INLINE void differentiate_row(float* kept, float* d_scores, std::size_t n, const RowConstants& row,
                                  const Keep& keep) {
  const Float log_sum = hn::Set(kFloats, row.log_sum);
  const Float delta = hn::Set(kFloats, row.delta);
  for (std::size_t chunk = 0; chunk < n; chunk += kKeys, kept += kChunkStride, d_scores += kChunkStride) {
    for (std::size_t j = 0; j < kKeys && chunk + j < n; j += kLanes) {
      const Float weight = exp2_bounded(kFloats, hn::Sub(hn::Load(kFloats, kept + j), log_sum));
      const Float d_weight = hn::Sub(keep(chunk + j, hn::Load(kFloats, d_scores + j)), delta);
      hn::Store(keep(chunk + j, weight), kFloats, kept + j);
      hn::Store(hn::Mul(weight, d_weight), kFloats, d_scores + j);
    }
  }
}

// sums[u][:] += sum_t weights[t][u] rows[t][:] for a tile of keys u, kNv vectors wide. The first block begins the sums,
// the last one leaves them in `target` instead.
struct KeySums {
  float* sums;
  std::size_t width;
  bool is_first;
  bool is_last;
};

// Not inlined, as in attention-inl.h.
template <std::size_t kNv>
HWY_NOINLINE void add_tile(const float* HWY_RESTRICT weights, const PackedRows& rows, std::size_t n_rows,
                           const KeySums& memory, const MixTarget& target) {
  Float sums[kKeyTile][kNv];
#pragma GCC unroll 16
  for (std::size_t u = 0; u < kKeyTile; ++u) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < kNv; ++j) {
      sums[u][j] = memory.is_first ? hn::Zero(kFloats) : hn::Load(kFloats, memory.sums + u * memory.width + j * kLanes);
    }
  }
  const float* HWY_RESTRICT row = rows.first;
  for (std::size_t t = 0; t < n_rows; ++t, weights += kKeys, row += rows.width) {
    Float value[kNv];
#pragma GCC unroll 4
    for (std::size_t j = 0; j < kNv; ++j) value[j] = hn::Load(kFloats, row + j * kLanes);
#pragma GCC unroll 16
    for (std::size_t u = 0; u < kKeyTile; ++u) {
      const Float weight = hn::Set(kFloats, weights[u]);
#pragma GCC unroll 4
      for (std::size_t j = 0; j < kNv; ++j) sums[u][j] = hn::MulAdd(weight, value[j], sums[u][j]);
    }
  }
#pragma GCC unroll 16
  for (std::size_t u = 0; u < kKeyTile; ++u) {
    if (memory.is_last) {
      if (u < target.n_rows) store_row<kNv>(sums[u], target, u);
      continue;
    }
#pragma GCC unroll 4
    for (std::size_t j = 0; j < kNv; ++j) hn::Store(sums[u][j], kFloats, memory.sums + u * memory.width + j * kLanes);
  }
}

// The same for all keys of `target` and all columns of its rows.
HWY_INLINE void add_keys(const float* weights, const PackedRows& rows, std::size_t n_rows, const KeySums& memory,
                         const MixTarget& target) {
  for (std::size_t d = 0; d < target.n_floats; d += kVectors * kLanes) {
    const PackedRows columns{.first = rows.first + d, .width = rows.width};
    for (std::size_t u = 0; u < target.n_rows; u += kKeyTile) {
      const float* const tile = weights + u / kKeys * kChunkStride + u % kKeys;
      KeySums tile_sums = memory;
      tile_sums.sums += u * memory.width + d;
      const MixTarget part{.out = target.out + u * target.stride + d,
                           .stride = target.stride,
                           .n_rows = target.n_rows - u,
                           .n_floats = target.n_floats - d,
                           .scales = target.scales};
      if (part.n_floats > kLanes) {
        add_tile<kVectors>(tile, columns, n_rows, tile_sums, part);
      } else {
        add_tile<1>(tile, columns, n_rows, tile_sums, part);
      }
    }
  }
}

HWY_INLINE void prefetch_next(const BackwardWork& work, std::size_t first, std::size_t n_rows) {
  prefetch_input(work.next, first, n_rows);
  prefetch_rows(work.next_outs.out, first, n_rows);
  prefetch_rows(work.next_outs.d_out, first, n_rows);
}

// Panels of one block of queries, [block_first, ...) of the sequence.
template <class Keep>
struct GradientPanels {
  const BackwardWork& work;
  const BackwardBuffers& buffers;
  Keep& keep;
  std::size_t block_first;
  std::size_t n_rows;   // of the block
  const float* scales;  // s for each row of a panel

  // Queries [first, first + kMr) of the block, or as many as there are.
  template <std::size_t kMr>
  HWY_INLINE void rows(std::size_t first) const {
    const std::size_t n = work.input.keys.n;
    const std::size_t depth = work.input.keys.width;
    const std::size_t n_panel = HWY_MIN(n_rows - first, kMr);
    float* const kept = buffers.kept + first * kKeys;
    float* const d_scores = buffers.d_scores + first * kKeys;
    prefetch_next(work, block_first + first, n_panel);
    score_rows<kMr>(buffers.queries + first * depth, buffers.keys, depth, n, kept, kChunkStride);
    score_rows<kMr>(buffers.d_outs + first * depth, buffers.values, depth, n, d_scores, kChunkStride);
    for (std::size_t r = 0; r < n_panel; ++r) {
      const std::size_t t = block_first + first + r;
      keep.start_row(t, n);
      differentiate_row(kept + r * kKeys, d_scores + r * kKeys, n, constants(t), keep);
    }
    mix_rows<kMr>({.first = d_scores, .chunk_stride = kChunkStride},
                  {.first = buffers.key_rows, .width = buffers.width}, n,
                  {.out = work.d_queries + (block_first + first) * work.d_stride,
                   .stride = work.d_stride,
                   .n_rows = n_panel,
                   .n_floats = depth,
                   .scales = scales});
  }

 private:
  HWY_INLINE RowConstants constants(std::size_t t) const {
    const float log2_e = 1.44269504F;
    const OutRows& outs = work.outs;
    return {.log_sum = work.log_sums[t * work.n_heads] * log2_e,
            .delta = dot(outs.out.row(t), outs.d_out.row(t), outs.out.width)};
  }
};

template <class Keep>
HWY_INLINE void differentiate_block(const GradientPanels<Keep>& panels, const float* ones) {
  const BackwardWork& work = panels.work;
  const BackwardBuffers& buffers = panels.buffers;
  const HeadRows queries = work.input.queries.slice(panels.block_first, kBlockRows);
  const HeadRows d_outs = work.outs.d_out.slice(panels.block_first, kBlockRows);
  pack_panels<kRows>(queries, score_scale(queries.width), buffers.queries);
  pack_panels<kRows>(d_outs, 1.0F, buffers.d_outs);
  pack_rows(queries, buffers.query_rows);
  pack_rows(d_outs, buffers.d_out_rows);
  for_each_panel(panels.n_rows, panels);
  KeySums memory{.sums = buffers.d_values,
                 .width = buffers.width,
                 .is_first = panels.block_first == 0,
                 .is_last = panels.block_first + panels.n_rows == work.input.keys.n};
  MixTarget target{.out = work.d_values,
                   .stride = work.d_stride,
                   .n_rows = work.input.keys.n,
                   .n_floats = queries.width,
                   .scales = ones};
  add_keys(buffers.kept, {.first = buffers.d_out_rows, .width = buffers.width}, panels.n_rows, memory, target);
  memory.sums = buffers.d_keys;
  target.out = work.d_keys;
  target.scales = panels.scales;
  add_keys(buffers.d_scores, {.first = buffers.query_rows, .width = buffers.width}, panels.n_rows, memory, target);
}

template <class Keep>
HWY_INLINE void differentiate_head(const BackwardWork& work, Keep keep) {
  const BackwardBuffers buffers(work);
  const std::size_t n = work.input.keys.n;
  const float s = 1.0F / std::sqrt(static_cast<float>(work.input.keys.width));
  float scales[kRows];
  float ones[kRows];
  std::fill_n(scales, kRows, s);
  std::fill_n(ones, kRows, 1.0F);
  pack_panels<kKeys>(work.input.keys, 1.0F, buffers.keys);
  pack_panels<kKeys>(work.input.values, 1.0F, buffers.values);
  pack_rows(work.input.keys, buffers.key_rows);
  for (std::size_t first = 0; first < n; first += kBlockRows) {
    const GradientPanels<Keep> panels{.work = work,
                                      .buffers = buffers,
                                      .keep = keep,
                                      .block_first = first,
                                      .n_rows = HWY_MIN(n - first, kBlockRows),
                                      .scales = scales};
    differentiate_block(panels, ones);
  }
}

void differentiate_head_kernel(const BackwardWork& work, const ItemDropout& dropout) {
  if (dropout.dropout.is_off()) return differentiate_head(work, KeepAll());
  differentiate_head(work, KeepSome(dropout));
}

}  // namespace HWY_NAMESPACE
}  // namespace spanqa
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spanqa {
namespace {

HWY_EXPORT(differentiate_head_kernel);

// Of item `i`; none where `i` lies behind the last item.
OutRows out_rows(const AttentionInput& input, const AttentionGradient& gradient, std::size_t i) {
  if (i >= count_attention_items(input)) return {};
  const AttentionItem item(input, i);
  const std::size_t at = item.begin * input.hidden() + item.column;
  HeadRows rows{.first = gradient.out + at, .n = item.n, .stride = input.hidden(), .width = input.head_size};
  OutRows outs{.out = rows, .d_out = rows};
  outs.d_out.first = gradient.d_out + at;
  return outs;
}

}  // namespace

void attention_backward(const AttentionInput& input, const Dropout& dropout, const AttentionGradient& gradient,
                        AttentionScratch& scratch, int n_threads) {
  check_attention_input(input, n_threads);
  check_dropout_rows(input);
  if (isa_limit() == Isa::kRef) return attention_backward_ref(input, dropout, gradient);
  const std::size_t longest = longest_sequence(input);
  const std::size_t n_buffers = backward_scratch_size(longest, input.head_size);
  scratch.reserve(n_threads, n_buffers + dropout_scratch_size(longest));
  for_each_attention_item(input, n_threads, [&](std::size_t i, std::size_t i_next, int thread) {
    const AttentionItem item(input, i);
    if (item.n == 0) return;
    float* const d_queries = gradient.d_qkv + item.begin * input.row_stride + item.column;
    const std::size_t first_softmax = item.begin * input.n_heads + item.head;
    const BackwardWork work{.input = HeadInput(input, item),
                            .outs = out_rows(input, gradient, i),
                            .next = HeadInput::of(input, i_next),
                            .next_outs = out_rows(input, gradient, i_next),
                            .log_sums = gradient.log_sums + first_softmax,
                            .n_heads = input.n_heads,
                            .d_queries = d_queries,
                            .d_keys = d_queries + input.hidden(),
                            .d_values = d_queries + 2 * input.hidden(),
                            .d_stride = input.row_stride,
                            .scratch = scratch.of_thread(thread)};
    const ItemDropout item_dropout{
        .dropout = dropout, .first_row = first_softmax, .n_heads = input.n_heads, .factors = work.scratch + n_buffers};
    HWY_DYNAMIC_DISPATCH(differentiate_head_kernel)(work, item_dropout);
  });
}

}  // namespace spanqa
#endif

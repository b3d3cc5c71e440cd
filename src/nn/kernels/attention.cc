// Attention of one sequence and head runs on packed copies of its queries, keys and values:
//
//   queries, keys  panels of kRows queries or kKeys keys, [panel][head_size][kRows or kKeys]: the transpose, so that a
//                  score block is an outer product at each step, with nothing to add up across lanes
//   values         [n][value_width], rows side by side; in qkv they lie far apart, in few sets of the cache
//   scores         [chunk of kKeys keys][kRows][kKeys], the scores of kRows queries, in the first-level cache
//
// For each panel of queries: scores (kRows x kKeys accumulators in registers), softmax over each row, then the mix of
// values (kRows x kKeys accumulators again). Scores are in units of log2(e), so that softmax needs only powers of two.
#include "nn/kernels/attention.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "nn/kernels/isa.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/attention.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "hwy/highway.h"
#include "nn/kernels/vector_math-inl.h"

#ifndef SPANQA_NN_KERNELS_ATTENTION_ONCE_
#define SPANQA_NN_KERNELS_ATTENTION_ONCE_
namespace spanqa {
namespace {

// One sequence and head: `n` rows of queries, keys and values, each `stride` floats apart.
struct HeadItem {
  const float* queries;
  const float* keys;
  const float* values;
  std::size_t n;
  std::size_t stride;
  std::size_t head_size;
  float* out;  // rows out_stride apart
  std::size_t out_stride;
  float* scratch;
  const float* next_queries;  // of the item that this thread is likely to do next, whose rows are n_next; or null
  std::size_t n_next;
};

constexpr std::size_t round_up(std::size_t n, std::size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

// Every panel width and vector length divides it.
constexpr std::size_t kPanelMultiple = 96;

// Floats of scratch for a sequence of `n` tokens, enough for every instruction set.
std::size_t scratch_size(std::size_t n, std::size_t head_size) {
  const std::size_t rows = round_up(n, kPanelMultiple);
  const std::size_t width = round_up(head_size, kPanelMultiple);
  return 3 * rows * width + rows * kPanelMultiple + kPanelMultiple;
}

}  // namespace
}  // namespace spanqa
#endif

HWY_BEFORE_NAMESPACE();
namespace spanqa {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using Float = hn::Vec<FloatTag>;
constexpr FloatTag kFloats;
constexpr std::size_t kLanes = HWY_LANES(float);

// Accumulators of a block: kRows x kVectors, with kVectors more registers for the other factor. 32 registers on
// AVX-512, 16 below.
constexpr std::size_t kVectors = 2;
constexpr std::size_t kRows = HWY_TARGET <= HWY_AVX3 ? 12 : 4;
constexpr std::size_t kRowStep = 4;  // a smaller last panel has 4 or 8 rows
constexpr std::size_t kKeys = kVectors * kLanes;

#if HWY_TARGET != HWY_SCALAR
constexpr hn::FixedTag<float, 4> kQuad;
using Quad = hn::Vec<decltype(kQuad)>;

// dst[d * width + j] = src[j * stride + d] * scale for 4 x 4 numbers.
HWY_INLINE void transpose_quad(const float* src, std::size_t stride, Quad scale, std::size_t width, float* dst) {
  const auto row0 = hn::LoadU(kQuad, src);
  const auto row1 = hn::LoadU(kQuad, src + stride);
  const auto row2 = hn::LoadU(kQuad, src + 2 * stride);
  const auto row3 = hn::LoadU(kQuad, src + 3 * stride);
  const auto low02 = hn::InterleaveLower(kQuad, row0, row2);
  const auto low13 = hn::InterleaveLower(kQuad, row1, row3);
  const auto high02 = hn::InterleaveUpper(kQuad, row0, row2);
  const auto high13 = hn::InterleaveUpper(kQuad, row1, row3);
  hn::StoreU(hn::Mul(hn::InterleaveLower(kQuad, low02, low13), scale), kQuad, dst);
  hn::StoreU(hn::Mul(hn::InterleaveUpper(kQuad, low02, low13), scale), kQuad, dst + width);
  hn::StoreU(hn::Mul(hn::InterleaveLower(kQuad, high02, high13), scale), kQuad, dst + 2 * width);
  hn::StoreU(hn::Mul(hn::InterleaveUpper(kQuad, high02, high13), scale), kQuad, dst + 3 * width);
}
#endif

// Panels of kWidth rows, transposed: dst[panel][d][j] = src[panel * kWidth + j][d] * scale; rows beyond `n` are zeros.
template <std::size_t kWidth>
HWY_INLINE void pack_panels(const float* src, const HeadItem& item, float scale, float* HWY_RESTRICT dst) {
  const std::size_t depth = item.head_size;
  for (std::size_t first = 0; first < item.n; first += kWidth, dst += depth * kWidth) {
    const float* rows = src + first * item.stride;
    const std::size_t n_rows = HWY_MIN(item.n - first, kWidth);
    std::size_t j = 0;
#if HWY_TARGET != HWY_SCALAR
    const Quad scales = hn::Set(kQuad, scale);
    for (; j + 4 <= n_rows; j += 4, rows += 4 * item.stride) {
      std::size_t d = 0;
      for (; d + 4 <= depth; d += 4) transpose_quad(rows + d, item.stride, scales, kWidth, dst + d * kWidth + j);
      for (; d < depth; ++d) {
        for (std::size_t i = 0; i < 4; ++i) dst[d * kWidth + j + i] = rows[i * item.stride + d] * scale;
      }
    }
#endif
    for (; j < n_rows; ++j, rows += item.stride) {
      for (std::size_t d = 0; d < depth; ++d) dst[d * kWidth + j] = rows[d] * scale;
    }
    for (; j < kWidth; ++j) {
      for (std::size_t d = 0; d < depth; ++d) dst[d * kWidth + j] = 0.0F;
    }
  }
}

// Rows of `width` floats (head_size rounded up to whole vectors), zeros behind head_size.
HWY_INLINE void pack_values(const HeadItem& item, std::size_t width, float* HWY_RESTRICT dst) {
  for (std::size_t u = 0; u < item.n; ++u, dst += width) {
    const float* row = item.values + u * item.stride;
    std::size_t d = 0;
    for (; d + kLanes <= item.head_size; d += kLanes) hn::Store(hn::LoadU(kFloats, row + d), kFloats, dst + d);
    for (; d < item.head_size; ++d) dst[d] = row[d];
    for (; d < width; ++d) dst[d] = 0.0F;
  }
}

// scores[r][0, kNv vectors) = sum_d queries[d][r] keys[d][...], rows kKeys apart.
template <std::size_t kMr, std::size_t kNv>
HWY_INLINE void score_block(const float* HWY_RESTRICT queries, const float* HWY_RESTRICT keys, std::size_t depth,
                            float* HWY_RESTRICT scores) {
  Float sums[kMr][kNv];
#pragma GCC unroll 16
  for (std::size_t r = 0; r < kMr; ++r) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < kNv; ++j) sums[r][j] = hn::Zero(kFloats);
  }
  for (std::size_t d = 0; d < depth; ++d, queries += kRows, keys += kKeys) {
    Float key[kNv];
#pragma GCC unroll 4
    for (std::size_t j = 0; j < kNv; ++j) key[j] = hn::Load(kFloats, keys + j * kLanes);
#pragma GCC unroll 16
    for (std::size_t r = 0; r < kMr; ++r) {
      const Float query = hn::Set(kFloats, queries[r]);
#pragma GCC unroll 4
      for (std::size_t j = 0; j < kNv; ++j) sums[r][j] = hn::MulAdd(query, key[j], sums[r][j]);
    }
  }
#pragma GCC unroll 16
  for (std::size_t r = 0; r < kMr; ++r) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < kNv; ++j) hn::Store(sums[r][j], kFloats, scores + r * kKeys + j * kLanes);
  }
}

// Scores of kMr queries against all keys.
template <std::size_t kMr>
HWY_INLINE void score_rows(const float* queries, const float* keys, const HeadItem& item, float* scores) {
  const std::size_t depth = item.head_size;
  std::size_t u = 0;
  for (; u + kLanes < item.n; u += kKeys, keys += depth * kKeys, scores += kMr * kKeys) {
    score_block<kMr, kVectors>(queries, keys, depth, scores);
  }
  if (u < item.n) score_block<kMr, 1>(queries, keys, depth, scores);
}

// Turns a row of scores, chunks of kKeys that lie `chunk_stride` apart, into powers 2^(score - largest); returns one
// over their sum. Lanes behind `n` end as next to nothing.
HWY_INLINE float soften_row(float* row, std::size_t chunk_stride, std::size_t n) {
  Float largest = hn::Set(kFloats, -HUGE_VALF);
  const std::size_t n_whole = n / kKeys;
  const std::size_t rest = n % kKeys;
  float* const last = row + n_whole * chunk_stride;
  for (std::size_t c = 0; c < n_whole; ++c) {
    for (std::size_t j = 0; j < kKeys; j += kLanes) {
      largest = hn::Max(largest, hn::Load(kFloats, row + c * chunk_stride + j));
    }
  }
  for (std::size_t j = 0; j < rest; j += kLanes) {
    const auto inside = hn::FirstN(kFloats, HWY_MIN(rest - j, kLanes));
    const Float score = hn::IfThenElse(inside, hn::Load(kFloats, last + j), hn::Set(kFloats, -HUGE_VALF));
    hn::Store(score, kFloats, last + j);
    largest = hn::Max(largest, score);
  }
  largest = hn::MaxOfLanes(kFloats, largest);
  Float sum0 = hn::Zero(kFloats);
  Float sum1 = hn::Zero(kFloats);
  for (std::size_t c = 0; c < n_whole; ++c) {
    float* const chunk = row + c * chunk_stride;
    const Float power0 = exp2_bounded(kFloats, hn::Sub(hn::Load(kFloats, chunk), largest));
    const Float power1 = exp2_bounded(kFloats, hn::Sub(hn::Load(kFloats, chunk + kLanes), largest));
    hn::Store(power0, kFloats, chunk);
    hn::Store(power1, kFloats, chunk + kLanes);
    sum0 = hn::Add(sum0, power0);
    sum1 = hn::Add(sum1, power1);
  }
  for (std::size_t j = 0; j < rest; j += kLanes) {
    const Float power = exp2_bounded(kFloats, hn::Sub(hn::Load(kFloats, last + j), largest));
    hn::Store(power, kFloats, last + j);
    sum0 = hn::Add(sum0, power);
  }
  return 1.0F / hn::GetLane(hn::SumOfLanes(kFloats, hn::Add(sum0, sum1)));
}

struct MixTarget {
  float* out;  // first row, first column of the vectors below
  std::size_t stride;
  std::size_t n_rows;    // rows to store
  std::size_t n_floats;  // of a row
  const float* scales;   // per row
};

template <std::size_t kNv>
HWY_INLINE void store_row(const Float* sums, const MixTarget& target, std::size_t r) {
  const Float scale = hn::Set(kFloats, target.scales[r]);
  float* const out = target.out + r * target.stride;
#pragma GCC unroll 4
  for (std::size_t j = 0; j < kNv; ++j) {
    const Float value = hn::Mul(sums[j], scale);
    if ((j + 1) * kLanes <= target.n_floats) {
      hn::StoreU(value, kFloats, out + j * kLanes);
      continue;
    }
    HWY_ALIGN float tail[kLanes];
    hn::Store(value, kFloats, tail);
    std::memcpy(out + j * kLanes, tail, (target.n_floats - j * kLanes) * sizeof(float));
  }
}

// out[r] = scales[r] sum_u powers[u][r] values[u], kNv vectors wide.
template <std::size_t kMr, std::size_t kNv>
HWY_INLINE void mix_block(const float* HWY_RESTRICT powers, const float* HWY_RESTRICT values, std::size_t value_width,
                          std::size_t n, const MixTarget& target) {
  Float sums[kMr][kNv];
#pragma GCC unroll 16
  for (std::size_t r = 0; r < kMr; ++r) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < kNv; ++j) sums[r][j] = hn::Zero(kFloats);
  }
  for (std::size_t chunk = 0; chunk < n; chunk += kKeys, powers += kMr * kKeys) {
    const std::size_t end = HWY_MIN(n - chunk, kKeys);
    for (std::size_t u = 0; u < end; ++u, values += value_width) {
      Float value[kNv];
#pragma GCC unroll 4
      for (std::size_t j = 0; j < kNv; ++j) value[j] = hn::Load(kFloats, values + j * kLanes);
#pragma GCC unroll 16
      for (std::size_t r = 0; r < kMr; ++r) {
        const Float power = hn::Set(kFloats, powers[r * kKeys + u]);
#pragma GCC unroll 4
        for (std::size_t j = 0; j < kNv; ++j) sums[r][j] = hn::MulAdd(power, value[j], sums[r][j]);
      }
    }
  }
#pragma GCC unroll 16
  for (std::size_t r = 0; r < kMr; ++r) {
    if (r < target.n_rows) store_row<kNv>(sums[r], target, r);
  }
}

struct Packed {
  float* queries;
  float* keys;
  float* values;
  float* scores;
  std::size_t value_width;
};

// Rows of the next item lie far apart and, in a large batch, in the third-level cache, where no hardware prefetcher
// sees the pattern: bring those at the place of this panel.
constexpr int kForReading = 0;
constexpr int kSecondLevelCache = 2;
constexpr std::size_t kLineFloats = 16;
HWY_INLINE void prefetch_next(const HeadItem& item, std::size_t first, std::size_t n_rows) {
  if (item.next_queries == nullptr) return;
  const std::ptrdiff_t hidden = item.keys - item.queries;
  const std::size_t end = HWY_MIN(first + n_rows, item.n_next);
  for (std::size_t r = first; r < end; ++r) {
    const float* row = item.next_queries + r * item.stride;
    for (int part = 0; part < 3; ++part, row += hidden) {
      for (std::size_t d = 0; d < item.head_size; d += kLineFloats)
        __builtin_prefetch(row + d, kForReading, kSecondLevelCache);
    }
  }
}

// Queries [first, first + kMr) of the item, or as many as there are.
template <std::size_t kMr>
HWY_INLINE void attend_rows(const HeadItem& item, const Packed& packed, std::size_t first) {
  float scales[kMr] = {};
  const std::size_t n_rows = HWY_MIN(item.n - first, kMr);
  prefetch_next(item, first, n_rows);
  score_rows<kMr>(packed.queries + first * item.head_size, packed.keys, item, packed.scores);
  for (std::size_t r = 0; r < n_rows; ++r) {
    scales[r] = soften_row(packed.scores + r * kKeys, kMr * kKeys, item.n);
  }
  for (std::size_t d = 0; d < item.head_size; d += kVectors * kLanes) {
    const MixTarget target{.out = item.out + first * item.out_stride + d,
                           .stride = item.out_stride,
                           .n_rows = n_rows,
                           .n_floats = item.head_size - d,
                           .scales = scales};
    if (item.head_size - d > kLanes) {
      mix_block<kMr, kVectors>(packed.scores, packed.values + d, packed.value_width, item.n, target);
    } else {
      mix_block<kMr, 1>(packed.scores, packed.values + d, packed.value_width, item.n, target);
    }
  }
}

void attend_head_kernel(const HeadItem& item) {
  Packed packed = {};
  packed.value_width = round_up(item.head_size, kLanes);
  packed.queries = item.scratch;
  packed.keys = packed.queries + round_up(round_up(item.n, kRows) * item.head_size, kPanelMultiple);
  packed.values = packed.keys + round_up(item.n, kKeys) * item.head_size;
  packed.scores = packed.values + item.n * packed.value_width;
  const double log2_e = 1.4426950408889634;
  const double scale = log2_e / std::sqrt(static_cast<double>(item.head_size));
  pack_panels<kRows>(item.queries, item, static_cast<float>(scale), packed.queries);
  pack_panels<kKeys>(item.keys, item, 1.0F, packed.keys);
  pack_values(item, packed.value_width, packed.values);
  std::size_t first = 0;
  for (; first + kRows - kRowStep < item.n; first += kRows) attend_rows<kRows>(item, packed, first);
  if constexpr (kRows > kRowStep) {
    if (first >= item.n) return;
    if (item.n - first > kRowStep) {
      attend_rows<2 * kRowStep>(item, packed, first);
    } else {
      attend_rows<kRowStep>(item, packed, first);
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

// Item i of a batch is head i % n_heads of sequence i / n_heads.
struct ItemPlace {
  ItemPlace(const AttentionInput& input, std::size_t i)
      : begin(input.offsets[i / input.n_heads]),
        n(input.offsets[i / input.n_heads + 1] - begin),
        column(i % input.n_heads * input.head_size) {}
  std::size_t begin;   // first row
  std::size_t n;       // rows
  std::size_t column;  // first of the head
};

// `i_next` is only a guess at what the same thread does next.
void attend_item(const AttentionInput& input, std::size_t i, std::size_t i_next, float* scratch, float* out) {
  const std::size_t hidden = input.hidden();
  const ItemPlace place(input, i);
  if (place.n == 0) return;
  const float* const queries = input.qkv + place.begin * input.row_stride + place.column;
  HeadItem item{.queries = queries,
                .keys = queries + hidden,
                .values = queries + 2 * hidden,
                .n = place.n,
                .stride = input.row_stride,
                .head_size = input.head_size,
                .out = out + place.begin * hidden + place.column,
                .out_stride = hidden,
                .scratch = scratch,
                .next_queries = nullptr,
                .n_next = 0};
  if (i_next < (input.offsets.size() - 1) * input.n_heads) {
    const ItemPlace next(input, i_next);
    item.next_queries = input.qkv + next.begin * input.row_stride + next.column;
    item.n_next = next.n;
  }
  HWY_DYNAMIC_DISPATCH(attend_head_kernel)(item);
}

std::size_t longest_sequence(std::span<const std::uint32_t> offsets) {
  std::size_t longest = 0;
  for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
    SPANQA_CHECK(offsets[i] <= offsets[i + 1]);
    longest = std::max<std::size_t>(longest, offsets[i + 1] - offsets[i]);
  }
  return longest;
}

}  // namespace

void AttentionScratch::reserve(int n_threads, std::size_t n_floats) {
  if (buffers_.size() < static_cast<std::size_t>(n_threads)) buffers_.resize(static_cast<std::size_t>(n_threads));
  for (AlignedBuffer& buffer : buffers_) buffer.uninitialized(n_floats);
}

void attention(const AttentionInput& input, float* out, AttentionScratch& scratch, int n_threads) {
  SPANQA_CHECK(n_threads > 0 && input.head_size > 0 && input.row_stride >= 3 * input.hidden());
  if (isa_limit() == Isa::kRef) return attention_ref(input, out);
  if (input.offsets.size() < 2) return;
  scratch.reserve(n_threads, scratch_size(longest_sequence(input.offsets), input.head_size));
  const std::size_t n_items = (input.offsets.size() - 1) * input.n_heads;
  if (n_threads == 1) {
    for (std::size_t i = 0; i < n_items; ++i) attend_item(input, i, i + 1, scratch.of_thread(0), out);
    return;
  }
#pragma omp parallel for num_threads(n_threads) schedule(dynamic, 1)
  for (std::size_t i = 0; i < n_items; ++i) {
    attend_item(input, i, i + static_cast<std::size_t>(n_threads), scratch.of_thread(omp_get_thread_num()), out);
  }
}

}  // namespace spanqa
#endif

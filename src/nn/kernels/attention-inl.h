// What the attention kernels share: packed copies of rows and register-blocked products; included once for each
// instruction set.
//
//   panels   kWidth rows side by side, transposed: [panel][width of a row][kWidth], so that a block of scores is an
//   outer
//            product at each step, with nothing to add up across lanes
//   rows     [n][padded width], side by side; where they come from they lie far apart, in few sets of the cache
//   weights  a matrix of queries by keys in chunks of kKeys columns: [chunk][query][kKeys]
#if defined(SPANQA_NN_KERNELS_ATTENTION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SPANQA_NN_KERNELS_ATTENTION_INL_H_
#undef SPANQA_NN_KERNELS_ATTENTION_INL_H_
#else
#define SPANQA_NN_KERNELS_ATTENTION_INL_H_
#endif

#include <cmath>
#include <cstddef>
#include <cstring>

#include "hwy/highway.h"
#include "nn/kernels/attention_dropout-inl.h"
#include "nn/kernels/attention_item.h"
#include "nn/kernels/float_vector-inl.h"
#include "nn/kernels/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spanqa {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Accumulators of a block: kRows x kVectors, with kVectors more registers for the other factor. 32 registers on
// AVX-512, 16 below.
constexpr std::size_t kVectors = 2;
constexpr std::size_t kRows = HWY_TARGET <= HWY_AVX3 ? 12 : 4;
constexpr std::size_t kRowStep = 4;  // a smaller last panel has 4 or 8 rows
constexpr std::size_t kKeys = kVectors * kLanes;

// Factor that makes scores of q . k, in units of log2(e).
HWY_INLINE float score_scale(std::size_t head_size) {
  const double log2_e = 1.4426950408889634;
  return static_cast<float>(log2_e / std::sqrt(static_cast<double>(head_size)));
}

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

// Panels of kWidth rows: dst[panel][d][j] = src[panel * kWidth + j][d] * scale; rows beyond the last are zeros.
template <std::size_t kWidth>
HWY_INLINE void pack_panels(const HeadRows& src, float scale, float* HWY_RESTRICT dst) {
  const std::size_t depth = src.width;
  for (std::size_t first = 0; first < src.n; first += kWidth, dst += depth * kWidth) {
    const float* rows = src.row(first);
    const std::size_t n_rows = HWY_MIN(src.n - first, kWidth);
    std::size_t j = 0;
#if HWY_TARGET != HWY_SCALAR
    const Quad scales = hn::Set(kQuad, scale);
    for (; j + 4 <= n_rows; j += 4, rows += 4 * src.stride) {
      std::size_t d = 0;
      for (; d + 4 <= depth; d += 4) transpose_quad(rows + d, src.stride, scales, kWidth, dst + d * kWidth + j);
      for (; d < depth; ++d) {
        for (std::size_t i = 0; i < 4; ++i) dst[d * kWidth + j + i] = rows[i * src.stride + d] * scale;
      }
    }
#endif
    for (; j < n_rows; ++j, rows += src.stride) {
      for (std::size_t d = 0; d < depth; ++d) dst[d * kWidth + j] = rows[d] * scale;
    }
    for (; j < kWidth; ++j) {
      for (std::size_t d = 0; d < depth; ++d) dst[d * kWidth + j] = 0.0F;
    }
  }
}

HWY_INLINE std::size_t padded_width(const HeadRows& rows) { return round_up(rows.width, kLanes); }

// Rows padded_width floats apart, zeros behind their own width.
HWY_INLINE void pack_rows(const HeadRows& src, float* HWY_RESTRICT dst) {
  const std::size_t width = padded_width(src);
  for (std::size_t i = 0; i < src.n; ++i, dst += width) {
    const float* row = src.row(i);
    std::size_t d = 0;
    for (; d + kLanes <= src.width; d += kLanes) hn::Store(hn::LoadU(kFloats, row + d), kFloats, dst + d);
    for (; d < src.width; ++d) dst[d] = row[d];
    for (; d < width; ++d) dst[d] = 0.0F;
  }
}

// The products below are functions of their own: inlined into a large one, GCC keeps some accumulators in memory.

// scores[r][0, kNv vectors) = sum_d queries[d][r] keys[d][...], rows kKeys apart.
template <std::size_t kMr, std::size_t kNv>
HWY_NOINLINE void score_block(const float* HWY_RESTRICT queries, const float* HWY_RESTRICT keys, std::size_t depth,
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

// Scores of kMr queries of a panel against `n` keys, in chunks that lie `chunk_stride` apart.
template <std::size_t kMr>
HWY_INLINE void score_rows(const float* queries, const float* keys, std::size_t depth, std::size_t n, float* scores,
                           std::size_t chunk_stride) {
  std::size_t u = 0;
  for (; u + kLanes < n; u += kKeys, keys += depth * kKeys, scores += chunk_stride) {
    score_block<kMr, kVectors>(queries, keys, depth, scores);
  }
  if (u < n) score_block<kMr, 1>(queries, keys, depth, scores);
}

struct Softness {
  float largest;
  float sum;
};

// Turns a row of `n` scores, chunks of kKeys that lie `chunk_stride` apart, into powers 2^(score - largest), of which
// `keep(u, powers)` has what is stored; returns the largest score and the sum of all powers. Lanes behind `n` end as
// next to nothing.
template <class Keep>
HWY_INLINE Softness soften_row(float* row, std::size_t chunk_stride, std::size_t n, const Keep& keep) {
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
    hn::Store(keep(c * kKeys, power0), kFloats, chunk);
    hn::Store(keep(c * kKeys + kLanes, power1), kFloats, chunk + kLanes);
    sum0 = hn::Add(sum0, power0);
    sum1 = hn::Add(sum1, power1);
  }
  for (std::size_t j = 0; j < rest; j += kLanes) {
    const Float power = exp2_bounded(kFloats, hn::Sub(hn::Load(kFloats, last + j), largest));
    hn::Store(keep(n_whole * kKeys + j, power), kFloats, last + j);
    sum0 = hn::Add(sum0, power);
  }
  const float sum = hn::GetLane(hn::SumOfLanes(kFloats, hn::Add(sum0, sum1)));
  return {.largest = hn::GetLane(largest), .sum = sum};
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

// A matrix in chunks of kKeys columns, from its first row of interest on.
struct Weights {
  const float* first;
  std::size_t chunk_stride;
};

// Rows that pack_rows made, from the first column of interest on.
struct PackedRows {
  const float* first;
  std::size_t width;  // of a row with its padding
};

// out[r] = scales[r] sum_u weights[r][u] values[u], kNv vectors wide.
template <std::size_t kMr, std::size_t kNv>
HWY_NOINLINE void mix_block(const Weights& weights, const PackedRows& rows, std::size_t n, const MixTarget& target) {
  const float* HWY_RESTRICT chunk_weights = weights.first;
  const float* HWY_RESTRICT values = rows.first;
  Float sums[kMr][kNv];
#pragma GCC unroll 16
  for (std::size_t r = 0; r < kMr; ++r) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < kNv; ++j) sums[r][j] = hn::Zero(kFloats);
  }
  for (std::size_t chunk = 0; chunk < n; chunk += kKeys, chunk_weights += weights.chunk_stride) {
    const std::size_t end = HWY_MIN(n - chunk, kKeys);
    for (std::size_t u = 0; u < end; ++u, values += rows.width) {
      Float value[kNv];
#pragma GCC unroll 4
      for (std::size_t j = 0; j < kNv; ++j) value[j] = hn::Load(kFloats, values + j * kLanes);
#pragma GCC unroll 16
      for (std::size_t r = 0; r < kMr; ++r) {
        const Float weight = hn::Set(kFloats, chunk_weights[r * kKeys + u]);
#pragma GCC unroll 4
        for (std::size_t j = 0; j < kNv; ++j) sums[r][j] = hn::MulAdd(weight, value[j], sums[r][j]);
      }
    }
  }
#pragma GCC unroll 16
  for (std::size_t r = 0; r < kMr; ++r) {
    if (r < target.n_rows) store_row<kNv>(sums[r], target, r);
  }
}

// The same over all columns of the target's rows.
template <std::size_t kMr>
HWY_INLINE void mix_rows(const Weights& weights, const PackedRows& rows, std::size_t n, const MixTarget& target) {
  for (std::size_t d = 0; d < target.n_floats; d += kVectors * kLanes) {
    const PackedRows columns{.first = rows.first + d, .width = rows.width};
    MixTarget part = target;
    part.out += d;
    part.n_floats -= d;
    if (part.n_floats > kLanes) {
      mix_block<kMr, kVectors>(weights, columns, n, part);
    } else {
      mix_block<kMr, 1>(weights, columns, n, part);
    }
  }
}

// Rows of the next item lie far apart and, in a large batch, in the third-level cache, where no hardware prefetcher
// sees the pattern: bring those at the place of this panel, rows [first, first + n_rows).
constexpr int kForReading = 0;
constexpr int kSecondLevelCache = 2;
constexpr std::size_t kLineFloats = 16;
HWY_INLINE void prefetch_rows(const HeadRows& rows, std::size_t first, std::size_t n_rows) {
  const std::size_t end = HWY_MIN(first + n_rows, rows.n);
  for (std::size_t r = first; r < end; ++r) {
    for (std::size_t d = 0; d < rows.width; d += kLineFloats) {
      __builtin_prefetch(rows.row(r) + d, kForReading, kSecondLevelCache);
    }
  }
}
HWY_INLINE void prefetch_input(const HeadInput& input, std::size_t first, std::size_t n_rows) {
  prefetch_rows(input.queries, first, n_rows);
  prefetch_rows(input.keys, first, n_rows);
  prefetch_rows(input.values, first, n_rows);
}

// Where it all lies in scratch; attention_scratch_size() has room for it.
struct Packed {
  explicit HWY_INLINE Packed(const AttentionHeadWork& work) : value_width(padded_width(work.input.values)) {
    const std::size_t n = work.input.queries.n;
    const std::size_t head_size = work.input.queries.width;
    queries = work.scratch;
    keys = queries + round_up(round_up(n, kRows) * head_size, kPanelMultiple);
    values = keys + round_up(n, kKeys) * head_size;
    scores = values + n * value_width;
  }
  float* queries;  // panels of kRows
  float* keys;     // panels of kKeys
  float* values;   // rows
  float* scores;   // weights of one panel of queries
  std::size_t value_width;
};

// Queries [first, first + kMr) of the item, or as many as there are.
template <std::size_t kMr, class Soften>
HWY_INLINE void attend_rows(const AttentionHeadWork& work, const Packed& packed, std::size_t first, Soften& soften) {
  constexpr std::size_t kChunkStride = kMr * kKeys;
  const HeadRows& queries = work.input.queries;
  float scales[kMr] = {};
  const std::size_t n_rows = HWY_MIN(queries.n - first, kMr);
  prefetch_input(work.next, first, n_rows);
  score_rows<kMr>(packed.queries + first * queries.width, packed.keys, queries.width, queries.n, packed.scores,
                  kChunkStride);
  for (std::size_t r = 0; r < n_rows; ++r) {
    scales[r] = soften(first + r, packed.scores + r * kKeys, kChunkStride, queries.n);
  }
  mix_rows<kMr>({.first = packed.scores, .chunk_stride = kChunkStride},
                {.first = packed.values, .width = packed.value_width}, queries.n,
                {.out = work.out + first * work.out_stride,
                 .stride = work.out_stride,
                 .n_rows = n_rows,
                 .n_floats = queries.width,
                 .scales = scales});
}

// Calls `visit.template rows<kMr>(first)` for the panels of `n` rows, kMr being kRows or, for the last, what suffices.
template <class Visit>
HWY_INLINE void for_each_panel(std::size_t n, Visit&& visit) {
  std::size_t first = 0;
  for (; first + kRows - kRowStep < n; first += kRows) visit.template rows<kRows>(first);
  if constexpr (kRows > kRowStep) {
    if (first >= n) return;
    if (n - first > kRowStep) {
      visit.template rows<2 * kRowStep>(first);
    } else {
      visit.template rows<kRowStep>(first);
    }
  }
}

template <class Soften>
struct AttendPanels {
  const AttentionHeadWork& work;
  const Packed& packed;
  Soften& soften;
  template <std::size_t kMr>
  HWY_INLINE void rows(std::size_t first) const {
    attend_rows<kMr>(work, packed, first, soften);
  }
};

// `soften(t, row, chunk_stride, n)` turns the scores of query t into weights but for a factor, which it returns.
template <class Soften>
HWY_INLINE void attend_head(const AttentionHeadWork& work, Soften& soften) {
  const Packed packed(work);
  pack_panels<kRows>(work.input.queries, score_scale(work.input.queries.width), packed.queries);
  pack_panels<kKeys>(work.input.keys, 1.0F, packed.keys);
  pack_rows(work.input.values, packed.values);
  for_each_panel(work.input.queries.n, AttendPanels<Soften>{work, packed, soften});
}

}  // namespace HWY_NAMESPACE
}  // namespace spanqa
HWY_AFTER_NAMESPACE();
#endif

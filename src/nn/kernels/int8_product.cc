#include "nn/kernels/int8_product.h"

#include <cstring>

#include "nn/kernels/isa.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/kernels/int8_product.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace spanqa {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR  // without vectors there are no pairs

void pairs_kernel(const Int8Rows& rows, const Int8Weights& weights, std::size_t panel, std::int32_t* sums) {
  int8_product_ref(rows, weights, panel, sums);
}

#else

// Bytes widened to 16 bits, multiplied and added in pairs: a vector of sums holds two of each column, which are added
// at the end. Unlike 8-bit products, neither the pairs (255 x 128 x 2) nor the sums can saturate.
constexpr hn::ScalableTag<std::int32_t> kSums;
constexpr hn::Repartition<std::int16_t, decltype(kSums)> kWide;
constexpr hn::Rebind<std::int8_t, decltype(kWide)> kSignedBytes;
constexpr hn::Rebind<std::uint8_t, decltype(kWide)> kBytes;
constexpr hn::Repartition<std::uint64_t, decltype(kSums)> kGroups;
using Sums = hn::Vec<decltype(kSums)>;

constexpr std::size_t kLanes = HWY_LANES(std::int32_t);  // columns that two vectors of sums give
// 3 x 2 vectors of sums, 2 of weights, 3 of a row and some of products: with a fourth row GCC keeps a sum in memory,
// which then takes more time than all else.
constexpr std::size_t kBlockRows = 3;
// Numbers of a row that are widened at once: with 3 rows 6 KB, which stay in the first-level cache.
constexpr std::size_t kChunk = 1024;

HWY_INLINE void widen(const std::uint8_t* src, std::size_t n, std::int16_t* dst) {
  constexpr std::size_t kStep = HWY_LANES(std::int16_t);
  std::size_t i = 0;
  for (; i + kStep <= n; i += kStep) hn::Store(hn::PromoteTo(kWide, hn::LoadU(kBytes, src + i)), kWide, dst + i);
  for (; i < n; ++i) dst[i] = src[i];
}

// Columns of one chunk of k, for kRows rows: kLanes columns, whose weights begin at `weights`.
template <std::size_t kRows>
HWY_INLINE void columns(const std::int16_t* HWY_RESTRICT x, const std::int8_t* HWY_RESTRICT weights,
                        std::size_t n_groups, bool is_first, std::int32_t* HWY_RESTRICT sums) {
  Sums sum[kRows][2];
  Sums other[kRows][2];  // stays zero where the instruction adds pairs itself
#pragma GCC unroll 4
  for (std::size_t r = 0; r < kRows; ++r) sum[r][0] = sum[r][1] = other[r][0] = other[r][1] = hn::Zero(kSums);
  for (std::size_t group = 0; group < n_groups; ++group, weights += kInt8Panel * kInt8Group) {
    const auto weight0 = hn::PromoteTo(kWide, hn::LoadU(kSignedBytes, weights));
    const auto weight1 = hn::PromoteTo(kWide, hn::LoadU(kSignedBytes, weights + 2 * kLanes));
#pragma GCC unroll 4
    for (std::size_t r = 0; r < kRows; ++r) {
      std::uint64_t four = 0;
      std::memcpy(&four, x + r * kChunk + group * kInt8Group, sizeof(four));
      const auto values = hn::BitCast(kWide, hn::Set(kGroups, four));
      sum[r][0] = hn::ReorderWidenMulAccumulate(kSums, weight0, values, sum[r][0], other[r][0]);
      sum[r][1] = hn::ReorderWidenMulAccumulate(kSums, weight1, values, sum[r][1], other[r][1]);
    }
  }
#pragma GCC unroll 4
  for (std::size_t r = 0; r < kRows; ++r) {
    const Sums low = hn::RearrangeToOddPlusEven(sum[r][0], other[r][0]);
    const Sums high = hn::RearrangeToOddPlusEven(sum[r][1], other[r][1]);
    Sums total = hn::Add(hn::ConcatEven(kSums, high, low), hn::ConcatOdd(kSums, high, low));
    std::int32_t* const place = sums + r * kInt8Panel;
    if (!is_first) total = hn::Add(total, hn::Load(kSums, place));
    hn::Store(total, kSums, place);
  }
}

template <std::size_t kRows>
HWY_NOINLINE void block(const Int8Rows& rows, const std::int8_t* weights, std::size_t n_groups, std::int32_t* sums) {
  HWY_ALIGN std::int16_t x[kRows * kChunk];
  constexpr std::size_t kChunkGroups = kChunk / kInt8Group;
  for (std::size_t group = 0; group < n_groups; group += kChunkGroups) {
    const std::size_t n = HWY_MIN(n_groups - group, kChunkGroups);
    for (std::size_t r = 0; r < kRows; ++r) {
      widen(rows.values + r * rows.stride + group * kInt8Group, n * kInt8Group, x + r * kChunk);
    }
    for (std::size_t column = 0; column < kInt8Panel; column += kLanes) {
      columns<kRows>(x, weights + (group * kInt8Panel + column) * kInt8Group, n, group == 0, sums + column);
    }
  }
}

void pairs_kernel(const Int8Rows& rows, const Int8Weights& weights, std::size_t panel, std::int32_t* sums) {
  const std::int8_t* const packed = weights.panel(panel);
  Int8Rows left = rows;
  for (; left.n >= kBlockRows; left.n -= kBlockRows) {
    block<kBlockRows>(left, packed, weights.n_groups(), sums);
    left.values += kBlockRows * left.stride;
    sums += kBlockRows * kInt8Panel;
  }
  if (left.n == 2) block<2>(left, packed, weights.n_groups(), sums);
  if (left.n == 1) block<1>(left, packed, weights.n_groups(), sums);
}

#endif  // HWY_SCALAR

}  // namespace HWY_NAMESPACE
}  // namespace spanqa
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spanqa {

HWY_EXPORT(pairs_kernel);

void int8_product_pairs(const Int8Rows& rows, const Int8Weights& weights, std::size_t panel, std::int32_t* sums) {
  HWY_DYNAMIC_DISPATCH(pairs_kernel)(rows, weights, panel, sums);
}

void int8_product(const Int8Rows& rows, const Int8Weights& weights, std::size_t panel, std::int32_t* sums) {
  if (isa_limit() == Isa::kRef) return int8_product_ref(rows, weights, panel, sums);
  if (has_vnni()) return int8_product_vnni(rows, weights, panel, sums);
  int8_product_pairs(rows, weights, panel, sums);
}

std::string int8_kernel_name() {
  if (isa_limit() == Isa::kRef) return "int8:ref";
  if (has_vnni()) return "int8:vnni";
  return std::string("int8:pairs:") + kernel_target_name();
}

}  // namespace spanqa
#endif

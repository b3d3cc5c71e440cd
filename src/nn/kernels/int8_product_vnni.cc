// int8_product on AVX-512 VNNI, which Highway 1.0 does not speak: intrinsics, for functions that are called only where
// has_vnni().
#include "base/check.h"
#include "nn/kernels/int8_product.h"
#include "nn/kernels/isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <array>
#include <cstring>

// What every function here is compiled for; the CPU is asked for the same in has_vnni().
#define SPANQA_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#endif

namespace spanqa {

#if defined(__x86_64__)
namespace {

// 6 x 4 vectors of sums, 4 of weights and one of a row: 29 of 32 registers. A step has 10 loads for 24 products.
constexpr std::size_t kBlockRows = 6;
constexpr std::size_t kVectors = kInt8Panel / 16;

// A function for each number of rows, not inlined: in a large function GCC keeps some of the sums in memory.
template <std::size_t kRows>
SPANQA_VNNI __attribute__((noinline)) void block(const std::uint8_t* x, std::size_t stride, const std::int8_t* weights,
                                                 std::size_t n_groups, std::int32_t* sums) {
  __m512i sum[kRows][kVectors];
#pragma GCC unroll 6
  for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < kVectors; ++j) sum[r][j] = _mm512_setzero_si512();
  }
  for (std::size_t group = 0; group < n_groups; ++group, x += kInt8Group, weights += kInt8Panel * kInt8Group) {
    __m512i weight[kVectors];
#pragma GCC unroll 4
    for (std::size_t j = 0; j < kVectors; ++j) weight[j] = _mm512_load_si512(weights + 64 * j);
#pragma GCC unroll 6
    for (std::size_t r = 0; r < kRows; ++r) {
      std::int32_t four = 0;
      std::memcpy(&four, x + r * stride, sizeof(four));
      const __m512i values = _mm512_set1_epi32(four);
#pragma GCC unroll 4
      for (std::size_t j = 0; j < kVectors; ++j) sum[r][j] = _mm512_dpbusd_epi32(sum[r][j], values, weight[j]);
    }
  }
#pragma GCC unroll 6
  for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < kVectors; ++j) _mm512_store_si512(sums + r * kInt8Panel + 16 * j, sum[r][j]);
  }
}

using Block = void (*)(const std::uint8_t*, std::size_t, const std::int8_t*, std::size_t, std::int32_t*);
constexpr std::array<Block, kBlockRows + 1> kBlocks = {nullptr,  block<1>, block<2>, block<3>,
                                                       block<4>, block<5>, block<6>};

}  // namespace

void int8_product_vnni(const Int8Rows& rows, const Int8Weights& weights, std::size_t panel, std::int32_t* sums) {
  SPANQA_CHECK(has_vnni());
  const std::int8_t* const packed = weights.panel(panel);
  const std::size_t n_blocks = (rows.n + kBlockRows - 1) / kBlockRows;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < n_blocks; ++i) {
    const std::size_t end = rows.n * (i + 1) / n_blocks;  // all of nearly one size: a block of one row wastes loads
    kBlocks[end - begin](rows.values + begin * rows.stride, rows.stride, packed, weights.n_groups(),
                         sums + begin * kInt8Panel);
    begin = end;
  }
}

bool has_vnni() {
  static const bool has = [] {
    const Isa limit = isa_limit();
    return (limit == Isa::kBest || limit == Isa::kAvx512) && __builtin_cpu_supports("avx512f") != 0 &&
           __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
           __builtin_cpu_supports("avx512vnni") != 0;
  }();
  return has;
}

#else

void int8_product_vnni(const Int8Rows& /*rows*/, const Int8Weights& /*weights*/, std::size_t /*panel*/,
                       std::int32_t* /*sums*/) {
  SPANQA_CHECK(has_vnni());
}

bool has_vnni() { return false; }

#endif

}  // namespace spanqa

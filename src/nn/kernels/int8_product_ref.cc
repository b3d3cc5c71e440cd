// The layout of int8_product.h, and its formula, loop by loop.
#include <cstring>
#include <numeric>

#include "base/check.h"
#include "nn/kernels/int8_product.h"

namespace spanqa {

Int8Weights::Int8Weights(const std::int8_t* values, std::size_t n, std::size_t k) : n_(n), k_(k) {
  SPANQA_CHECK(k >= 1 && k <= kInt8MaxK);
  const std::size_t bytes = n_panels() * n_groups() * kInt8Panel * kInt8Group;
  auto* const packed = reinterpret_cast<std::int8_t*>(memory_.at_least(bytes / sizeof(float)));
  column_sums_.resize(n_panels() * kInt8Panel);
  for (std::size_t column = 0; column < n; ++column) {
    const std::int8_t* const source = values + column * k;
    std::int8_t* const panel = packed + column / kInt8Panel * n_groups() * kInt8Panel * kInt8Group;
    std::int8_t* const first = panel + column % kInt8Panel * kInt8Group;
    const std::size_t n_whole = k / kInt8Group * kInt8Group;
    for (std::size_t i = 0; i < n_whole; i += kInt8Group) std::memcpy(first + i * kInt8Panel, source + i, kInt8Group);
    if (n_whole < k) std::memcpy(first + n_whole * kInt8Panel, source + n_whole, k - n_whole);
    column_sums_[column] = std::accumulate(source, source + k, std::int32_t{0});
  }
}

const std::int8_t* Int8Weights::panel(std::size_t i) const {
  return reinterpret_cast<const std::int8_t*>(memory_.data()) + i * n_groups() * kInt8Panel * kInt8Group;
}

void int8_product_ref(const Int8Rows& rows, const Int8Weights& weights, std::size_t panel, std::int32_t* sums) {
  const std::int8_t* const packed = weights.panel(panel);
  for (std::size_t r = 0; r < rows.n; ++r) {
    const std::uint8_t* const row = rows.values + r * rows.stride;
    for (std::size_t column = 0; column < kInt8Panel; ++column) {
      std::int32_t sum = 0;
      for (std::size_t i = 0; i < weights.k(); ++i) {
        const std::size_t group = i / kInt8Group * kInt8Group;
        sum += row[i] * packed[group * kInt8Panel + column * kInt8Group + i % kInt8Group];
      }
      sums[r * kInt8Panel + column] = sum;
    }
  }
}

}  // namespace spanqa

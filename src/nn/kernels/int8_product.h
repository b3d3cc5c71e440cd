// Products of quantised matrices: rows of unsigned bytes times a matrix of signed bytes, summed exactly in 32 bits.
//
// Every way to compute one gives the same integers over the full range of both bytes: docs/speed.md says how.
// Threads: free functions on the caller's buffers, single-threaded; Int8Weights is immutable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "nn/aligned_buffer.h"

namespace spanqa {

/// Columns (outputs) that a product makes at once.
constexpr std::size_t kInt8Panel = 64;
/// Numbers of a row that go into one step of a sum.
constexpr std::size_t kInt8Group = 4;
/// Longest row whose sum fits 32 bits whatever the bytes are: 255 x 128 x 65,536 < 2^31.
constexpr std::size_t kInt8MaxK = 65536;

/// A matrix [n, k] of signed bytes, laid out for the products: panels of kInt8Panel columns; in a panel, for each group
/// of kInt8Group numbers of k, the columns one after another. Zeros fill up the last group and the last panel.
class Int8Weights {
 public:
  /// `values`: [n, k] row-major, not needed afterwards; k from 1 to kInt8MaxK. Cost: near that of a copy.
  Int8Weights(const std::int8_t* values, std::size_t n, std::size_t k);

  std::size_t n() const { return n_; }
  std::size_t k() const { return k_; }
  std::size_t n_groups() const { return (k_ + kInt8Group - 1) / kInt8Group; }
  std::size_t n_panels() const { return (n_ + kInt8Panel - 1) / kInt8Panel; }
  /// [n_groups, kInt8Panel, kInt8Group], at a multiple of 64 bytes.
  const std::int8_t* panel(std::size_t i) const;
  /// Sum over k of each column of a panel, [kInt8Panel].
  const std::int32_t* column_sums(std::size_t i) const { return column_sums_.data() + i * kInt8Panel; }

 private:
  std::size_t n_;
  std::size_t k_;
  AlignedBuffer memory_;
  std::vector<std::int32_t> column_sums_;
};

/// Rows of unsigned bytes. From each, whole groups are read: bytes behind k count nothing, but must be there.
struct Int8Rows {
  const std::uint8_t* values = nullptr;
  std::size_t n = 0;
  std::size_t stride = 0;  // bytes from a row to the next, at least kInt8Group x n_groups()
};

/// sums[r, c] = sum over k of rows[r, k] x weights[64 panel + c, k]. sums: [rows.n, kInt8Panel], at a multiple of 64
/// bytes. Any number of rows costs nothing but itself; weights are best reused while their panel is in the cache, so
/// panels belong into the outer loop.
void int8_product(const Int8Rows& rows, const Int8Weights& weights, std::size_t panel, std::int32_t* sums);
void int8_product_ref(const Int8Rows& rows, const Int8Weights& weights, std::size_t panel, std::int32_t* sums);

/// The ways that int8_product chooses from, for tests. `pairs` runs on every CPU, `vnni` where has_vnni().
void int8_product_pairs(const Int8Rows& rows, const Int8Weights& weights, std::size_t panel, std::int32_t* sums);
void int8_product_vnni(const Int8Rows& rows, const Int8Weights& weights, std::size_t panel, std::int32_t* sums);

/// Whether the CPU has AVX-512 VNNI and SPANQA_ISA does not forbid it.
bool has_vnni();

/// What int8_product runs on here: "int8:vnni", "int8:pairs:AVX2", "int8:ref".
std::string int8_kernel_name();

}  // namespace spanqa

// A linear layer whose weights and rows are multiplied as bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "nn/aligned_buffer.h"
#include "nn/kernels/int8_product.h"
#include "nn/model_config.h"

namespace spanqa {

/// A quantised weight matrix as it is stored: weight[r, i] = scales[r] values[r, i].
struct Int8Matrix {
  const std::int8_t* values = nullptr;  // [n, k]
  const float* scales = nullptr;        // [n]
  std::size_t n = 0;
  std::size_t k = 0;
};

/// y = activation(x W^T + b), x quantised row by row as it is read, W quantised per output channel.
///
/// Threads: immutable; forward() may run concurrently with different scratch, also inside an OpenMP parallel region.
class Int8Layer {
 public:
  /// `bias`: [n]. Neither is needed afterwards. n at least 1, k from 1 to kInt8MaxK.
  Int8Layer(const Int8Matrix& weight, const float* bias);

  std::size_t n() const { return weights_.n(); }
  std::size_t k() const { return weights_.k(); }

  /// x: [rows, k], y: [rows, n]; they must not overlap. Any number of rows.
  /// scratch: grows to a tile of rows as bytes, then no call allocates. On `n_threads` OpenMP threads; a row's result
  /// does not depend on their number, nor on the other rows.
  void forward(const float* x, std::size_t rows, std::optional<Activation> activation, float* y, AlignedBuffer& scratch,
               int n_threads) const;

 private:
  struct Tile;
  struct Range {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  void quantise(const Tile& tile, Range rows) const;
  void multiply(const Tile& tile, Range rows, Range panels) const;
  void run(const Tile& tile, int n_threads) const;

  Int8Weights weights_;
  std::vector<float> scales_;  // [n_panels, kInt8Panel]
  std::vector<float> bias_;    // likewise
};

}  // namespace spanqa

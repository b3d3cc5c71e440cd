// The gradient of a linear layer's weights.
#pragma once

#include <cstddef>

#include "nn/matmul_context.h"
#include "nn/precision.h"

namespace spanqa {

/// Row-major, float32. d_w must not overlap the others.
struct WeightGradient {
  const float* x = nullptr;    // [rows, k]: what the layer was given
  const float* d_y = nullptr;  // [rows, n]: the loss's gradient by what it made of that
  std::size_t rows = 0;
  std::size_t n = 0;
  std::size_t k = 0;
  float* d_w = nullptr;  // [n, k], as the layer's weight
};

/// d_w += d_y^T x. Zero rows are fine; no memory beyond the rows is read.
///
/// With Precision::kBFloat16 x and d_y are rounded, once, chunk by chunk into memory of the context (512 rows); sums
/// stay float32.
///
/// Threads: the rows of d_w are spread over the context's threads, sums over x's rows never are. With AVX-512 the same
///          bits come out for every number of threads; elsewhere oneDNN groups sums by the size of a thread's share.
/// Cost:    from some hundred rows on, near the speed of Linear::forward.
void add_weight_gradient(const WeightGradient& gradient, Precision precision, MatmulContext& context);

}  // namespace spanqa

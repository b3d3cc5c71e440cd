// Kernels that work on rows and numbers one by one: normalisation, activations, reading of stored numbers.
//
// Threads: free functions on the caller's buffers, single-threaded; see parallel_rows to spread rows over threads.
// Every kernel has a plain `_ref` twin, the formula in wide accumulators, that tests compare it with.
#pragma once

#include <cstddef>

#include "nn/dtype.h"

namespace spanqa {

/// Weights of one layer normalisation: gamma, beta [width].
struct LayerNormWeights {
  const float* gamma = nullptr;
  const float* beta = nullptr;
  std::size_t width = 0;
  float eps = 1e-12F;
};

/// out[r, :] = (s - mean(s)) / sqrt(variance(s) + eps) * gamma + beta with s = x[r, :] + residual[r, :].
/// x, residual, out: [rows, width]. `residual` may be null (nothing is added); `out` may be `x` or `residual`.
void add_layer_norm(const float* x, const float* residual, const LayerNormWeights& weights, std::size_t rows,
                    float* out);
void add_layer_norm_ref(const float* x, const float* residual, const LayerNormWeights& weights, std::size_t rows,
                        float* out);

/// x[i] = x[i] / 2 * (1 + erf(x[i] / sqrt(2))), in place. Absolute error at most 1e-6.
void gelu(float* x, std::size_t n);
void gelu_ref(float* x, std::size_t n);

/// x[i] = x[i] / 2 * (1 + tanh(sqrt(2 / pi) * (x[i] + 0.044715 x[i]^3))), in place: "gelu_new" and
/// "gelu_pytorch_tanh" of Hugging Face. Absolute error at most 1e-6 of max(1, |x|).
void gelu_tanh(float* x, std::size_t n);
void gelu_tanh_ref(float* x, std::size_t n);

/// x[i] = max(x[i], 0), in place.
void relu(float* x, std::size_t n);
void relu_ref(float* x, std::size_t n);

/// accumulate[i] += row[i]; `row` holds `width` numbers of `type` at any alignment. float16 (subnormals, infinities and
/// NaN included) and bfloat16 are converted exactly.
void add_row(const void* row, DType type, std::size_t width, float* accumulate);
void add_row_ref(const void* row, DType type, std::size_t width, float* accumulate);

/// dst[i] = src[i] as float32, exactly; `src` holds `n` numbers of `type` at any alignment.
void to_float32(const void* src, DType type, std::size_t n, float* dst);
void to_float32_ref(const void* src, DType type, std::size_t n, float* dst);

}  // namespace spanqa

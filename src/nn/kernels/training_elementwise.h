// Kernels of training that work on rows and numbers one by one: normalisation and activations with their gradients,
// column sums for the gradients of biases, the optimiser's step.
//
// Threads: free functions on the caller's buffers, single-threaded. What works on rows or numbers may be split over
// threads anywhere, what sums over rows between columns; neither changes a bit of the result.
// Every kernel has a plain `_ref` twin, the formula in wide accumulators, that tests compare it with.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nn/kernels/dropout.h"
#include "nn/kernels/elementwise.h"
#include "nn/model_config.h"

namespace spanqa {

/// A dropout, and which of its rows the first row of a buffer is.
struct RowDropout {
  const Dropout& dropout;
  std::size_t first_row = 0;
};

/// What the way back needs of a layer normalisation: (s - mean(s)) / deviation [rows, width], 1 / deviation [rows].
struct LayerNormTapeView {
  const float* normalised = nullptr;
  const float* inverse_deviation = nullptr;
};
struct LayerNormTape {
  float* normalised = nullptr;
  float* inverse_deviation = nullptr;
  operator LayerNormTapeView() const { return {.normalised = normalised, .inverse_deviation = inverse_deviation}; }
};

/// add_layer_norm of s = drop(x) + residual. x, residual, out: [rows, width]; `residual` may be null (nothing is
/// added), `out` may be `x` or `residual`. Fills `tape`, whose buffers overlap no other.
void add_layer_norm_train(const float* x, const float* residual, const RowDropout& drop,
                          const LayerNormWeights& weights, std::size_t rows, float* out, const LayerNormTape& tape);
void add_layer_norm_train_ref(const float* x, const float* residual, const RowDropout& drop,
                              const LayerNormWeights& weights, std::size_t rows, float* out, const LayerNormTape& tape);

/// Gradients of add_layer_norm_train's inputs, with `drop` as it was there. With g = d_out * gamma, and means over a
/// row, d_sum = inverse_deviation * (g - mean(g) - normalised * mean(g * normalised)) is the gradient of s, so of the
/// residual, and d_x = drop(d_sum). d_out, d_sum, d_x: [rows, width]. `d_sum` may be `d_out`. `d_x` may be null (then
/// it is not wanted), and `d_sum` if nothing is dropped. Those of gamma and beta are add_column_products(d_out,
/// normalised) and add_column_sums(d_out).
void layer_norm_backward(const float* d_out, const LayerNormTapeView& tape, const LayerNormWeights& weights,
                         const RowDropout& drop, std::size_t rows, float* d_sum, float* d_x);
void layer_norm_backward_ref(const float* d_out, const LayerNormTapeView& tape, const LayerNormWeights& weights,
                             const RowDropout& drop, std::size_t rows, float* d_sum, float* d_x);

/// Some columns of a matrix: row r's are at first + r * stride.
struct ColumnsView {
  const float* first = nullptr;
  std::size_t stride = 0;
};

/// sums[c] += sum over r of a[r, c], and of a[r, c] * b[r, c], for `width` columns. float32, but in partial sums of 8
/// rows: over 4,096 rows the error stays below 1e-5 of the sum of the magnitudes. A column's sum does not depend on
/// which columns are beside it in the call.
void add_column_sums(const ColumnsView& a, std::size_t rows, std::size_t width, float* sums);
void add_column_sums_ref(const ColumnsView& a, std::size_t rows, std::size_t width, float* sums);
void add_column_products(const ColumnsView& a, const ColumnsView& b, std::size_t rows, std::size_t width, float* sums);
void add_column_products_ref(const ColumnsView& a, const ColumnsView& b, std::size_t rows, std::size_t width,
                             float* sums);

/// out[i] = activation(x[i]), as activate() has it; `out` may be `x`.
void activate_out(Activation activation, const float* x, std::size_t n, float* out);
void activate_out_ref(Activation activation, const float* x, std::size_t n, float* out);

/// In one pass, d[i] *= activation'(x[i]) and x[i] = activation(x[i]): `x` enters as the pre-activation and leaves as
/// what the next layer's weight gradient needs, `d` enters as the gradient of the one and leaves as that of the other.
/// Absolute error of the derivative at most 2e-6, of the activation as in elementwise.h; ReLU's derivative at 0 is 0.
void activation_backward(Activation activation, float* x, float* d, std::size_t n);
void activation_backward_ref(Activation activation, float* x, float* d, std::size_t n);

/// dst[i] = src[i] as bfloat16, rounded to nearest, ties to even; NaN stays a (quiet) NaN. `dst` may have any alignment
/// of its type.
void to_bfloat16(const float* src, std::size_t n, std::uint16_t* dst);
void to_bfloat16_ref(const float* src, std::size_t n, std::uint16_t* dst);

/// Coefficients of one step of AdamW (Loshchilov and Hutter, 2019), in PyTorch's form. float64 because 1 - beta2 in
/// float32 is off by 1e-5.
struct AdamWStep {
  double learning_rate = 0.0;
  double weight_decay = 0.0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double bias_correction1 = 1.0;  // 1 - beta1^t at step t = 1, 2, ..
  double bias_correction2 = 1.0;  // 1 - beta2^t
  double gradient_scale = 1.0;    // of every gradient before its use, for clipping
};

/// For each of n numbers, g = gradient * gradient_scale:
///   p -= learning_rate * weight_decay * p
///   m += (1 - beta1) (g - m),  v = beta2 v + (1 - beta2) g^2
///   p -= learning_rate (m / bias_correction1) / (sqrt(v / bias_correction2) + eps)
/// An m below 1e-30 and a v below 1e-36 become 0: no p feels them, and where a token is not seen for long they would
/// fade into subnormal numbers, which are slow.
void adamw_update(const AdamWStep& step, const float* gradient, std::size_t n, float* p, float* m, float* v);
void adamw_update_ref(const AdamWStep& step, const float* gradient, std::size_t n, float* p, float* m, float* v);

/// Sum of x[i]^2 in float64, the same bits on every instruction set: x[i] goes to partial sum i % 16.
double sum_of_squares(const float* x, std::size_t n);
double sum_of_squares_ref(const float* x, std::size_t n);

/// y[i] = y[i] * y_factor + x[i] * x_factor: for sums and averages of gradients and weights.
struct MixFactors {
  float x = 1.0F;
  float y = 1.0F;
};
void mix(const MixFactors& factors, const float* x, std::size_t n, float* y);
void mix_ref(const MixFactors& factors, const float* x, std::size_t n, float* y);

}  // namespace spanqa

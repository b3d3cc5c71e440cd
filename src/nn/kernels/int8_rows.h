// Between float32 numbers and the bytes that int8_product multiplies.
//
// Threads: free functions on the caller's buffers, single-threaded; see parallel_rows to spread rows over threads.
// Every kernel has a plain `_ref` twin. What becomes of a number is the same on every instruction set, bit for bit, but
// for finish_sums, which may round differently in its last bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "nn/model_config.h"

namespace spanqa {

/// What the bytes q of a row mean: scale (q - zero), with `zero` in [0, 255].
struct RowScale {
  float scale = 0.0F;
  std::int32_t zero = 0;
};

/// Where quantised rows go.
struct Int8RowsOut {
  std::uint8_t* values = nullptr;  // [rows, stride]; bytes behind a row's width are not written
  std::size_t stride = 0;
  RowScale* scales = nullptr;  // [rows]
};

/// Quantises rows of x [rows, width], each by its own range, widened to hold zero:
///   scale = (high - low) / 255, zero = nearest(-low / scale), q = nearest(x / scale) + zero within [0, 255].
/// A row whose range is below 1e-30 is all zero. One that holds an infinite number or NaN gets the scale NaN, so that
/// the fault reaches whatever is computed of it.
void quantise_rows(const float* x, std::size_t rows, std::size_t width, const Int8RowsOut& out);
void quantise_rows_ref(const float* x, std::size_t rows, std::size_t width, const Int8RowsOut& out);

/// Quantises the rows of a weight matrix [n, k], symmetrically: scales[r] = max |row| / 127, q = nearest(w / scale)
/// within [-127, 127]. Rows of zeros and rows with faults as above. values: [n, k], scales: [n]
void quantise_weights(const float* weight, std::size_t n, std::size_t k, std::int8_t* values, float* scales);
void quantise_weights_ref(const float* weight, std::size_t n, std::size_t k, std::int8_t* values, float* scales);

/// What int8_product made of rows: sums [n, kInt8Panel].
struct Int8Sums {
  const std::int32_t* values = nullptr;
  const RowScale* rows = nullptr;  // [n]
  std::size_t n = 0;
};

/// The columns of one panel. Arrays are kInt8Panel long, whatever `n` is.
struct Int8Columns {
  const float* scales = nullptr;              // of the weights
  const std::int32_t* weight_sums = nullptr;  // Int8Weights::column_sums
  const float* bias = nullptr;
  std::size_t n = 0;  // columns that are written
};

/// y[r * y_stride + c] = f(rows[r].scale scales[c] (sums[r, c] - rows[r].zero weight_sums[c]) + bias[c]) with f the
/// activation, or nothing.
void finish_sums(const Int8Sums& sums, const Int8Columns& columns, std::optional<Activation> activation, float* y,
                 std::size_t y_stride);
void finish_sums_ref(const Int8Sums& sums, const Int8Columns& columns, std::optional<Activation> activation, float* y,
                     std::size_t y_stride);

}  // namespace spanqa

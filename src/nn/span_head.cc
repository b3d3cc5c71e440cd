#include "nn/span_head.h"

#include <algorithm>

#include "nn/kernels/parallel.h"

namespace spanqa {
namespace {

constexpr std::size_t kMinRowsPerThread = 64;
constexpr std::size_t kColumns = 64;  // that a thread sums up at once

const float* rows_of(const SpanHeadPass& pass) { return pass.dropout.is_off() ? pass.hidden : pass.dropped; }

double dot(const float* a, const float* b, std::size_t n) {
  double sum = 0.0;
  for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

/// Columns [first, end) of the weights' gradients.
void add_columns(const SpanHeadPass& pass, const SpanLogits& d_logits, std::size_t first, std::size_t end,
                 float* d_weight) {
  const float* row = rows_of(pass);
  for (std::size_t t = 0; t < pass.n_rows; ++t, row += pass.width) {
    const float d_start = d_logits.start[t];
    const float d_end = d_logits.end[t];
    for (std::size_t c = first; c < end; ++c) {
      d_weight[c] += d_start * row[c];
      d_weight[pass.width + c] += d_end * row[c];
    }
  }
}

}  // namespace

void span_head_forward(const SpanHeadPass& pass, const SpanHeadTensors<const float>& weights, SpanLogits& logits) {
  logits.start.resize(pass.n_rows);
  logits.end.resize(pass.n_rows);
  const std::size_t width = pass.width;
  parallel_rows(pass.n_rows, kMinRowsPerThread, pass.n_threads, [&](std::size_t begin, std::size_t end) {
    const std::size_t offset = begin * width;
    if (!pass.dropout.is_off()) {
      dropout(pass.dropout, begin, end - begin, width, pass.hidden + offset, pass.dropped + offset);
    }
    const float* row = rows_of(pass) + offset;
    for (std::size_t t = begin; t < end; ++t, row += width) {
      logits.start[t] = static_cast<float>(dot(row, weights.weight, width)) + weights.bias[0];
      logits.end[t] = static_cast<float>(dot(row, weights.weight + width, width)) + weights.bias[1];
    }
  });
}

void span_head_backward(const SpanHeadPass& pass, const SpanHeadTensors<const float>& weights,
                        const SpanLogits& d_logits, const SpanHeadTensors<float>& gradients, float* d_hidden) {
  const std::size_t width = pass.width;
  parallel_rows(pass.n_rows, kMinRowsPerThread, pass.n_threads, [&](std::size_t begin, std::size_t end) {
    for (std::size_t t = begin; t < end; ++t) {
      float* const row = d_hidden + t * width;
      for (std::size_t c = 0; c < width; ++c) {
        row[c] = d_logits.start[t] * weights.weight[c] + d_logits.end[t] * weights.weight[width + c];
      }
    }
    float* const rows = d_hidden + begin * width;
    if (!pass.dropout.is_off()) dropout(pass.dropout, begin, end - begin, width, rows, rows);
  });
  parallel_rows(width, kColumns, pass.n_threads,
                [&](std::size_t begin, std::size_t end) { add_columns(pass, d_logits, begin, end, gradients.weight); });
  for (std::size_t t = 0; t < pass.n_rows; ++t) {
    gradients.bias[0] += d_logits.start[t];
    gradients.bias[1] += d_logits.end[t];
  }
}

}  // namespace spanqa

// The answer head in training: from the last hidden rows to start and end logits, and back.
#pragma once

#include <cstddef>

#include "nn/kernels/dropout.h"
#include "nn/packed_batch.h"

namespace spanqa {

/// The head's tensors, or their gradients. Row 0 is the start's, row 1 the end's.
template <typename Float>
struct SpanHeadTensors {
  Float* weight = nullptr;  // [2, width]
  Float* bias = nullptr;    // [2]
};

struct SpanHeadPass {
  const float* hidden = nullptr;  // [n_rows, width]
  std::size_t n_rows = 0;
  std::size_t width = 0;
  Dropout dropout;           // of the hidden rows
  float* dropped = nullptr;  // [n_rows, width]: room for what is left of them
  int n_threads = 1;
};

/// logits[t] = dropout(hidden[t]) . row + bias. Fills `logits` and, where something is dropped, pass.dropped.
void span_head_forward(const SpanHeadPass& pass, const SpanHeadTensors<const float>& weights, SpanLogits& logits);

/// From the logits' gradient to those of the tensors (added) and of the hidden rows (written). d_hidden: [n_rows,
/// width] Sums run over the rows in one order, whatever the number of threads.
void span_head_backward(const SpanHeadPass& pass, const SpanHeadTensors<const float>& weights,
                        const SpanLogits& d_logits, const SpanHeadTensors<float>& gradients, float* d_hidden);

}  // namespace spanqa

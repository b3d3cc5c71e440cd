// Scaled dot-product attention in training: with dropout on the softmax weights, and the way back.
//
// Threads: pairs of sequence and head are spread over `n_threads` OpenMP threads (1: the calling thread alone); the
// result does not depend on their number. No allocation once scratch has grown.
#pragma once

#include "nn/kernels/attention.h"
#include "nn/kernels/dropout.h"

namespace spanqa {

/// As attention(), with dropout on the softmax weights, and with the logarithm of each softmax's sum kept for the way
/// back: log_sums[t * n_heads + h] = log sum_u exp(q[t, h] . k[u, h] / sqrt(head_size)), t a row of the batch.
///
/// The weight of token u of t's sequence, counted from the sequence's first token, is kept by is_kept(dropout, row =
/// t * n_heads + h, column = u). out: [offsets.back(), hidden()]; log_sums: [offsets.back(), n_heads]; neither may
/// overlap qkv. offsets.back() * n_heads <= 2^32.
/// Cost: as attention(); with dropout, a block of the generator for each 8 weights, rows rounded up to 128 weights.
void attention_train(const AttentionInput& input, const Dropout& dropout, float* out, float* log_sums,
                     AttentionScratch& scratch, int n_threads);
void attention_train_ref(const AttentionInput& input, const Dropout& dropout, float* out, float* log_sums);

/// `out` and `log_sums` as attention_train wrote them for the same input and dropout.
struct AttentionGradient {
  const float* out = nullptr;
  const float* log_sums = nullptr;
  const float* d_out = nullptr;  // gradient by `out`: [offsets.back(), hidden()]
  float* d_qkv = nullptr;        // gradient by `qkv`, laid out like it: [dq | dk | dv] in rows of row_stride
};

/// Writes d_qkv (what lies behind 3 x hidden() in its rows is left alone); it must not overlap what is read.
///
/// Per head, s = 1 / sqrt(head_size), M the dropout's factors (scale or 0), * by element:
///
///   P = exp(s Q K^T - log_sums)   D[t] = sum_d dO[t, d] O[t, d]   dS = P * (M * (dO V^T) - D)
///   dQ = s dS K                   dK = s dS^T Q                   dV = (P * M)^T dO
///
/// P and M are computed again. Cost: 10 L^2 hidden floating-point operations for a sequence of L tokens.
void attention_backward(const AttentionInput& input, const Dropout& dropout, const AttentionGradient& gradient,
                        AttentionScratch& scratch, int n_threads);
void attention_backward_ref(const AttentionInput& input, const Dropout& dropout, const AttentionGradient& gradient);

}  // namespace spanqa

// Scaled dot-product attention over packed sequences.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "nn/aligned_buffer.h"

namespace spanqa {

/// Queries, keys and values of a packed batch. A row of `qkv` is [q | k | v], each n_heads x head_size floats with the
/// heads side by side; sequence i is rows [offsets[i], offsets[i + 1]).
struct AttentionInput {
  const float* qkv = nullptr;              // [offsets.back(), row_stride]
  std::size_t row_stride = 0;              // in floats, at least 3 x hidden()
  std::span<const std::uint32_t> offsets;  // [n_sequences + 1], ascending
  std::size_t n_heads = 0;
  std::size_t head_size = 0;

  std::size_t hidden() const { return n_heads * head_size; }
};

/// Buffers that attention(), and its like in training, reuse from call to call; they grow to the longest sequence seen.
/// One for each thread of work, never shared by two calls at once.
class AttentionScratch {
 public:
  /// Makes room for `n_floats` of each of `n_threads` threads; what was there is lost.
  void reserve(int n_threads, std::size_t n_floats);
  /// The memory of OpenMP thread `thread`, a multiple of 64 bytes.
  float* of_thread(int thread) { return buffers_[static_cast<std::size_t>(thread)].uninitialized(0); }

 private:
  std::vector<AlignedBuffer> buffers_;
};

/// out[t, head] = sum_u softmax_u(q[t, head] . k[u, head] / sqrt(head_size)) v[u, head], u over the tokens of t's own
/// sequence; no mask, no padding. out: [offsets.back(), hidden()]; it must not overlap qkv.
///
/// Threads: pairs of sequence and head are spread over `n_threads` OpenMP threads (1: the calling thread alone).
/// Cost:    4 L^2 hidden floating-point operations for a sequence of L tokens; no allocation once scratch has grown.
void attention(const AttentionInput& input, float* out, AttentionScratch& scratch, int n_threads);
void attention_ref(const AttentionInput& input, float* out);

}  // namespace spanqa

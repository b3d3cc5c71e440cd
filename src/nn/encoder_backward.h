// The way back through the encoder: from the gradient of a layer's output to those of its input and its tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "nn/aligned_buffer.h"
#include "nn/encoder.h"
#include "nn/linear.h"
#include "nn/matmul_context.h"
#include "nn/precision.h"

namespace spanqa {

/// Gradients that a backward pass computes on its way, for one layer at a time. Rows have room for kLinearSlackRows.
class BackwardWorkspace {
 public:
  explicit BackwardWorkspace(int n_threads) : sums_(n_threads) {}

 private:
  friend class LayerBackward;
  /// Buffers for so many rows.
  void reserve(std::size_t n_rows, std::size_t hidden, std::size_t intermediate);

  MatmulContext sums_;  // of products over all rows: gradients of weights
  AlignedBuffer d_down_;
  AlignedBuffer d_activation_;
  AlignedBuffer d_attended_;
  AlignedBuffer d_attention_sum_;
  AlignedBuffer d_projected_;
  AlignedBuffer d_context_;
  AlignedBuffer d_qkv_;
};

/// One layer's way back. It keeps the weights a second time, laid out for products with their transpose.
///
/// Threads: backward() is for one caller at a time, and uses the threads of the scratch that it is given. Its results
///          are the same bits for any number of threads where those of Linear and add_weight_gradient are.
class LayerBackward {
 public:
  static Result<LayerBackward> create(const LayerTensors<const float>& tensors, const ModelConfig& config,
                                      Precision precision);
  /// Other weights of the same shapes, on `n_threads` OpenMP threads.
  void assign(const LayerTensors<const float>& tensors, int n_threads);

  /// What a forward pass of `layer` with a tape was given and left.
  struct Pass {
    const EncoderLayer& layer;
    const float* input = nullptr;  // [rows + slack, hidden]
    std::span<const std::uint32_t> offsets;
    LayerBuffers buffers;
    const LayerTape& tape;
  };
  /// d_output: [rows + slack, hidden], the gradient of the layer's output; becomes that of its input, unless
  /// `wants_input` is false: then it is used up. Adds to `gradients`. The tape's pre_activation is used up.
  /// Cost: twice the forward pass's products, and 10 L^2 hidden operations for a sequence of L tokens.
  void backward(const Pass& pass, float* d_output, bool wants_input, const LayerTensors<float>& gradients,
                BackwardWorkspace& workspace, EncoderScratch& scratch) const;

 private:
  LayerBackward(Linear qkv, Linear attention_out, Linear up, Linear down);
  void rows_before_attention(const Pass& pass, RowRange rows, const float* d_output, BackwardWorkspace& workspace,
                             TileScratch& scratch) const;
  void add_weight_gradients(const Pass& pass, const LayerTensors<float>& gradients, BackwardWorkspace& workspace) const;
  void add_vector_gradients(const Pass& pass, const float* d_output, const LayerTensors<float>& gradients,
                            BackwardWorkspace& workspace, int n_threads) const;

  Linear qkv_;  // [3 hidden] -> [hidden], and so on
  Linear attention_out_;
  Linear up_;
  Linear down_;
};

/// What the embeddings' forward pass with a tape was given and left.
struct EmbeddingPass {
  const Embeddings& embeddings;
  const PackedBatch& batch;
  const LayerNormTape& tape;
  const Dropout& dropout;  // of the normalised rows
};

/// out = dropout(LayerNorm(sum of the tables' rows)), the way Embeddings::forward has it, with a tape.
/// out: [n_tokens, hidden]
void embeddings_forward(const EmbeddingPass& pass, float* out, EncoderScratch& scratch);

/// Adds to `gradients`; of the word table only to the rows of the batch's ids. d_out: [n_tokens, hidden], the gradient
/// of embeddings_forward's `out`; used up. The same bits for any number of threads.
void embeddings_backward(const EmbeddingPass& pass, float* d_out, const EmbeddingTensors<float>& gradients,
                         int n_threads);

}  // namespace spanqa

// The transformer encoder of the BERT family: embeddings and post-norm layers.
//
// A layer writes into buffers that it is given and keeps nothing. Inference hands every layer the same LayerBuffers; a
// trainer hands each its own and reads them backwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "nn/aligned_buffer.h"
#include "nn/checkpoint.h"
#include "nn/kernels/attention.h"
#include "nn/kernels/elementwise.h"
#include "nn/linear.h"
#include "nn/model_config.h"
#include "nn/packed_batch.h"

namespace spanqa {

/// The encoder's part of a tensor's name: "bert.", "distilbert.".
const char* encoder_prefix(ModelFamily family);

/// Scale and shift of one normalisation.
class LayerNorm {
 public:
  /// Reads `name`.weight and `name`.bias, [width].
  static Result<LayerNorm> load(const Checkpoint& checkpoint, const std::string& name, std::size_t width, float eps);
  LayerNormWeights weights() const { return {gamma_.data(), beta_.data(), gamma_.size(), eps_}; }

 private:
  std::vector<float> gamma_;
  std::vector<float> beta_;
  float eps_ = 0.0F;
};

/// Tables that stay in the mapped file in their own type; a row is converted when a token asks for it.
class Embeddings {
 public:
  static Result<Embeddings> load(const Checkpoint& checkpoint, const ModelConfig& config);

  /// out[t, :] = LayerNorm(word[id] + position[place in its sequence] + type[type id]) for tokens [begin, end) of a
  /// batch that check_batch accepts. out: [n_tokens, hidden]
  void forward(const PackedBatch& batch, std::size_t begin, std::size_t end, float* out) const;

  DType dtype() const { return word_.type; }

 private:
  struct Table {
    const std::byte* rows = nullptr;  // null: the family has no such table
    DType type = DType::kFloat32;
    std::size_t width = 0;
    const std::byte* row(std::size_t i) const { return rows + i * width * dtype_size(type); }
  };
  static Result<Table> load_table(const Checkpoint& checkpoint, const std::string& name, int n_rows, int width);

  Table word_;
  Table position_;
  Table type_;
  LayerNorm norm_;
};

/// What one layer computes, as rows of a batch. `output` may be the memory of the layer's input, and so may every
/// buffer be that of another layer, unless a backward pass is to read them.
struct LayerBuffers {
  float* qkv = nullptr;           // [rows + slack, 3 hidden]
  float* context = nullptr;       // [rows + slack, hidden]: what attention gathered
  float* attended = nullptr;      // [rows + slack, hidden]: after the projection, residual and normalisation
  float* intermediate = nullptr;  // feed_forward_scratch: the rows of one tile
  float* output = nullptr;        // [rows + slack, hidden]
};

/// Rows that go together through everything that follows attention, so that they stay in the second-level cache.
constexpr std::size_t kRowTile = kFeedForwardTile;

/// What a forward pass uses besides the layers' buffers, owned by a workspace.
struct EncoderScratch {
  MatmulContext matmul;
  AttentionScratch attention;
  AlignedBuffer projected;  // [kRowTile + slack, hidden]: a projection before its residual and normalisation
};

class LinearLoader;

class EncoderLayer {
 public:
  static Result<EncoderLayer> load(LinearLoader& loader, const ModelConfig& config, int index);

  /// input: [offsets.back() + slack, hidden]
  void forward(const float* input, std::span<const std::uint32_t> offsets, const LayerBuffers& buffers,
               EncoderScratch& scratch) const;
  const Linear& up() const { return products_.up; }

 private:
  struct Products {
    Linear qkv;  // [3 hidden, hidden]: queries, keys, values
    Linear attention_out;
    Linear up;
    Linear down;
  };
  struct Norms {
    LayerNorm attention;
    LayerNorm output;
  };
  struct RowRange {
    std::size_t begin = 0;
    std::size_t n = 0;
  };
  EncoderLayer(Products products, Norms norms, std::size_t n_heads, Activation activation);
  /// Everything after attention, which no row needs another one for.
  void finish_rows(const float* input, RowRange rows, const LayerBuffers& buffers, EncoderScratch& scratch) const;

  Products products_;
  Norms norms_;
  std::size_t n_heads_;
  Activation activation_;
};

/// Buffers of an inference pass; they grow to the largest batch seen.
class EncoderWorkspace {
 public:
  explicit EncoderWorkspace(int n_threads) : scratch_{MatmulContext(n_threads), AttentionScratch(), AlignedBuffer()} {}

 private:
  friend class Encoder;
  EncoderScratch scratch_;
  AlignedBuffer hidden_;
  AlignedBuffer qkv_;
  AlignedBuffer context_;
  AlignedBuffer attended_;
  AlignedBuffer intermediate_;
};

/// Threads: immutable; forward() may run concurrently with different workspaces.
class Encoder {
 public:
  static Result<Encoder> load(const Checkpoint& checkpoint, const ModelConfig& config);

  /// The last layer's output, [n_tokens, hidden], in memory of the workspace: valid until its next use. The batch is
  /// one that check_batch accepts.
  const float* forward(const PackedBatch& batch, EncoderWorkspace& workspace) const;

  const Embeddings& embeddings() const { return embeddings_; }
  const std::vector<EncoderLayer>& layers() const { return layers_; }

 private:
  std::size_t hidden_size_ = 0;
  Embeddings embeddings_;
  std::vector<EncoderLayer> layers_;
};

}  // namespace spanqa

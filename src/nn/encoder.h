// The transformer encoder of the BERT family: embeddings and post-norm layers.
//
// A layer writes into buffers that it is given and keeps nothing. Inference hands every layer the same LayerBuffers; a
// trainer hands each its own with a LayerTape, and reads them backwards (encoder_backward.h).
#pragma once

#include <omp.h>

#include <algorithm>
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
#include "nn/kernels/training_elementwise.h"
#include "nn/linear.h"
#include "nn/model_config.h"
#include "nn/packed_batch.h"
#include "nn/precision.h"

namespace spanqa {

/// The encoder's part of a tensor's name: "bert.", "distilbert.".
const char* encoder_prefix(ModelFamily family);

/// Scale and shift of one normalisation.
class LayerNorm {
 public:
  /// Reads `name`.weight and `name`.bias, [width].
  static Result<LayerNorm> load(const Checkpoint& checkpoint, const std::string& name, std::size_t width, float eps);
  LayerNorm() = default;
  /// All zeros, to be assigned.
  LayerNorm(std::size_t width, float eps) : gamma_(width), beta_(width), eps_(eps) {}
  void assign(const float* gamma, const float* beta);
  LayerNormWeights weights() const { return {gamma_.data(), beta_.data(), gamma_.size(), eps_}; }

 private:
  std::vector<float> gamma_;
  std::vector<float> beta_;
  float eps_ = 0.0F;
};

/// The tensors of the embeddings, or their gradients, in float32.
template <typename Float>
struct EmbeddingTensors {
  Float* word = nullptr;      // [vocab_size, hidden]
  Float* position = nullptr;  // [max_positions, hidden]
  Float* type = nullptr;      // [type_vocab_size, hidden]; null: the family has none
  Float* gamma = nullptr;     // [hidden]
  Float* beta = nullptr;      // [hidden]
};

/// Tables that stay where they are, in the mapped file in their own type or in a trainer's array; a row is converted
/// when a token asks for it.
class Embeddings {
 public:
  static Result<Embeddings> load(const Checkpoint& checkpoint, const ModelConfig& config);
  /// Tables in `tensors`, which must outlive the object and may change between calls; gamma and beta are copied by
  /// assign_norm.
  static Embeddings over(const EmbeddingTensors<const float>& tensors, const ModelConfig& config);
  void assign_norm(const float* gamma, const float* beta) { norm_.assign(gamma, beta); }

  /// out[t, :] = LayerNorm(word[id] + position[place in its sequence] + type[type id]) for tokens [begin, end) of a
  /// batch that check_batch accepts. out: [n_tokens, hidden]
  void forward(const PackedBatch& batch, std::size_t begin, std::size_t end, float* out) const;
  /// The same without the normalisation.
  void sum(const PackedBatch& batch, std::size_t begin, std::size_t end, float* out) const;

  DType dtype() const { return word_.type; }
  LayerNormWeights norm() const { return norm_.weights(); }

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
  float* intermediate = nullptr;  // feed_forward_scratch: the rows of one tile; not used with a tape
  float* output = nullptr;        // [rows + slack, hidden]
};

/// What a layer drops out in training, at one step.
struct LayerDropouts {
  Dropout attention;      // softmax weights
  Dropout attention_out;  // the projection's rows, before the residual
  Dropout output;         // the feed-forward layer's rows, before the residual
};

/// What a layer keeps, besides its LayerBuffers, for the way back.
struct LayerTape {
  LayerDropouts dropouts;
  float* log_sums = nullptr;        // [rows, n_heads]: attention_train's
  float* pre_activation = nullptr;  // [rows + slack, intermediate]
  LayerNormTape attended;           // of the normalisation that gives `attended`
  LayerNormTape output;             // of the one that gives `output`
};

/// Rows that go together through everything that follows attention, so that they stay in the second-level cache.
constexpr std::size_t kRowTile = kFeedForwardTile;

/// What rows on their way through a layer use besides its buffers.
struct TileScratch {
  explicit TileScratch(int n_threads) : matmul(n_threads) {}
  MatmulContext matmul;
  AlignedBuffer projected;     // [kRowTile + slack, hidden]: a projection before its residual and normalisation
  AlignedBuffer intermediate;  // [kRowTile + slack, intermediate], with a tape
};

/// What a forward pass uses besides the layers' buffers, owned by a workspace. Two ways to share work between threads:
/// all of them within each product (one TileScratch), or each with tiles of rows of its own (one TileScratch each),
/// which has fewer places to wait at, and wants many rows.
struct EncoderScratch {
  enum class Sharing : std::uint8_t { kProducts, kTiles };
  EncoderScratch(int n_threads, Sharing sharing);

  int n_threads;
  std::vector<TileScratch> tiles;
  AttentionScratch attention;
};

/// Calls work(rows, scratch) for all tiles of kRowTile rows, the last one shorter.
struct RowRange {
  std::size_t begin = 0;
  std::size_t n = 0;
};
template <typename Work>
void for_each_tile(std::size_t n_rows, EncoderScratch& scratch, const Work& work) {
  const std::size_t n_tiles = (n_rows + kRowTile - 1) / kRowTile;
  const auto run = [&](std::size_t tile, TileScratch& own) {
    const std::size_t begin = tile * kRowTile;
    work(RowRange{begin, std::min(kRowTile, n_rows - begin)}, own);
  };
  if (scratch.tiles.size() == 1) {
    for (std::size_t tile = 0; tile < n_tiles; ++tile) run(tile, scratch.tiles.front());
    return;
  }
#pragma omp parallel for num_threads(static_cast<int>(scratch.tiles.size())) schedule(dynamic, 1)
  for (std::size_t tile = 0; tile < n_tiles; ++tile) {
    run(tile, scratch.tiles[static_cast<std::size_t>(omp_get_thread_num())]);
  }
}

/// The tensors of one layer, or their gradients, in float32 as Hugging Face lays them out.
template <typename Float>
struct LayerTensors {
  Float* qkv_weight = nullptr;            // [3 hidden, hidden]: queries, keys, values
  Float* qkv_bias = nullptr;              // [3 hidden]
  Float* attention_out_weight = nullptr;  // [hidden, hidden]
  Float* attention_out_bias = nullptr;    // [hidden]
  Float* attention_gamma = nullptr;       // [hidden]
  Float* attention_beta = nullptr;        // [hidden]
  Float* up_weight = nullptr;             // [intermediate, hidden]
  Float* up_bias = nullptr;               // [intermediate]
  Float* down_weight = nullptr;           // [hidden, intermediate]
  Float* down_bias = nullptr;             // [hidden]
  Float* output_gamma = nullptr;          // [hidden]
  Float* output_beta = nullptr;           // [hidden]
};

class LinearLoader;

class EncoderLayer {
 public:
  static Result<EncoderLayer> load(LinearLoader& loader, const ModelConfig& config, int index);
  /// A layer of these weights, copied.
  static Result<EncoderLayer> create(const LayerTensors<const float>& tensors, const ModelConfig& config,
                                     Precision precision);
  /// Other weights of the same shapes, on `n_threads` OpenMP threads.
  void assign(const LayerTensors<const float>& tensors, int n_threads);

  /// input: [offsets.back() + slack, hidden]. With a tape, keeps there what the way back needs, and drops out.
  void forward(const float* input, std::span<const std::uint32_t> offsets, const LayerBuffers& buffers,
               EncoderScratch& scratch, const LayerTape* tape = nullptr) const;

  const Linear& up() const { return products_.up; }
  std::size_t n_heads() const { return n_heads_; }
  Activation activation() const { return activation_; }
  LayerNormWeights attention_norm() const { return norms_.attention.weights(); }
  LayerNormWeights output_norm() const { return norms_.output.weights(); }

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
  EncoderLayer(Products products, Norms norms, std::size_t n_heads, Activation activation);
  void assign_norms(const LayerTensors<const float>& tensors);
  /// Everything after attention, which no row needs another one for.
  void finish_rows(const float* input, RowRange rows, const LayerBuffers& buffers, TileScratch& scratch) const;
  void finish_rows_taped(const float* input, RowRange rows, const LayerBuffers& buffers, TileScratch& scratch,
                         const LayerTape& tape) const;

  Products products_;
  Norms norms_;
  std::size_t n_heads_;
  Activation activation_;
};

/// The same tape from a row on.
LayerNormTape tape_from(const LayerNormTape& tape, std::size_t row, std::size_t width);

/// Buffers of an inference pass; they grow to the largest batch seen.
class EncoderWorkspace {
 public:
  explicit EncoderWorkspace(int n_threads) : scratch_(n_threads, EncoderScratch::Sharing::kProducts) {}

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
  static Result<Encoder> load(const Checkpoint& checkpoint, const ModelConfig& config, Precision precision);

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

#include "nn/encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "nn/family_names.h"
#include "nn/kernels/parallel.h"

namespace spanqa {
namespace {

// Rows that a thread takes at least: below it, waking a second thread costs more than it saves.
constexpr std::size_t kMinRowsPerThread = 32;

std::size_t size_of(int n) { return static_cast<std::size_t>(n); }

/// x[r, :] = LayerNorm(x[r, :] + residual[r, :]) into `out`, spread over threads.
void add_and_normalise(const float* x, const float* residual, const LayerNorm& norm, std::size_t n_rows, float* out,
                       int n_threads) {
  const LayerNormWeights weights = norm.weights();
  parallel_rows(n_rows, kMinRowsPerThread, n_threads, [&](std::size_t begin, std::size_t end) {
    const std::size_t offset = begin * weights.width;
    add_layer_norm(x + offset, residual + offset, weights, end - begin, out + offset);
  });
}

}  // namespace

/// Reads matrices as float32, side by side for one product. One for all layers: fresh memory for each matrix would cost
/// more than the conversion.
class LinearLoader {
 public:
  explicit LinearLoader(const Checkpoint& checkpoint) : checkpoint_(checkpoint) {}

  /// Reads `name`.weight [n, k] and `name`.bias [n] of each name.
  Result<Linear> load(std::initializer_list<std::string> names, std::size_t n, std::size_t k) {
    // All shapes before memory is taken for them: config.json may claim anything.
    for (const std::string& name : names) SPANQA_TRY(checkpoint_.get(name + ".weight", {n, k}));
    float* weight = memory_.uninitialized(names.size() * (n * k + n));
    float* bias = weight + names.size() * n * k;
    std::vector<LinearPart> parts;
    for (const std::string& name : names) {
      SPANQA_TRY(checkpoint_.read(name + ".weight", {n, k}, {weight, n * k}));
      SPANQA_TRY(checkpoint_.read(name + ".bias", {n}, {bias, n}));
      parts.push_back({.weight = weight, .bias = bias, .n = n});
      weight += n * k;
      bias += n;
    }
    return Linear::create(parts, k);
  }
  const Checkpoint& checkpoint() const { return checkpoint_; }

 private:
  const Checkpoint& checkpoint_;
  AlignedBuffer memory_;
};

const char* encoder_prefix(ModelFamily family) { return family_names(family).prefix; }

Result<LayerNorm> LayerNorm::load(const Checkpoint& checkpoint, const std::string& name, std::size_t width, float eps) {
  LayerNorm norm;
  norm.gamma_.resize(width);
  norm.beta_.resize(width);
  norm.eps_ = eps;
  SPANQA_TRY(checkpoint.read(name + ".weight", {width}, norm.gamma_));
  SPANQA_TRY(checkpoint.read(name + ".bias", {width}, norm.beta_));
  return norm;
}

Result<Embeddings::Table> Embeddings::load_table(const Checkpoint& checkpoint, const std::string& name, int n_rows,
                                                 int width) {
  SPANQA_ASSIGN(const TensorView tensor, checkpoint.get(name, {size_of(n_rows), size_of(width)}));
  SPANQA_ASSIGN(const DType type, tensor.dtype());
  return Table{.rows = tensor.bytes.data(), .type = type, .width = size_of(width)};
}

Result<Embeddings> Embeddings::load(const Checkpoint& checkpoint, const ModelConfig& config) {
  const std::string prefix = std::string(encoder_prefix(config.family)) + "embeddings.";
  const int width = config.hidden_size;
  Embeddings embeddings;
  SPANQA_ASSIGN(embeddings.word_, load_table(checkpoint, prefix + "word_embeddings.weight", config.vocab_size, width));
  SPANQA_ASSIGN(embeddings.position_,
                load_table(checkpoint, prefix + "position_embeddings.weight", config.max_positions, width));
  if (config.type_vocab_size > 0) {
    SPANQA_ASSIGN(embeddings.type_,
                  load_table(checkpoint, prefix + "token_type_embeddings.weight", config.type_vocab_size, width));
  }
  SPANQA_ASSIGN(embeddings.norm_,
                LayerNorm::load(checkpoint, prefix + "LayerNorm", size_of(width), config.layer_norm_eps));
  return embeddings;
}

void Embeddings::forward(const PackedBatch& batch, std::size_t begin, std::size_t end, float* out) const {
  const LayerNormWeights norm = norm_.weights();
  const std::size_t width = norm.width;
  const auto sequence = std::upper_bound(batch.offsets.begin(), batch.offsets.end(), begin) - 1;
  auto next = sequence + 1;
  std::size_t first = *sequence;
  for (std::size_t t = begin; t < end; ++t) {
    if (t == *next) first = *next++;
    float* const row = out + t * width;
    to_float32(word_.row(static_cast<std::size_t>(batch.ids[t])), word_.type, width, row);
    add_row(position_.row(t - first), position_.type, width, row);
    if (type_.rows != nullptr) add_row(type_.row(batch.type_ids[t]), type_.type, width, row);
    add_layer_norm(row, nullptr, norm, 1, row);
  }
}

EncoderLayer::EncoderLayer(Products products, Norms norms, std::size_t n_heads, Activation activation)
    : products_(std::move(products)), norms_(std::move(norms)), n_heads_(n_heads), activation_(activation) {}

Result<EncoderLayer> EncoderLayer::load(LinearLoader& loader, const ModelConfig& config, int index) {
  const FamilyNames& names = family_names(config.family);
  const std::string prefix = fmt::format("{}{}.{}.", names.prefix, names.layer, index);
  const std::size_t h = size_of(config.hidden_size);
  const std::size_t i = size_of(config.intermediate_size);
  const auto load_norm = [&](const char* name) {
    return LayerNorm::load(loader.checkpoint(), prefix + name, h, config.layer_norm_eps);
  };
  SPANQA_ASSIGN(Linear qkv, loader.load({prefix + names.query, prefix + names.key, prefix + names.value}, h, h));
  SPANQA_ASSIGN(Linear attention_out, loader.load({prefix + names.attention_out}, h, h));
  SPANQA_ASSIGN(Linear up, loader.load({prefix + names.up}, i, h));
  SPANQA_ASSIGN(Linear down, loader.load({prefix + names.down}, h, i));
  SPANQA_ASSIGN(LayerNorm attention_norm, load_norm(names.attention_norm));
  SPANQA_ASSIGN(LayerNorm output_norm, load_norm(names.output_norm));
  return EncoderLayer(Products{std::move(qkv), std::move(attention_out), std::move(up), std::move(down)},
                      Norms{std::move(attention_norm), std::move(output_norm)}, size_of(config.n_heads),
                      config.activation);
}

void EncoderLayer::forward(const float* input, std::span<const std::uint32_t> offsets, const LayerBuffers& buffers,
                           EncoderScratch& scratch) const {
  const std::size_t n_rows = offsets.back();
  const std::size_t h = products_.attention_out.n();
  products_.qkv.forward(input, n_rows, buffers.qkv, scratch.matmul);
  const AttentionInput attention_input{
      .qkv = buffers.qkv, .row_stride = 3 * h, .offsets = offsets, .n_heads = n_heads_, .head_size = h / n_heads_};
  attention(attention_input, buffers.context, scratch.attention, scratch.matmul.n_threads());
  for (std::size_t row = 0; row < n_rows; row += kRowTile) {
    finish_rows(input, {row, std::min(kRowTile, n_rows - row)}, buffers, scratch);
  }
}

void EncoderLayer::finish_rows(const float* input, RowRange rows, const LayerBuffers& buffers,
                               EncoderScratch& scratch) const {
  const std::size_t h = products_.attention_out.n();
  const std::size_t offset = rows.begin * h;
  const int n_threads = scratch.matmul.n_threads();
  float* const attended = buffers.attended + offset;
  float* const projected = scratch.projected.at_least((kRowTile + kLinearSlackRows) * h);
  products_.attention_out.forward(buffers.context + offset, rows.n, projected, scratch.matmul);
  add_and_normalise(projected, input + offset, norms_.attention, rows.n, attended, n_threads);
  feed_forward({products_.up, products_.down, activation_}, attended, rows.n, projected, buffers.intermediate,
               scratch.matmul);
  add_and_normalise(projected, attended, norms_.output, rows.n, buffers.output + offset, n_threads);
}

Result<Encoder> Encoder::load(const Checkpoint& checkpoint, const ModelConfig& config) {
  Encoder encoder;
  encoder.hidden_size_ = size_of(config.hidden_size);
  SPANQA_ASSIGN(encoder.embeddings_, Embeddings::load(checkpoint, config));
  LinearLoader loader(checkpoint);
  for (int i = 0; i < config.n_layers; ++i) {
    SPANQA_ASSIGN(EncoderLayer layer, EncoderLayer::load(loader, config, i));
    encoder.layers_.push_back(std::move(layer));
  }
  return encoder;
}

const float* Encoder::forward(const PackedBatch& batch, EncoderWorkspace& workspace) const {
  const std::size_t n_rows = batch.n_tokens();
  const std::size_t n_numbers = (n_rows + kLinearSlackRows) * hidden_size_;
  float* const hidden = workspace.hidden_.at_least(n_numbers);
  if (n_rows == 0) return hidden;
  EncoderScratch& scratch = workspace.scratch_;
  parallel_rows(n_rows, kMinRowsPerThread, scratch.matmul.n_threads(),
                [&](std::size_t begin, std::size_t end) { embeddings_.forward(batch, begin, end, hidden); });
  for (const EncoderLayer& layer : layers_) {
    const LayerBuffers buffers{.qkv = workspace.qkv_.at_least(3 * n_numbers),
                               .context = workspace.context_.at_least(n_numbers),
                               .attended = workspace.attended_.at_least(n_numbers),
                               .intermediate = workspace.intermediate_.at_least(feed_forward_scratch(layer.up())),
                               .output = hidden};
    layer.forward(hidden, batch.offsets, buffers, scratch);
  }
  return hidden;
}

}  // namespace spanqa

#include "nn/encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "nn/family_names.h"
#include "nn/kernels/attention_training.h"
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
  LinearLoader(const Checkpoint& checkpoint, Precision precision) : checkpoint_(checkpoint), precision_(precision) {}

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
    return Linear::create(parts, k, precision_);
  }
  const Checkpoint& checkpoint() const { return checkpoint_; }

 private:
  const Checkpoint& checkpoint_;
  Precision precision_;
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

void LayerNorm::assign(const float* gamma, const float* beta) {
  std::copy_n(gamma, gamma_.size(), gamma_.begin());
  std::copy_n(beta, beta_.size(), beta_.begin());
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

Embeddings Embeddings::over(const EmbeddingTensors<const float>& tensors, const ModelConfig& config) {
  const std::size_t width = size_of(config.hidden_size);
  const auto table = [&](const float* rows) {
    return Table{.rows = reinterpret_cast<const std::byte*>(rows), .type = DType::kFloat32, .width = width};
  };
  Embeddings embeddings;
  embeddings.word_ = table(tensors.word);
  embeddings.position_ = table(tensors.position);
  embeddings.type_ = table(tensors.type);
  embeddings.norm_ = LayerNorm(width, config.layer_norm_eps);
  embeddings.assign_norm(tensors.gamma, tensors.beta);
  return embeddings;
}

void Embeddings::forward(const PackedBatch& batch, std::size_t begin, std::size_t end, float* out) const {
  const LayerNormWeights norm = norm_.weights();
  sum(batch, begin, end, out);
  float* const rows = out + begin * norm.width;
  add_layer_norm(rows, nullptr, norm, end - begin, rows);
}

void Embeddings::sum(const PackedBatch& batch, std::size_t begin, std::size_t end, float* out) const {
  const std::size_t width = word_.width;
  const auto sequence = std::upper_bound(batch.offsets.begin(), batch.offsets.end(), begin) - 1;
  auto next = sequence + 1;
  std::size_t first = *sequence;
  for (std::size_t t = begin; t < end; ++t) {
    if (t == *next) first = *next++;
    float* const row = out + t * width;
    to_float32(word_.row(static_cast<std::size_t>(batch.ids[t])), word_.type, width, row);
    add_row(position_.row(t - first), position_.type, width, row);
    if (type_.rows != nullptr) add_row(type_.row(batch.type_ids[t]), type_.type, width, row);
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

Result<EncoderLayer> EncoderLayer::create(const LayerTensors<const float>& tensors, const ModelConfig& config,
                                          Precision precision) {
  const std::size_t h = size_of(config.hidden_size);
  const std::size_t i = size_of(config.intermediate_size);
  const auto linear = [&](const float* weight, const float* bias, std::size_t n, std::size_t k) {
    const std::array parts = {LinearPart{.weight = weight, .bias = bias, .n = n}};
    return Linear::create(parts, k, precision);
  };
  SPANQA_ASSIGN(Linear qkv, linear(tensors.qkv_weight, tensors.qkv_bias, 3 * h, h));
  SPANQA_ASSIGN(Linear attention_out, linear(tensors.attention_out_weight, tensors.attention_out_bias, h, h));
  SPANQA_ASSIGN(Linear up, linear(tensors.up_weight, tensors.up_bias, i, h));
  SPANQA_ASSIGN(Linear down, linear(tensors.down_weight, tensors.down_bias, h, i));
  EncoderLayer layer(Products{std::move(qkv), std::move(attention_out), std::move(up), std::move(down)},
                     Norms{LayerNorm(h, config.layer_norm_eps), LayerNorm(h, config.layer_norm_eps)},
                     size_of(config.n_heads), config.activation);
  layer.assign_norms(tensors);
  return layer;
}

void EncoderLayer::assign(const LayerTensors<const float>& tensors, int n_threads) {
  const auto assign = [&](Linear& linear, const float* weight, const float* bias) {
    const std::array parts = {LinearPart{.weight = weight, .bias = bias, .n = linear.n()}};
    linear.assign(parts, n_threads);
  };
  assign(products_.qkv, tensors.qkv_weight, tensors.qkv_bias);
  assign(products_.attention_out, tensors.attention_out_weight, tensors.attention_out_bias);
  assign(products_.up, tensors.up_weight, tensors.up_bias);
  assign(products_.down, tensors.down_weight, tensors.down_bias);
  assign_norms(tensors);
}

void EncoderLayer::assign_norms(const LayerTensors<const float>& tensors) {
  norms_.attention.assign(tensors.attention_gamma, tensors.attention_beta);
  norms_.output.assign(tensors.output_gamma, tensors.output_beta);
}

void EncoderLayer::forward(const float* input, std::span<const std::uint32_t> offsets, const LayerBuffers& buffers,
                           EncoderScratch& scratch, const LayerTape* tape) const {
  const std::size_t n_rows = offsets.back();
  const std::size_t h = products_.attention_out.n();
  for_each_tile(n_rows, scratch, [&](RowRange rows, TileScratch& own) {
    products_.qkv.forward(input + rows.begin * h, rows.n, buffers.qkv + rows.begin * 3 * h, own.matmul);
  });
  const AttentionInput attention_input{
      .qkv = buffers.qkv, .row_stride = 3 * h, .offsets = offsets, .n_heads = n_heads_, .head_size = h / n_heads_};
  if (tape == nullptr) {
    attention(attention_input, buffers.context, scratch.attention, scratch.n_threads);
  } else {
    attention_train(attention_input, tape->dropouts.attention, buffers.context, tape->log_sums, scratch.attention,
                    scratch.n_threads);
  }
  for_each_tile(n_rows, scratch, [&](RowRange rows, TileScratch& own) {
    if (tape == nullptr) {
      finish_rows(input, rows, buffers, own);
    } else {
      finish_rows_taped(input, rows, buffers, own, *tape);
    }
  });
}

void EncoderLayer::finish_rows(const float* input, RowRange rows, const LayerBuffers& buffers,
                               TileScratch& scratch) const {
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

LayerNormTape tape_from(const LayerNormTape& tape, std::size_t row, std::size_t width) {
  return {.normalised = tape.normalised + row * width, .inverse_deviation = tape.inverse_deviation + row};
}

void EncoderLayer::finish_rows_taped(const float* input, RowRange rows, const LayerBuffers& buffers,
                                     TileScratch& scratch, const LayerTape& tape) const {
  const std::size_t h = products_.attention_out.n();
  const std::size_t i = products_.up.n();
  const std::size_t offset = rows.begin * h;
  float* const attended = buffers.attended + offset;
  float* const pre_activation = tape.pre_activation + rows.begin * i;
  float* const projected = scratch.projected.at_least((kRowTile + kLinearSlackRows) * h);
  float* const intermediate = scratch.intermediate.at_least((kRowTile + kLinearSlackRows) * i);
  products_.attention_out.forward(buffers.context + offset, rows.n, projected, scratch.matmul);
  add_layer_norm_train(projected, input + offset, {tape.dropouts.attention_out, rows.begin}, attention_norm(), rows.n,
                       attended, tape_from(tape.attended, rows.begin, h));
  products_.up.forward(attended, rows.n, pre_activation, scratch.matmul);
  activate_out(activation_, pre_activation, rows.n * i, intermediate);
  products_.down.forward(intermediate, rows.n, projected, scratch.matmul);
  add_layer_norm_train(projected, attended, {tape.dropouts.output, rows.begin}, output_norm(), rows.n,
                       buffers.output + offset, tape_from(tape.output, rows.begin, h));
}

EncoderScratch::EncoderScratch(int threads, Sharing sharing) : n_threads(threads) {
  const bool is_by_tiles = sharing == Sharing::kTiles;
  for (int thread = 0; thread < (is_by_tiles ? threads : 1); ++thread) tiles.emplace_back(is_by_tiles ? 1 : threads);
}

Result<Encoder> Encoder::load(const Checkpoint& checkpoint, const ModelConfig& config, Precision precision) {
  Encoder encoder;
  encoder.hidden_size_ = size_of(config.hidden_size);
  SPANQA_ASSIGN(encoder.embeddings_, Embeddings::load(checkpoint, config));
  LinearLoader loader(checkpoint, precision);
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
  parallel_rows(n_rows, kMinRowsPerThread, scratch.n_threads,
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

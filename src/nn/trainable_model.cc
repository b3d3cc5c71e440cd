#include "nn/trainable_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <string>
#include <utility>

#include "base/check.h"
#include "nn/checkpoint.h"
#include "nn/encoder.h"
#include "nn/encoder_backward.h"
#include "nn/family_names.h"
#include "nn/kernels/dropout.h"
#include "nn/kernels/span_loss.h"
#include "nn/qa_model.h"
#include "nn/span_head.h"

namespace spanqa {
namespace {

constexpr double kHeadDeviation = 0.02;  // initializer_range of Hugging Face's configuration classes
constexpr const char* kHeadWeight = "qa_outputs.weight";
constexpr const char* kHeadBias = "qa_outputs.bias";

/// The places of a model's tensors in an array of all of them, weights or gradients.
class TensorPlaces {
 public:
  TensorPlaces(const ParameterLayout& layout, const ModelConfig& config) : layout_(layout), config_(config) {}

  template <typename Float>
  EmbeddingTensors<Float> embeddings(Float* array) const {
    const std::string prefix = std::string(encoder_prefix(config_.family)) + "embeddings.";
    const auto place = [&](const char* name) { return array + at(prefix + name); };
    return {.word = place("word_embeddings.weight"),
            .position = place("position_embeddings.weight"),
            .type = config_.type_vocab_size > 0 ? place("token_type_embeddings.weight") : nullptr,
            .gamma = place("LayerNorm.weight"),
            .beta = place("LayerNorm.bias")};
  }

  template <typename Float>
  LayerTensors<Float> layer(Float* array, int index) const {
    const FamilyNames& names = family_names(config_.family);
    const std::string prefix = fmt::format("{}{}.{}.", names.prefix, names.layer, index);
    const auto place = [&](const char* name, const char* ending) { return array + at(prefix + name + ending); };
    return {.qkv_weight = place(names.query, ".weight"),
            .qkv_bias = place(names.query, ".bias"),
            .attention_out_weight = place(names.attention_out, ".weight"),
            .attention_out_bias = place(names.attention_out, ".bias"),
            .attention_gamma = place(names.attention_norm, ".weight"),
            .attention_beta = place(names.attention_norm, ".bias"),
            .up_weight = place(names.up, ".weight"),
            .up_bias = place(names.up, ".bias"),
            .down_weight = place(names.down, ".weight"),
            .down_bias = place(names.down, ".bias"),
            .output_gamma = place(names.output_norm, ".weight"),
            .output_beta = place(names.output_norm, ".bias")};
  }

  template <typename Float>
  SpanHeadTensors<Float> head(Float* array) const {
    return {.weight = array + at(kHeadWeight), .bias = array + at(kHeadBias)};
  }

 private:
  std::size_t at(const std::string& name) const {
    const Parameter* const parameter = layout_.find(name);
    SPANQA_CHECK(parameter != nullptr);
    return parameter->offset;
  }

  const ParameterLayout& layout_;
  const ModelConfig& config_;
};

/// Numbers that every checkpoint of the same seed begins with, whatever the machine: Box and Muller's normal numbers
/// from the dropout's generator.
void draw_head(std::uint64_t seed, std::span<float> weight) {
  const std::array<std::uint32_t, 2> key = {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32U)};
  for (std::size_t i = 0; i < weight.size(); ++i) {
    const auto words = philox4x32<10>({static_cast<std::uint32_t>(i), 0, 0, 0x48454144U}, key);
    const double radius = std::sqrt(-2.0 * std::log((words[0] + 1.0) / 4294967296.0));
    const double angle = 2.0 * std::numbers::pi * words[1] / 4294967296.0;
    weight[i] = static_cast<float>(kHeadDeviation * radius * std::cos(angle));
  }
}

Status read_parameter(const Checkpoint& checkpoint, const Parameter& parameter, std::span<float> weights) {
  const std::span<float> values = weights.subspan(parameter.offset, parameter.size);
  SPANQA_CHECK(parameter.shape.size() == 1 || parameter.shape.size() == 2);
  if (parameter.shape.size() == 1) return checkpoint.read(parameter.name, {parameter.shape[0]}, values);
  return checkpoint.read(parameter.name, {parameter.shape[0], parameter.shape[1]}, values);
}

/// Where in a model a dropout stands: the low bits of its stream.
enum class Place : std::uint8_t { kEmbeddings, kHead, kAttention, kAttentionOut, kOutput };

std::uint64_t stream_of(std::uint64_t batch, Place place, std::size_t layer) {
  return batch << 16U | layer << 4U | static_cast<std::uint64_t>(place);
}

Status check_options(const TrainableOptions& options, const ModelConfig& config) {
  for (const float share : {options.hidden_dropout, options.attention_dropout, options.head_dropout}) {
    if (share >= 0.0F && static_cast<double>(share) <= kMaxDropout) continue;
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("a dropout of {}: training takes 0 to {}; set another one than config.json's", share, kMaxDropout));
  }
  if (options.frozen_layers < 0 || options.frozen_layers > config.n_layers) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} layers cannot be frozen: the model has {}", options.frozen_layers, config.n_layers));
  }
  return {};
}

Status check_labels(const PackedBatch& batch, std::span<const SpanLabel> labels) {
  SPANQA_CHECK(labels.size() == batch.n_sequences());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::uint32_t n = batch.offsets[i + 1] - batch.offsets[i];
    if (labels[i].start < n && labels[i].end < n) continue;
    return fail(ErrorCode::kInvalidArgument, fmt::format("label {} to {} of a sequence of {} tokens: is outside it",
                                                         labels[i].start, labels[i].end, n));
  }
  return {};
}

}  // namespace

/// What each layer keeps of a batch on its way forward.
class TrainingBuffers {
 public:
  void reserve(const ModelConfig& config, std::size_t n_rows) {
    layers_.resize(static_cast<std::size_t>(config.n_layers));
    const auto h = static_cast<std::size_t>(config.hidden_size);
    const auto i = static_cast<std::size_t>(config.intermediate_size);
    const std::size_t rows = n_rows + kLinearSlackRows;
    embedded.at_least(rows * h);
    embedded_normalised.at_least(rows * h);
    embedded_deviations.at_least(rows);
    gradient.at_least(rows * h);
    dropped.at_least(rows * h);
    for (Layer& layer : layers_) {
      layer.qkv.at_least(rows * 3 * h);
      layer.context.at_least(rows * h);
      layer.attended.at_least(rows * h);
      layer.output.at_least(rows * h);
      layer.log_sums.at_least(rows * static_cast<std::size_t>(config.n_heads));
      layer.pre_activation.at_least(rows * i);
      layer.attended_normalised.at_least(rows * h);
      layer.attended_deviations.at_least(rows);
      layer.output_normalised.at_least(rows * h);
      layer.output_deviations.at_least(rows);
    }
  }

  LayerBuffers buffers(std::size_t layer) {
    Layer& own = layers_[layer];
    return {.qkv = own.qkv.data(),
            .context = own.context.data(),
            .attended = own.attended.data(),
            .intermediate = nullptr,
            .output = own.output.data()};
  }
  LayerTape tape(std::size_t layer) {
    Layer& own = layers_[layer];
    return {.dropouts = {},
            .log_sums = own.log_sums.data(),
            .pre_activation = own.pre_activation.data(),
            .attended = {own.attended_normalised.data(), own.attended_deviations.data()},
            .output = {own.output_normalised.data(), own.output_deviations.data()}};
  }
  LayerNormTape embedding_tape() { return {embedded_normalised.data(), embedded_deviations.data()}; }
  float* input_of(std::size_t layer) { return layer == 0 ? embedded.data() : layers_[layer - 1].output.data(); }

  AlignedBuffer embedded;
  AlignedBuffer embedded_normalised;
  AlignedBuffer embedded_deviations;
  AlignedBuffer gradient;  // of the rows where the way back has come to
  AlignedBuffer dropped;   // what the head reads, with dropout

 private:
  struct Layer {
    AlignedBuffer qkv, context, attended, output, log_sums, pre_activation;
    AlignedBuffer attended_normalised, attended_deviations, output_normalised, output_deviations;
  };
  std::vector<Layer> layers_;
};

struct TrainableModel::Impl {
  Impl(ModelConfig model_config, const TrainableOptions& training_options)
      : config(std::move(model_config)),
        layout(config),
        places(layout, config),
        options(training_options),
        scratch(options.n_threads, EncoderScratch::Sharing::kTiles),
        way_back(options.n_threads) {
    weights.at_least(layout.n_floats());
    gradients.at_least(layout.n_floats());
  }

  Status load(const std::filesystem::path& folder);
  Status lay_out();
  LayerTape tape(std::size_t layer, std::uint64_t stream);
  void forward(const PackedBatch& batch, std::uint64_t stream);
  void backward(const PackedBatch& batch, std::uint64_t stream);
  double head(const PackedBatch& batch, std::span<const SpanLabel> labels, std::uint64_t stream);
  Dropout dropout_of(float share, std::uint64_t stream, Place place, std::size_t layer = 0) const {
    return make_dropout(share, options.seed, stream_of(stream, place, layer));
  }

  ModelConfig config;
  ParameterLayout layout;
  TensorPlaces places;
  TrainableOptions options;
  bool has_new_head = false;
  AlignedBuffer weights;
  AlignedBuffer gradients;
  Embeddings embeddings;
  std::vector<EncoderLayer> layers;
  std::vector<LayerBackward> layers_back;  // of the layers that learn: from options.frozen_layers on
  std::vector<std::uint32_t> touched;
  EncoderScratch scratch;
  BackwardWorkspace way_back;
  TrainingBuffers buffers;
  SpanLogits logits;
  SpanLogits d_logits;
};

Status TrainableModel::Impl::load(const std::filesystem::path& folder) {
  SPANQA_ASSIGN(const Checkpoint checkpoint, Checkpoint::open(folder, encoder_prefix(config.family)));
  has_new_head = !checkpoint.contains(kHeadWeight) && !checkpoint.contains(kHeadBias);
  for (const Parameter& parameter : layout.parameters()) {
    const bool is_head = parameter.level == config.n_layers + 1;
    if (is_head && has_new_head) continue;
    SPANQA_TRY(read_parameter(checkpoint, parameter, {weights.data(), layout.n_floats()}));
  }
  if (has_new_head) {
    draw_head(options.seed, {places.head(weights.data()).weight, static_cast<std::size_t>(2 * config.hidden_size)});
  }
  return {};
}

Status TrainableModel::Impl::lay_out() {
  const float* const array = weights.data();
  embeddings = Embeddings::over(places.embeddings(array), config);
  for (int i = 0; i < config.n_layers; ++i) {
    SPANQA_ASSIGN(EncoderLayer layer, EncoderLayer::create(places.layer(array, i), config, options.precision));
    layers.push_back(std::move(layer));
    if (i < options.frozen_layers) continue;
    SPANQA_ASSIGN(LayerBackward back, LayerBackward::create(places.layer(array, i), config, options.precision));
    layers_back.push_back(std::move(back));
  }
  return {};
}

LayerTape TrainableModel::Impl::tape(std::size_t layer, std::uint64_t stream) {
  LayerTape tape = buffers.tape(layer);
  tape.dropouts = {.attention = dropout_of(options.attention_dropout, stream, Place::kAttention, layer),
                   .attention_out = dropout_of(options.hidden_dropout, stream, Place::kAttentionOut, layer),
                   .output = dropout_of(options.hidden_dropout, stream, Place::kOutput, layer)};
  return tape;
}

void TrainableModel::Impl::forward(const PackedBatch& batch, std::uint64_t stream) {
  const LayerNormTape embedding_tape = buffers.embedding_tape();
  const Dropout embedding_dropout = dropout_of(options.hidden_dropout, stream, Place::kEmbeddings);
  embeddings_forward({embeddings, batch, embedding_tape, embedding_dropout}, buffers.embedded.data(), scratch);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const LayerTape layer_tape = tape(i, stream);
    layers[i].forward(buffers.input_of(i), batch.offsets, buffers.buffers(i), scratch, &layer_tape);
  }
}

double TrainableModel::Impl::head(const PackedBatch& batch, std::span<const SpanLabel> labels, std::uint64_t stream) {
  const std::size_t n_rows = batch.n_tokens();
  const auto h = static_cast<std::size_t>(config.hidden_size);
  const SpanHeadPass pass{.hidden = buffers.input_of(layers.size()),
                          .n_rows = n_rows,
                          .width = h,
                          .dropout = dropout_of(options.head_dropout, stream, Place::kHead),
                          .dropped = buffers.dropped.data(),
                          .n_threads = options.n_threads};
  const SpanHeadTensors<const float> head_weights = places.head<const float>(weights.data());
  span_head_forward(pass, head_weights, logits);
  d_logits.start.resize(n_rows);
  d_logits.end.resize(n_rows);
  double loss = 0.0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::size_t begin = batch.offsets[i];
    const std::size_t n = batch.offsets[i + 1] - begin;
    const double half = 0.5 * static_cast<double>(labels[i].weight);
    const auto add = [&](const std::vector<float>& values, std::uint32_t label, std::vector<float>& gradient) {
      loss += cross_entropy({.logits = values.data() + begin,
                             .n = n,
                             .label = label,
                             .smoothing = static_cast<double>(options.label_smoothing),
                             .weight = half},
                            gradient.data() + begin);
    };
    add(logits.start, labels[i].start, d_logits.start);
    add(logits.end, labels[i].end, d_logits.end);
  }
  span_head_backward(pass, head_weights, d_logits, places.head(gradients.data()), buffers.gradient.data());
  return loss;
}

void TrainableModel::Impl::backward(const PackedBatch& batch, std::uint64_t stream) {
  const auto n_frozen = static_cast<std::size_t>(options.frozen_layers);
  float* const gradient = buffers.gradient.data();
  for (std::size_t i = layers.size(); i-- > n_frozen;) {
    const LayerTape layer_tape = tape(i, stream);
    const LayerBackward::Pass pass{.layer = layers[i],
                                   .input = buffers.input_of(i),
                                   .offsets = batch.offsets,
                                   .buffers = buffers.buffers(i),
                                   .tape = layer_tape};
    const bool wants_input = i > n_frozen || n_frozen == 0;
    layers_back[i - n_frozen].backward(pass, gradient, wants_input, places.layer(gradients.data(), static_cast<int>(i)),
                                       way_back, scratch);
  }
  if (n_frozen > 0) return;
  const LayerNormTape embedding_tape = buffers.embedding_tape();
  const Dropout embedding_dropout = dropout_of(options.hidden_dropout, stream, Place::kEmbeddings);
  embeddings_backward({embeddings, batch, embedding_tape, embedding_dropout}, gradient,
                      places.embeddings(gradients.data()), options.n_threads);
  touched.insert(touched.end(), batch.ids.begin(), batch.ids.end());
}

TrainableModel::TrainableModel(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TrainableModel::~TrainableModel() = default;
const ModelConfig& TrainableModel::config() const { return impl_->config; }
const ParameterLayout& TrainableModel::layout() const { return impl_->layout; }
bool TrainableModel::has_new_head() const { return impl_->has_new_head; }
std::span<float> TrainableModel::weights() { return {impl_->weights.data(), impl_->layout.n_floats()}; }
std::span<float> TrainableModel::gradients() { return {impl_->gradients.data(), impl_->layout.n_floats()}; }
void TrainableModel::clear_touched_words() { impl_->touched.clear(); }

Result<std::unique_ptr<TrainableModel>> TrainableModel::open(const std::filesystem::path& folder,
                                                             const TrainableOptions& options) {
  SPANQA_CHECK(options.n_threads >= 1);
  SPANQA_ASSIGN(ModelConfig config, read_model_config(folder));
  SPANQA_TRY(check_options(options, config));
  auto impl = std::make_unique<Impl>(std::move(config), options);
  SPANQA_TRY(impl->load(folder));
  SPANQA_TRY(impl->lay_out());
  return std::unique_ptr<TrainableModel>(new TrainableModel(std::move(impl)));
}

void TrainableModel::lay_out_weights() {
  const float* const array = impl_->weights.data();
  const EmbeddingTensors<const float> tables = impl_->places.embeddings(array);
  impl_->embeddings.assign_norm(tables.gamma, tables.beta);
  const auto n_frozen = static_cast<std::size_t>(impl_->options.frozen_layers);
  for (std::size_t i = n_frozen; i < impl_->layers.size(); ++i) {
    const LayerTensors<const float> tensors = impl_->places.layer(array, static_cast<int>(i));
    impl_->layers[i].assign(tensors, impl_->options.n_threads);
    impl_->layers_back[i - n_frozen].assign(tensors, impl_->options.n_threads);
  }
}

std::span<const std::uint32_t> TrainableModel::touched_words() {
  std::vector<std::uint32_t>& touched = impl_->touched;
  std::sort(touched.begin(), touched.end());
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  return touched;
}

Result<double> TrainableModel::add_gradients(const PackedBatch& batch, std::span<const SpanLabel> labels,
                                             std::uint64_t stream) {
  SPANQA_TRY(check_batch(batch, impl_->config));
  SPANQA_TRY(check_labels(batch, labels));
  if (batch.n_tokens() == 0) return 0.0;
  impl_->buffers.reserve(impl_->config, batch.n_tokens());
  impl_->forward(batch, stream);
  const double loss = impl_->head(batch, labels, stream);
  impl_->backward(batch, stream);
  return loss;
}

double training_flops(const ModelConfig& config, std::size_t n_tokens) { return 3.0 * forward_flops(config, n_tokens); }

}  // namespace spanqa

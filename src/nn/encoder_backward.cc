#include "nn/encoder_backward.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "nn/kernels/attention_training.h"
#include "nn/kernels/parallel.h"
#include "nn/kernels/training_elementwise.h"
#include "nn/weight_gradient.h"

namespace spanqa {
namespace {

// Columns of a matrix that a thread sums up at once: whole cache lines, and enough of them that a row's worth is not a
// waste of the line fetched after it.
constexpr std::size_t kColumns = 64;
constexpr std::size_t kMinRowsPerThread = 32;

/// sums += the columns' sums of `rows`, or of rows * factors.
struct ColumnSum {
  const float* rows = nullptr;     // [n_rows, width]
  const float* factors = nullptr;  // the same shape; null: ones
  std::size_t width = 0;
  float* sums = nullptr;  // [width]
};

void add_columns(const ColumnSum& sum, std::size_t first, std::size_t n_rows) {
  const std::size_t width = std::min(kColumns, sum.width - first);
  const ColumnsView rows{.first = sum.rows + first, .stride = sum.width};
  if (sum.factors == nullptr) {
    add_column_sums(rows, n_rows, width, sum.sums + first);
  } else {
    add_column_products(rows, {.first = sum.factors + first, .stride = sum.width}, n_rows, width, sum.sums + first);
  }
}

/// Threads take columns, so that each sum runs over the rows in one order.
void add_columns(std::span<const ColumnSum> sums, std::size_t n_rows, int n_threads) {
  std::vector<std::pair<const ColumnSum*, std::size_t>> pieces;
  for (const ColumnSum& sum : sums) {
    for (std::size_t first = 0; first < sum.width; first += kColumns) pieces.emplace_back(&sum, first);
  }
#pragma omp parallel for num_threads(n_threads) schedule(dynamic, 1)
  for (std::size_t piece = 0; piece < pieces.size(); ++piece) {
    add_columns(*pieces[piece].first, pieces[piece].second, n_rows);
  }
}

constexpr MixFactors kAdd = {.x = 1.0F, .y = 1.0F};

}  // namespace

void BackwardWorkspace::reserve(std::size_t n_rows, std::size_t hidden, std::size_t intermediate) {
  const std::size_t rows = n_rows + kLinearSlackRows;
  d_down_.at_least(rows * hidden);
  d_activation_.at_least(rows * intermediate);
  d_attended_.at_least(rows * hidden);
  d_attention_sum_.at_least(rows * hidden);
  d_projected_.at_least(rows * hidden);
  d_context_.at_least(rows * hidden);
  d_qkv_.at_least(rows * 3 * hidden);
}

LayerBackward::LayerBackward(Linear qkv, Linear attention_out, Linear up, Linear down)
    : qkv_(std::move(qkv)), attention_out_(std::move(attention_out)), up_(std::move(up)), down_(std::move(down)) {}

Result<LayerBackward> LayerBackward::create(const LayerTensors<const float>& tensors, const ModelConfig& config,
                                            Precision precision) {
  const auto h = static_cast<std::size_t>(config.hidden_size);
  const auto i = static_cast<std::size_t>(config.intermediate_size);
  SPANQA_ASSIGN(Linear qkv, Linear::create_transposed(tensors.qkv_weight, 3 * h, h, precision));
  SPANQA_ASSIGN(Linear attention_out, Linear::create_transposed(tensors.attention_out_weight, h, h, precision));
  SPANQA_ASSIGN(Linear up, Linear::create_transposed(tensors.up_weight, i, h, precision));
  SPANQA_ASSIGN(Linear down, Linear::create_transposed(tensors.down_weight, h, i, precision));
  return LayerBackward(std::move(qkv), std::move(attention_out), std::move(up), std::move(down));
}

void LayerBackward::assign(const LayerTensors<const float>& tensors, int n_threads) {
  qkv_.assign_transposed(tensors.qkv_weight, n_threads);
  attention_out_.assign_transposed(tensors.attention_out_weight, n_threads);
  up_.assign_transposed(tensors.up_weight, n_threads);
  down_.assign_transposed(tensors.down_weight, n_threads);
}

void LayerBackward::backward(const Pass& pass, float* d_output, bool wants_input, const LayerTensors<float>& gradients,
                             BackwardWorkspace& workspace, EncoderScratch& scratch) const {
  const std::size_t n_rows = pass.offsets.back();
  const std::size_t h = attention_out_.n();
  workspace.reserve(n_rows, h, up_.k());
  for_each_tile(n_rows, scratch,
                [&](RowRange rows, TileScratch& own) { rows_before_attention(pass, rows, d_output, workspace, own); });
  const AttentionInput attention_input{.qkv = pass.buffers.qkv,
                                       .row_stride = 3 * h,
                                       .offsets = pass.offsets,
                                       .n_heads = pass.layer.n_heads(),
                                       .head_size = h / pass.layer.n_heads()};
  float* const d_qkv = workspace.d_qkv_.data();
  attention_backward(attention_input, pass.tape.dropouts.attention,
                     {.out = pass.buffers.context,
                      .log_sums = pass.tape.log_sums,
                      .d_out = workspace.d_context_.data(),
                      .d_qkv = d_qkv},
                     scratch.attention, scratch.n_threads);
  add_weight_gradients(pass, gradients, workspace);
  add_vector_gradients(pass, d_output, gradients, workspace, scratch.n_threads);
  if (!wants_input) return;
  const float* const d_attention_sum = workspace.d_attention_sum_.data();
  for_each_tile(n_rows, scratch, [&](RowRange rows, TileScratch& own) {
    const std::size_t offset = rows.begin * h;
    qkv_.forward(d_qkv + 3 * offset, rows.n, d_output + offset, own.matmul);
    mix(kAdd, d_attention_sum + offset, rows.n * h, d_output + offset);
  });
}

// From the layer's output back to what attention gathered.
void LayerBackward::rows_before_attention(const Pass& pass, RowRange rows, const float* d_output,
                                          BackwardWorkspace& workspace, TileScratch& scratch) const {
  const std::size_t h = attention_out_.n();
  const std::size_t i = up_.k();
  const std::size_t offset = rows.begin * h;
  const LayerTape& tape = pass.tape;
  float* const d_attended = workspace.d_attended_.data() + offset;
  float* const d_down = workspace.d_down_.data() + offset;
  float* const d_activation = workspace.d_activation_.data() + rows.begin * i;
  float* const d_projected = workspace.d_projected_.data() + offset;
  float* const d_through_up = scratch.projected.at_least((kRowTile + kLinearSlackRows) * h);
  layer_norm_backward(d_output + offset, tape_from(tape.output, rows.begin, h), pass.layer.output_norm(),
                      {tape.dropouts.output, rows.begin}, rows.n, d_attended, d_down);
  down_.forward(d_down, rows.n, d_activation, scratch.matmul);
  activation_backward(pass.layer.activation(), tape.pre_activation + rows.begin * i, d_activation, rows.n * i);
  up_.forward(d_activation, rows.n, d_through_up, scratch.matmul);
  mix(kAdd, d_through_up, rows.n * h, d_attended);
  layer_norm_backward(d_attended, tape_from(tape.attended, rows.begin, h), pass.layer.attention_norm(),
                      {tape.dropouts.attention_out, rows.begin}, rows.n, workspace.d_attention_sum_.data() + offset,
                      d_projected);
  attention_out_.forward(d_projected, rows.n, workspace.d_context_.data() + offset, scratch.matmul);
}

void LayerBackward::add_weight_gradients(const Pass& pass, const LayerTensors<float>& gradients,
                                         BackwardWorkspace& workspace) const {
  const std::size_t n_rows = pass.offsets.back();
  const std::size_t h = attention_out_.n();
  const std::size_t i = up_.k();
  const auto add = [&](const float* x, std::size_t k, const AlignedBuffer& d_y, std::size_t n, float* d_w) {
    add_weight_gradient({.x = x, .d_y = d_y.data(), .rows = n_rows, .n = n, .k = k, .d_w = d_w}, up_.precision(),
                        workspace.sums_);
  };
  add(pass.tape.pre_activation, i, workspace.d_down_, h, gradients.down_weight);
  add(pass.buffers.attended, h, workspace.d_activation_, i, gradients.up_weight);
  add(pass.buffers.context, h, workspace.d_projected_, h, gradients.attention_out_weight);
  add(pass.input, h, workspace.d_qkv_, 3 * h, gradients.qkv_weight);
}

void LayerBackward::add_vector_gradients(const Pass& pass, const float* d_output, const LayerTensors<float>& gradients,
                                         BackwardWorkspace& workspace, int n_threads) const {
  const std::size_t h = attention_out_.n();
  const float* const d_attended = workspace.d_attended_.data();
  const ColumnSum sums[] = {
      {workspace.d_activation_.data(), nullptr, up_.k(), gradients.up_bias},
      {workspace.d_qkv_.data(), nullptr, 3 * h, gradients.qkv_bias},
      {workspace.d_down_.data(), nullptr, h, gradients.down_bias},
      {workspace.d_projected_.data(), nullptr, h, gradients.attention_out_bias},
      {d_output, pass.tape.output.normalised, h, gradients.output_gamma},
      {d_output, nullptr, h, gradients.output_beta},
      {d_attended, pass.tape.attended.normalised, h, gradients.attention_gamma},
      {d_attended, nullptr, h, gradients.attention_beta},
  };
  add_columns(sums, pass.offsets.back(), n_threads);
}

void embeddings_forward(const EmbeddingPass& pass, float* out, EncoderScratch& scratch) {
  const LayerNormWeights norm = pass.embeddings.norm();
  const Dropout nothing;
  parallel_rows(pass.batch.n_tokens(), kMinRowsPerThread, scratch.n_threads, [&](std::size_t begin, std::size_t end) {
    float* const rows = out + begin * norm.width;
    pass.embeddings.sum(pass.batch, begin, end, out);
    add_layer_norm_train(rows, nullptr, {nothing, begin}, norm, end - begin, rows,
                         tape_from(pass.tape, begin, norm.width));
    if (!pass.dropout.is_off()) dropout(pass.dropout, begin, end - begin, norm.width, rows, rows);
  });
}

namespace {

/// Adds columns [first, first + kColumns) of every token's row to the tables' rows.
void scatter(const EmbeddingPass& pass, const float* d_sum, std::size_t first,
             const EmbeddingTensors<float>& gradients) {
  const std::size_t hidden = pass.embeddings.norm().width;
  const std::size_t width = std::min(kColumns, hidden - first);
  const PackedBatch& batch = pass.batch;
  for (std::size_t sequence = 0; sequence + 1 < batch.offsets.size(); ++sequence) {
    for (std::size_t t = batch.offsets[sequence]; t < batch.offsets[sequence + 1]; ++t) {
      const float* const row = d_sum + t * hidden + first;
      const auto add = [&](float* table, std::size_t i) { mix(kAdd, row, width, table + i * hidden + first); };
      add(gradients.word, static_cast<std::size_t>(batch.ids[t]));
      add(gradients.position, t - batch.offsets[sequence]);
      if (gradients.type != nullptr) add(gradients.type, batch.type_ids[t]);
    }
  }
}

}  // namespace

void embeddings_backward(const EmbeddingPass& pass, float* d_out, const EmbeddingTensors<float>& gradients,
                         int n_threads) {
  const LayerNormWeights norm = pass.embeddings.norm();
  const std::size_t n_rows = pass.batch.n_tokens();
  const Dropout nothing;
  if (!pass.dropout.is_off()) {
    parallel_rows(n_rows, kMinRowsPerThread, n_threads, [&](std::size_t begin, std::size_t end) {
      float* const rows = d_out + begin * norm.width;
      dropout(pass.dropout, begin, end - begin, norm.width, rows, rows);
    });
  }
  const ColumnSum sums[] = {{d_out, pass.tape.normalised, norm.width, gradients.gamma},
                            {d_out, nullptr, norm.width, gradients.beta}};
  add_columns(sums, n_rows, n_threads);
  parallel_rows(n_rows, kMinRowsPerThread, n_threads, [&](std::size_t begin, std::size_t end) {
    float* const rows = d_out + begin * norm.width;
    layer_norm_backward(rows, tape_from(pass.tape, begin, norm.width), norm, {nothing, begin}, end - begin, rows,
                        nullptr);
  });
  const std::size_t n_pieces = (norm.width + kColumns - 1) / kColumns;
#pragma omp parallel for num_threads(n_threads) schedule(dynamic, 1)
  for (std::size_t piece = 0; piece < n_pieces; ++piece) scatter(pass, d_out, piece * kColumns, gradients);
}

}  // namespace spanqa

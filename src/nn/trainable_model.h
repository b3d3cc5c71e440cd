// A question-answering model that learns: weights in one array, and from a batch with labels to the loss and its
// gradient in another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "nn/model_config.h"
#include "nn/packed_batch.h"
#include "nn/parameters.h"
#include "nn/precision.h"

namespace spanqa {

/// What one sequence of a batch should be answered with: places in the sequence, both inclusive; 0 and 0 (the [CLS]
/// token) where it holds no answer.
struct SpanLabel {
  std::uint32_t start = 0;
  std::uint32_t end = 0;
  float weight = 1.0F;  // of the sequence's loss in the sum
};

struct TrainableOptions {
  Precision precision = Precision::kFloat32;
  int n_threads = 1;
  // Shares that are dropped, 0 to kMaxDropout.
  float hidden_dropout = 0.0F;
  float attention_dropout = 0.0F;
  float head_dropout = 0.0F;
  float label_smoothing = 0.0F;
  int frozen_layers = 0;   // above 0, the embeddings and so many layers have no gradient, and no time is spent on one
  std::uint64_t seed = 0;  // of dropout, and of a new head
};

/// Threads: one caller at a time; kernels use `n_threads`. The gradient is the same for any number of threads up to
///          what Linear and add_weight_gradient say.
/// Memory:  weights and gradients once in float32; two layouts of the linear layers' weights in the products'
/// precision;
///          about (12 h + i) floats for each token of the largest batch and layer, and (12 h + 2 i) once.
class TrainableModel {
 public:
  /// Opens a Hugging Face folder of an encoder, with an answer head or without: then one is drawn from a normal
  /// distribution of deviation 0.02, as transformers does (has_new_head()). Errors as QaModel::open; kInvalidArgument
  /// for more frozen layers than there are, and for a dropout outside 0 to kMaxDropout
  /// (nn/kernels/dropout.h).
  static Result<std::unique_ptr<TrainableModel>> open(const std::filesystem::path& folder,
                                                      const TrainableOptions& options);
  ~TrainableModel();
  TrainableModel(const TrainableModel&) = delete;
  TrainableModel& operator=(const TrainableModel&) = delete;

  const ModelConfig& config() const;
  const ParameterLayout& layout() const;
  bool has_new_head() const;

  /// [layout().n_floats()]. After a change, lay_out_weights() makes it count.
  std::span<float> weights();
  void lay_out_weights();

  /// [layout().n_floats()]. add_gradients adds to it; whoever uses it up sets it to zero again. Rows of the word table
  /// other than touched_words() are zero.
  std::span<float> gradients();
  /// Ids in the batches since clear_touched_words(), sorted, each once.
  std::span<const std::uint32_t> touched_words();
  void clear_touched_words();

  /// Runs a batch forward and back, and adds the gradient of the sum of weight x loss over its sequences, which it
  /// returns. A sequence's loss is the mean of the cross-entropies of its start and its end over its own tokens.
  /// `stream` names the dropout: another one for each batch of a run. kInvalidArgument as check_batch, and for a label
  /// outside its sequence. Not finite numbers pass through to the result.
  Result<double> add_gradients(const PackedBatch& batch, std::span<const SpanLabel> labels, std::uint64_t stream);

 private:
  struct Impl;
  explicit TrainableModel(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Floating-point operations of training on one sequence: three times forward_flops.
double training_flops(const ModelConfig& config, std::size_t n_tokens);

}  // namespace spanqa

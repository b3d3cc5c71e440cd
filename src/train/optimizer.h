// AdamW over the parameters of a model, with clipping by the global norm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "nn/aligned_buffer.h"
#include "nn/parameters.h"
#include "train/options.h"

namespace spanqa {

/// What of TrainOptions an optimiser needs.
struct OptimizerOptions {
  double weight_decay = 0.0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;               // above 0
  double max_gradient_norm = 1.0;  // 0: no clipping
  double layer_decay = 1.0;        // layer i of n (embeddings: 0) learns at the rate times layer_decay^(n - i)
  std::size_t frozen_layers = 0;   // the embeddings and so many layers stay as they are; 0: nothing does
};

OptimizerOptions optimizer_options(const TrainOptions& options);

/// AdamW in PyTorch's form: decoupled decay, bias correction, eps outside the root. All arrays are laid out by the
/// layout that the optimiser was made with; gaps hold zeros.
///
/// The word embeddings' gradient is sparse: a row that no batch has touched has zero moments, for which AdamW is only
/// the decay. The result is that of the dense gradient, bit for bit.
/// Threads: one caller; a step spreads over `n_threads`, whose number changes no bit of the result.
/// Memory: two arrays of the layout. Cost of a step: one pass over the gradients, one over all arrays.
class Optimizer {
 public:
  Optimizer(const ParameterLayout& layout, const OptimizerOptions& options, int n_threads);

  /// One update of `weights`. `touched_rows`: the distinct word ids, in rising order, whose rows of the gradient may
  /// differ from zero; all others must be zero. Returns the norm of the gradients before clipping, without those of
  /// frozen tensors. The factor of clipping is that of torch.nn.utils.clip_grad_norm_. Where the norm is infinite or
  /// NaN, nothing but the gradients is changed and the step does not count. Leaves the gradients zero.
  double step(double learning_rate, std::span<float> weights, std::span<float> gradients,
              std::span<const std::uint32_t> touched_rows);

  std::span<const float> first_moments() const { return {first_, n_floats_}; }
  std::span<const float> second_moments() const { return {second_, n_floats_}; }
  std::uint64_t n_steps() const { return n_steps_; }
  /// Takes up where another optimiser of the same layout and options stopped.
  void restore(std::span<const float> first, std::span<const float> second, std::uint64_t n_steps);

 private:
  /// Part of one tensor that a thread takes at a time.
  struct Chunk {
    std::size_t offset = 0;
    std::size_t n = 0;
    double rate_factor = 1.0;
    bool decays = false;
    bool is_frozen = false;
    // Of the word embeddings: its rows. None: a dense tensor.
    std::size_t first_row = 0;
    std::size_t n_rows = 0;
  };
  /// One step's coefficients and arrays.
  struct Update;

  void add_chunks(const Parameter& parameter, int n_layers, const OptimizerOptions& options);
  double gradient_norm(const Update& update);
  void update_chunk(const Update& update, const Chunk& chunk);
  void update_rows(const Update& update, const Chunk& chunk);

  OptimizerOptions options_;
  int n_threads_;
  std::size_t n_floats_;
  std::size_t row_width_ = 0;  // of the word embeddings
  std::vector<Chunk> chunks_;
  std::vector<double> sums_;           // of squares, for each chunk
  std::vector<std::uint8_t> touched_;  // for each row of the word embeddings: its moments may differ from zero
  AlignedBuffer first_memory_;
  AlignedBuffer second_memory_;
  float* first_;
  float* second_;
  std::uint64_t n_steps_ = 0;
};

}  // namespace spanqa

#include "train/optimizer.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "nn/kernels/training_elementwise.h"

namespace spanqa {
namespace {

// Numbers of a chunk: the four arrays' parts of that length fit a second-level cache, and a small model still has more
// chunks than threads. Sums are added chunk by chunk, so it is part of the result's last bits.
constexpr std::size_t kChunk = std::size_t{1} << 16;

/// `work(i)` for each i below n, on whichever thread is free.
template <typename Work>
void parallel_for(std::size_t n, int n_threads, const Work& work) {
#pragma omp parallel for num_threads(n_threads) schedule(dynamic, 4) if (n_threads > 1)
  for (std::size_t i = 0; i < n; ++i) work(i);
}

bool has_numbers(const float* x, std::size_t n) {
  return std::any_of(x, x + n, [](float value) { return value != 0.0F; });
}

}  // namespace

struct Optimizer::Update {
  AdamWStep step;  // learning rate and decay are those of a chunk without factor, with decay
  float* weights = nullptr;
  float* gradients = nullptr;
  std::span<const std::uint32_t> rows;
  bool is_skipped = false;

  /// The coefficients that hold for a chunk.
  AdamWStep step_of(const Chunk& chunk) const {
    AdamWStep own = step;
    own.learning_rate *= chunk.rate_factor;
    if (!chunk.decays) own.weight_decay = 0.0;
    return own;
  }
  /// The touched rows of a chunk.
  std::span<const std::uint32_t> rows_of(const Chunk& chunk) const {
    const auto begin = std::lower_bound(rows.begin(), rows.end(), chunk.first_row);
    const auto end = std::lower_bound(begin, rows.end(), chunk.first_row + chunk.n_rows);
    return {begin, end};
  }
};

OptimizerOptions optimizer_options(const TrainOptions& options) {
  return {.weight_decay = options.weight_decay,
          .beta1 = options.beta1,
          .beta2 = options.beta2,
          .eps = options.eps,
          .max_gradient_norm = options.max_gradient_norm,
          .layer_decay = options.layer_decay,
          .frozen_layers = options.frozen_layers};
}

Optimizer::Optimizer(const ParameterLayout& layout, const OptimizerOptions& options, int n_threads)
    : options_(options),
      n_threads_(n_threads),
      n_floats_(layout.n_floats()),
      first_(first_memory_.at_least(n_floats_)),
      second_(second_memory_.at_least(n_floats_)) {
  SPANQA_CHECK(n_threads >= 1 && options.eps > 0.0 && !layout.parameters().empty());
  const int n_layers = layout.parameters().back().level - 1;  // the answer head comes last
  for (const Parameter& parameter : layout.parameters()) add_chunks(parameter, n_layers, options);
  sums_.resize(chunks_.size());
}

void Optimizer::add_chunks(const Parameter& parameter, int n_layers, const OptimizerOptions& options) {
  const bool is_sparse = parameter.has_sparse_gradient;
  SPANQA_CHECK(!is_sparse || row_width_ == 0);
  if (is_sparse) {
    row_width_ = parameter.shape[1];
    touched_.resize(parameter.shape[0]);
  }
  const std::size_t step = is_sparse ? std::max<std::size_t>(kChunk / row_width_, 1) * row_width_ : kChunk;
  for (std::size_t begin = 0; begin < parameter.size; begin += step) {
    Chunk chunk{.offset = parameter.offset + begin, .n = std::min(step, parameter.size - begin)};
    chunk.rate_factor = std::pow(options.layer_decay, std::max(0, n_layers - parameter.level));
    chunk.decays = parameter.decays;
    chunk.is_frozen = options.frozen_layers > 0 && static_cast<std::size_t>(parameter.level) <= options.frozen_layers &&
                      parameter.level <= n_layers;
    if (is_sparse) {
      chunk.first_row = begin / row_width_;
      chunk.n_rows = chunk.n / row_width_;
    }
    chunks_.push_back(chunk);
  }
}

double Optimizer::gradient_norm(const Update& update) {
  parallel_for(chunks_.size(), n_threads_, [&](std::size_t i) {
    const Chunk& chunk = chunks_[i];
    double sum = 0.0;
    if (chunk.n_rows == 0 && !chunk.is_frozen) sum = sum_of_squares(update.gradients + chunk.offset, chunk.n);
    if (chunk.n_rows > 0 && !chunk.is_frozen) {
      for (const std::uint32_t row : update.rows_of(chunk)) {
        const std::size_t offset = chunk.offset + (row - chunk.first_row) * row_width_;
        sum += sum_of_squares(update.gradients + offset, row_width_);
      }
    }
    sums_[i] = sum;
  });
  double sum = 0.0;
  for (const double part : sums_) sum += part;
  return std::sqrt(sum);
}

double Optimizer::step(double learning_rate, std::span<float> weights, std::span<float> gradients,
                       std::span<const std::uint32_t> touched_rows) {
  SPANQA_CHECK(weights.size() == n_floats_ && gradients.size() == n_floats_);
  SPANQA_CHECK(touched_rows.empty() || touched_rows.back() < touched_.size());
  Update update{.step = {}, .weights = weights.data(), .gradients = gradients.data(), .rows = touched_rows};
  const double norm = gradient_norm(update);
  update.is_skipped = !std::isfinite(norm);
  if (!update.is_skipped) {
    const auto t = static_cast<double>(++n_steps_);
    const double limit = options_.max_gradient_norm;
    update.step = {.learning_rate = learning_rate,
                   .weight_decay = options_.weight_decay,
                   .beta1 = options_.beta1,
                   .beta2 = options_.beta2,
                   .eps = options_.eps,
                   .bias_correction1 = 1.0 - std::pow(options_.beta1, t),
                   .bias_correction2 = 1.0 - std::pow(options_.beta2, t),
                   .gradient_scale = limit > 0.0 ? std::min(1.0, limit / (norm + 1e-6)) : 1.0};
    for (const std::uint32_t row : touched_rows) touched_[row] = 1;
  }
  parallel_for(chunks_.size(), n_threads_, [&](std::size_t i) { update_chunk(update, chunks_[i]); });
  return norm;
}

void Optimizer::update_chunk(const Update& update, const Chunk& chunk) {
  const bool is_updated = !update.is_skipped && !chunk.is_frozen;
  float* const gradients = update.gradients + chunk.offset;
  if (chunk.n_rows > 0) {
    if (is_updated) update_rows(update, chunk);
    for (const std::uint32_t row : update.rows_of(chunk)) {
      std::fill_n(gradients + (row - chunk.first_row) * row_width_, row_width_, 0.0F);
    }
    return;
  }
  if (is_updated) {
    adamw_update(update.step_of(chunk), gradients, chunk.n, update.weights + chunk.offset, first_ + chunk.offset,
                 second_ + chunk.offset);
  }
  std::fill_n(gradients, chunk.n, 0.0F);
}

void Optimizer::update_rows(const Update& update, const Chunk& chunk) {
  const AdamWStep step = update.step_of(chunk);
  const bool has_decay = step.learning_rate * step.weight_decay != 0.0;
  const std::span<const std::uint32_t> rows = update.rows_of(chunk);
  auto next = rows.begin();
  // A row of zeros to read and two to lose: what an untouched row's moments are, without fetching them from memory.
  std::vector<float> zeros(3 * row_width_);
  float* const zero = zeros.data();
  for (std::size_t i = 0; i < chunk.n_rows; ++i) {
    const std::size_t row = chunk.first_row + i;
    const std::size_t offset = chunk.offset + i * row_width_;
    const bool has_gradient = next != rows.end() && *next == row;
    if (has_gradient) ++next;
    const float* const gradient = has_gradient ? update.gradients + offset : zero;
    if (touched_[row] != 0) {
      adamw_update(step, gradient, row_width_, update.weights + offset, first_ + offset, second_ + offset);
    } else if (has_decay) {
      adamw_update(step, zero, row_width_, update.weights + offset, zero + row_width_, zero + 2 * row_width_);
    }
  }
}

void Optimizer::restore(std::span<const float> first, std::span<const float> second, std::uint64_t n_steps) {
  SPANQA_CHECK(first.size() == n_floats_ && second.size() == n_floats_);
  std::copy(first.begin(), first.end(), first_);
  std::copy(second.begin(), second.end(), second_);
  n_steps_ = n_steps;
  for (const Chunk& chunk : chunks_) {
    for (std::size_t i = 0; i < chunk.n_rows; ++i) {
      const std::size_t offset = chunk.offset + i * row_width_;
      touched_[chunk.first_row + i] =
          has_numbers(first_ + offset, row_width_) || has_numbers(second_ + offset, row_width_) ? 1 : 0;
    }
  }
}

}  // namespace spanqa

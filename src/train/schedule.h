// How many steps a run has, and how far the learning rate is open at each of them.
#pragma once

#include <cstddef>

#include "train/options.h"

namespace spanqa {

/// Optimiser steps of an epoch: the last one takes what batches are left.
std::size_t steps_per_epoch(std::size_t n_batches, std::size_t accumulation_steps);

/// Optimiser steps of a run: `options.max_steps`, or as many as `options.epochs` hold, rounded up, as the Hugging Face
/// Trainer counts them. 0 only when an epoch has none.
std::size_t count_steps(const TrainOptions& options, std::size_t epoch_steps);

/// Steps of warm-up: `options.warmup_steps`, or the share `options.warmup_ratio` of all steps, rounded up.
std::size_t count_warmup_steps(const TrainOptions& options, std::size_t n_steps);

struct RunLength {
  std::size_t steps_in_epoch = 0;
  std::size_t n_steps = 0;
  std::size_t n_warmup_steps = 0;
};
/// `n_batches` are those of the first epoch, even for a resumed run: token batches differ from epoch to epoch.
RunLength run_length(const TrainOptions& options, std::size_t n_batches);

/// The factor of the learning rate at each step, as transformers' get_linear_schedule_with_warmup and its kin have it.
class Schedule {
 public:
  Schedule(ScheduleKind kind, std::size_t n_warmup_steps, std::size_t n_steps)
      : kind_(kind), n_warmup_steps_(n_warmup_steps), n_steps_(n_steps) {}

  /// For the step that `step` others came before: with warm-up the first one has factor 0. From 0 to 1; past the last
  /// step 0, or 1 with kConstant.
  double factor(std::size_t step) const;

 private:
  ScheduleKind kind_;
  std::size_t n_warmup_steps_;
  std::size_t n_steps_;
};

}  // namespace spanqa

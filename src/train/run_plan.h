// What a run would be, found without training.
#pragma once

#include <cstddef>

#include "base/result.h"
#include "train/options.h"
#include "train/schedule.h"
#include "train/training_set.h"

namespace spanqa {

struct RunPlan {
  TrainingSetCounts counts;
  RunLength length;
  std::size_t n_validation = 0;  // questions that the model is scored on
};

/// Reads model settings, tokenizer and all data as train() does, and fails with what train() would fail with before its
/// first step; writes nothing. Cost: reading and tokenising.
Result<RunPlan> plan_run(const TrainOptions& options);

}  // namespace spanqa

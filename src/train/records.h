// What a training run says of itself, for everyone who listens: terminal, events.jsonl, TensorBoard, the report.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "qa/slices.h"
#include "qa/squad_metrics.h"
#include "qa/worst_errors.h"

namespace spanqa {

/// One optimiser step, or the mean of several (`loss`, `gradient_norm` and speeds, since the last record).
struct StepRecord {
  std::size_t step = 0;  // from 1
  std::size_t n_steps = 0;
  double epoch = 0.0;
  double loss = 0.0;           // mean over the windows, with their weights; over batches' means with accumulation
  double learning_rate = 0.0;  // that the last step used
  double gradient_norm = 0.0;  // before clipping
  double windows_per_second = 0.0;
  double tokens_per_second = 0.0;
  double seconds = 0.0;       // of the run so far, the pauses before a resumption left out
  double seconds_left = 0.0;  // estimated
  std::uint64_t peak_memory_bytes = 0;
};

/// One evaluation on the validation file.
struct EvaluationRecord {
  std::size_t step = 0;
  double epoch = 0.0;
  double loss = 0.0;
  MetricValues metrics;  // official keys: exact_match and f1, or exact, f1, HasAns_*, NoAns_*
  double exact = 0.0;    // percent; exact_match or exact
  double f1 = 0.0;       // percent
  std::vector<SliceGroup> slices;
  std::vector<WorstError> worst;
  double seconds = 0.0;
  bool is_best = false;  // so far, by f1
};

/// A checkpoint that was written.
struct CheckpointRecord {
  std::size_t step = 0;
  std::string folder;
  double seconds = 0.0;           // of the run so far, as StepRecord has it
  double seconds_training = 0.0;  // of those, in steps: without evaluations and checkpoints
};

}  // namespace spanqa

// Where a run stands: all that a resumed one needs besides weights and moments, and its form as training_state.json.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "qa/squad_metrics.h"
#include "train/options.h"
#include "train/records.h"

namespace spanqa {

/// A line of trainer_state.json's log_history, under the Hugging Face Trainer's names.
struct LogEntry {
  std::size_t step = 0;
  double epoch = 0.0;
  MetricValues values;  // grad_norm, learning_rate, loss; or eval_loss, eval_exact_match, eval_f1, ..
};
LogEntry log_entry(const StepRecord& record);
LogEntry log_entry(const EvaluationRecord& record);

/// Everything random is a function of seed, epoch and step: counters are all there is to keep.
struct RunState {
  std::size_t step = 0;  // optimiser steps done
  std::size_t n_steps = 0;
  double epoch = 0.0;            // epochs done, with the part of the one that goes on
  std::size_t epoch_index = 0;   // of the epoch that goes on, from 0
  std::size_t batches_done = 0;  // of that epoch
  std::uint64_t n_windows = 0;   // learned from so far
  std::uint64_t n_tokens = 0;    // likewise
  double total_flops = 0.0;

  std::optional<double> best_f1;  // percent
  std::size_t best_step = 0;
  std::size_t n_evaluations_without_gain = 0;
  bool is_evaluation_due = false;  // the evaluation of `step` was cut short: a resumed run begins with it

  // Sums since the last StepRecord.
  std::size_t n_unlogged_steps = 0;
  double unlogged_loss = 0.0;
  double unlogged_gradient_norm = 0.0;

  std::uint64_t data_checksum = 0;  // of the training windows, for a resumed run to compare; 0: none was taken

  std::vector<LogEntry> log;  // stands in trainer_state.json, the rest in training_state.json
};

/// Size and checksum64 of a file.
struct FileSum {
  std::uint64_t n_bytes = 0;
  std::uint64_t checksum = 0;
  friend bool operator==(const FileSum&, const FileSum&) = default;
};

/// What training_state.json holds.
struct TrainingState {
  RunState run;  // without the log
  TrainOptions options;
  std::uint64_t n_optimizer_steps = 0;
  std::map<std::string, FileSum> files;  // of the folder, by name
};

/// kInvalidArgument when a number of the run is not finite.
Result<std::string> training_state_json(const TrainingState& state);

/// kCorrupt, with `source` in front, for anything that training_state_json does not write: the text carries a checksum
/// of itself. kUnsupported for a later version.
Result<TrainingState> parse_training_state(std::string_view json, std::string_view source);

}  // namespace spanqa

// The training run: from settings to a model, checkpoints, a log and a report.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "train/options.h"
#include "train/records.h"

namespace spanqa {

/// Tokens of a micro-batch: a step's windows go through the model so many at a time, and their gradients add up.
/// Enough rows for every thread's tiles, and few enough that memory does not depend on the batch.
constexpr std::size_t kMicroBatchTokens = 2048;

/// Who wants to know. All are optional, and are called by the thread that called train().
struct TrainObserver {
  std::function<void(const std::string& line)> on_notice = {};  // rows passed over, a new head, a resumption
  std::function<void(const StepRecord&)> on_step = {};          // after every step
  std::function<void(const EvaluationRecord&)> on_evaluation = {};
  std::function<void(double share)> on_evaluation_progress = {};
  std::function<void(const CheckpointRecord&)> on_checkpoint = {};
  std::function<Status()> cancelled = {};  // asked between steps; on an error a checkpoint is saved and it is returned
};

struct TrainResult {
  std::size_t n_steps = 0;
  std::filesystem::path best_checkpoint;
  std::filesystem::path last_checkpoint;
  std::filesystem::path model;  // OUTPUT/model: the best checkpoint's weights, the last's without validation
  std::optional<EvaluationRecord> best;
  double seconds = 0.0;             // of the whole run, pauses before a resumption left out
  double windows_per_second = 0.0;  // over all its steps
  std::uint64_t peak_memory_bytes = 0;
};

/// Trains as `options` say. OUTPUT receives run.json (the settings), events.jsonl, TensorBoard files, checkpoint-STEP
/// folders, report.html and, at the end, model/. With `resume` the last checkpoint in OUTPUT is continued to the same
/// bytes as an unbroken run on the same machine with as many threads; without one there the run begins anew.
///
/// Fails before anything is trained when OUTPUT holds a run and `resume` is false, when another process trains in it,
/// when the validation file cannot be scored (check_validation), and for files, model and settings as their readers do;
/// later with kCorrupt when the loss is no longer a finite number. Whatever fails, checkpoints that were written stay
/// whole. A run that ends within an evaluation has a checkpoint from which the resumed one begins with that evaluation.
Result<TrainResult> train(const TrainOptions& options, bool resume, const TrainObserver& observer = {});

}  // namespace spanqa

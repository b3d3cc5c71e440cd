// The memory of a run: events.jsonl and TensorBoard's files in the run's folder, and what a resumed run reads back.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/append_file.h"
#include "base/result.h"
#include "train/records.h"
#include "train/tensorboard.h"

namespace spanqa {

/// A run's options as they are printed: name and value, in order.
using RunSettings = std::vector<std::pair<std::string, std::string>>;

/// What a run has recorded, in the order of steps. Of records of the same kind and step the last one counts.
struct RunHistory {
  std::vector<StepRecord> steps;
  std::vector<EvaluationRecord> evaluations;
  std::vector<CheckpointRecord> checkpoints;
};

/// The history of an events.jsonl. A last line without its line end, as a killed process leaves it, is dropped; any
/// other damaged line is kCorrupt with its number. Numbers that are not finite come back as NaN.
Result<RunHistory> read_run_history(const std::filesystem::path& events);
/// The same of the text of such a file; `source` stands in front of the message of an error.
Result<RunHistory> parse_run_history(std::string_view text, std::string_view source);

/// Appends records to `events.jsonl` (one JSON object a line with "event": "start", "step", "evaluation", "checkpoint",
/// "resume" or "end") and, under the tags of the Hugging Face Trainer, to an event file in `tensorboard/`. Each record
/// is with the operating system when its call returns. Threads: one. A call that fails (a full disk) leaves the files
/// whole, and the log may be used again.
class RunLog {
 public:
  /// A new run in `folder`, which must exist; an older events.jsonl is emptied.
  static Result<RunLog> start(const std::filesystem::path& folder, const RunSettings& settings);
  /// A run that goes on behind `step`: what events.jsonl says of later steps is cut away, the rest becomes history().
  /// Errors: those of read_run_history, kNotFound without an events.jsonl.
  static Result<RunLog> resume(const std::filesystem::path& folder, std::size_t step, const RunSettings& settings);

  Status add(const StepRecord& record);
  Status add(const EvaluationRecord& record);
  Status add(const CheckpointRecord& record);
  /// `reason`: "finished", "interrupted", "patience", or the message of an error.
  Status end(std::size_t step, std::string_view reason);

  /// Waits until the disk has everything recorded so far.
  Status sync();

  /// Everything recorded so far, before a resumption too.
  const RunHistory& history() const { return history_; }

 private:
  RunLog(AppendFile events, TensorBoardWriter board, RunHistory history)
      : events_(std::move(events)), board_(std::move(board)), history_(std::move(history)) {}
  AppendFile events_;
  TensorBoardWriter board_;
  RunHistory history_;
};

}  // namespace spanqa

// A reader measured on a data set: the files run_qa.py writes, official scores, slices, and the worst errors.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "data/example_reader.h"
#include "qa/answer_stream.h"
#include "qa/reader.h"
#include "qa/slices.h"
#include "qa/squad_metrics.h"
#include "qa/worst_errors.h"

namespace spanqa {

struct EvaluateOptions {
  RunQaOptions decoder = {};  // version_2 is overruled by `version_2` below
  WindowOptions windows = {};
  SpecialsInText specials_in_text = SpecialsInText::kText;
  std::optional<bool> version_2 = {};  // unset: as the file's "version" says; v1.1 for files that say nothing
  DataFormat format = DataFormat::kAuto;
  std::filesystem::path output = {};  // folder for the files; empty: none are written
  std::string prefix = "eval";        // of the file names, as run_qa.py has it; empty: none
  std::size_t limit = 0;              // questions at most; 0: all
  std::size_t n_worst = 20;           // errors listed
  bool with_loss = false;             // fill EvaluationReport::loss; costs less than 1 % of the evaluation
  int n_threads = 0;                  // 0: the reader's own number
  /// Asked after each question, and while a pipe is waited for; its error ends the evaluation, no file is written.
  std::function<Status()> cancelled = {};
};

struct EvaluationReport {
  bool version_2 = false;
  /// Official keys in official order: exact_match, f1; or exact, f1, total, HasAns_*, NoAns_*, best_*. As in run_qa.py
  /// the best_* are computed with a no-answer score of 0 for every question, and say nothing.
  MetricValues metrics;
  /// v2.0 only, from the real null odds (null score - best span's score) of every question: the tie-safe threshold that
  /// would have given the best F1 on this data, and that F1 (percent).
  std::optional<double> fitted_threshold = {};
  std::optional<double> fitted_f1 = {};
  /// With `with_loss`: the mean of window_loss over all windows of the questions whose first gold has a place in the
  /// context or that have no gold. Labels are training's: the first gold, label_window; 0 and 0 where the window does
  /// not hold it. The same for any number of threads. Unset when no question counts.
  std::optional<double> loss = {};
  std::size_t n_without_golds = 0;  // v1.1 only: questions that no prediction can get right
  std::vector<SliceGroup> slices;
  std::vector<WorstError> worst;  // most confident first
  AnswerStreamCounts counts;
  double seconds = 0.0;

  std::string to_json() const;  // indented by two
};

/// Reads `data` once, answers every question and scores it on the way: memory does not grow with contexts or n-best
/// lists. Written once all questions are answered, all of them complete or none: PREFIX_predictions.json,
/// PREFIX_nbest_predictions.json, PREFIX_null_odds.json (v2.0), PREFIX_results.json (run_qa's metric names) and
/// PREFIX_report.json (to_json()); until then those of an earlier run stay as they are. Fails when a question cannot be
/// answered, naming it, or when a file cannot be read or written.
Result<EvaluationReport> evaluate(const Reader& reader, const std::filesystem::path& data,
                                  const EvaluateOptions& options, const StreamProgress& progress = {});

}  // namespace spanqa

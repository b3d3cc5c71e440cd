// A reader measured on a data set: the files run_qa.py writes, official scores, slices, and the worst errors.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
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
  RunQaOptions decoder = {};  // version_2: what follows is about "no answer", and an error where the rules know none
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
  /// Rules of v1.1 on a file of version 2: questions that no prediction can get right.
  std::size_t n_without_golds = 0;
  std::vector<SliceGroup> slices;
  std::vector<WorstError> worst;  // most confident first
  AnswerStreamCounts counts;
  double seconds = 0.0;

  std::string to_json() const;  // indented by two
};

/// A file's "version" that stands for the rules of v2.0: "2.0", "v2.0".
bool is_version_2(std::string_view version);

/// kCorrupt, without the example's place, for what cannot be scored: an example without golds, and by the rules of v1.1
/// (`version_2` false) one whose list of them is empty, at which the official script fails too. A file of version 2 may
/// well have such questions: scored by the rules of v1.1 after all, they count 0.
Status check_golds(const Example& example, bool version_2, std::string_view file_version);

/// Reads `data` once, answers every question and scores it on the way: memory does not grow with contexts or n-best
/// lists. Written once all questions are answered, all of them complete or none: PREFIX_predictions.json,
/// PREFIX_nbest_predictions.json, PREFIX_null_odds.json (v2.0), PREFIX_results.json (run_qa's metric names) and
/// PREFIX_report.json (to_json()); until then those of an earlier run stay as they are. Fails when a question cannot be
/// answered or scored (check_golds), naming it, when files are written and an id comes a second time, and when a file
/// cannot be read or written. kInvalidArgument is left to options: a prefix with '/', "no answer" under the rules of
/// v1.1.
Result<EvaluationReport> evaluate(const Reader& reader, const std::filesystem::path& data,
                                  const EvaluateOptions& options, const StreamProgress& progress = {});

}  // namespace spanqa

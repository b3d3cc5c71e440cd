// A model's temperature and no-answer thresholds, fitted on questions held out of its training.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "qa/answer_stream.h"
#include "qa/evaluate.h"
#include "qa/qa_settings.h"
#include "qa/squad_metrics.h"

namespace spanqa {

/// What the `global` decoder found best for one question, as the fit needs it.
struct FitExample {
  double margin = 0.0;  // Answer::margin
  std::string prediction;
  std::vector<std::string> golds;  // none: unanswerable
};

/// The temperature T > 0 that minimises the mean of -log P over the examples, P = sigmoid(margin / T) where the best
/// span is right and 1 - that where it is wrong. Right is a F1 above 0: the score shall say whether the place is the
/// right one, and annotators themselves disagree on where an answer begins and ends; a span at a wrong place seldom
/// shares a word with the gold.
/// Within 0.01 to 1000. kMismatch when margins do not tell right spans from wrong ones (the best T would have no end),
/// kInvalidArgument without an example of finite margin. Cost: O(examples).
Result<double> fit_temperature(const std::vector<FitExample>& examples);

/// The no-answer threshold on sigmoid(margin / temperature) that gives the best F1 under the rules of SQuAD v2.0, and
/// that F1 in percent. Tie-safe: it lies halfway between two scores that occur. 0: always answer; 1: never.
struct FittedThreshold {
  double threshold = 0.0;
  double f1 = 0.0;
};
/// kInvalidArgument unless there are answerable and unanswerable questions.
Result<FittedThreshold> fit_no_answer_threshold(const std::vector<FitExample>& examples, double temperature);

struct SettingsFit {
  QaSettings settings;                   // the reader's own where a part was not fitted
  std::optional<double> global_f1 = {};  // percent, with the fitted no_answer_threshold
  /// Why thresholds (or the temperature) stay as they were; empty: all was fitted.
  std::vector<std::string> not_fitted = {};
};

/// Reads `data` once more with the global decoder. `report` is that of evaluate() on the same file and options: the
/// threshold of run_qa is its fitted_threshold. The file must be held out of training, and never be the one that is
/// reported on. A file without unanswerable questions, or scored by v1.1, leaves the thresholds as they were and says
/// so in `not_fitted`. Memory: the predictions and golds of all questions.
Result<SettingsFit> fit_settings(const Reader& reader, const std::filesystem::path& data,
                                 const EvaluateOptions& options, const EvaluationReport& report,
                                 const StreamProgress& progress = {});

}  // namespace spanqa

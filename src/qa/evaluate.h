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

namespace spanqa {

struct EvaluateOptions {
  RunQaOptions decoder;              // version_2 is overruled by `version_2` below
  WindowOptions windows;
  SpecialsInText specials_in_text = SpecialsInText::kText;
  std::optional<bool> version_2;     // unset: as the file's "version" says; v1.1 for files that say nothing
  DataFormat format = DataFormat::kAuto;
  std::filesystem::path output;      // folder for the files; empty: none are written
  std::string prefix = "eval";       // of the file names, as run_qa.py has it; empty: none
  std::size_t limit = 0;             // questions at most; 0: all
  std::size_t n_worst = 20;          // errors listed
  int n_threads = 0;                 // 0: the reader's own number
  std::function<Status()> cancelled; // asked after each question; its error ends the evaluation, no file is written
};

/// A wrong prediction the model was sure of.
struct WorstError {
  std::string id;
  std::string question;
  std::string prediction;   // "" for no answer
  std::vector<std::string> golds;
  std::string sentence;     // of the context around the prediction, or around the first gold
  double f1 = 0.0;          // percent
  double probability = 0.0; // of the prediction, from the n-best list
};

struct EvaluationReport {
  bool version_2 = false;
  /// Official keys in official order: exact_match, f1; or exact, f1, total, HasAns_*, NoAns_*, best_*.
  std::vector<std::pair<std::string, double>> metrics;
  /// v2.0 only: the tie-safe threshold on the null odds that would have given the best F1, and that F1 (percent).
  std::optional<double> fitted_threshold;
  std::optional<double> fitted_f1;
  std::vector<SliceGroup> slices;
  std::vector<WorstError> worst;  // most confident first
  AnswerStreamCounts counts;
  double seconds = 0.0;

  std::string to_json() const;  // indented by two
};

/// Reads `data` once, answers every question and scores it on the way: memory does not grow with contexts or n-best lists.
/// Written, complete or not at all: PREFIX_predictions.json, PREFIX_nbest_predictions.json, PREFIX_null_odds.json (v2.0),
/// PREFIX_results.json (run_qa's metric names) and PREFIX_report.json (to_json()).
/// Fails when a question cannot be answered, naming it, or when a file cannot be read or written.
Result<EvaluationReport> evaluate(const Reader& reader, const std::filesystem::path& data, const EvaluateOptions& options,
                                  const StreamProgress& progress = {});

}  // namespace spanqa

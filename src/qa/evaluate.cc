#include "qa/evaluate.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <unordered_set>
#include <utility>

#include "base/file.h"
#include "base/json_text.h"
#include "qa/predictions_files.h"
#include "qa/report_json.h"
#include "qa/window_loss.h"
#include "qa/window_statistics.h"

namespace spanqa {
namespace {

using Json = nlohmann::ordered_json;

// run_qa.py's metrics speak of its batches, of so many features unless told otherwise.
constexpr std::size_t kStepFeatures = 8;

/// A fault of a row with its place. That a row asks for something impossible is the data's fault, not the caller's.
tl::unexpected<Error> row_fault(const Example& example, const Error& error) {
  const ErrorCode code = error.code == ErrorCode::kInvalidArgument ? ErrorCode::kCorrupt : error.code;
  return fail(code, fmt::format("{}: {}", example.where, error.message));
}

/// The text the model would answer if it had to.
std::string_view best_span(const RunQaResult& result) {
  for (const NBestEntry& entry : result.n_best) {
    if (!entry.text.empty()) return entry.text;
  }
  return {};
}

/// A first gold whose place the file does not say has no label, so that its question takes no part in the loss.
bool has_label(const Example& example) { return example.answers.empty() || first_answer_span(example).has_value(); }

/// Loss of one window under training's labels. The label is looked up once for each window, not kept: questions have
/// one window or a few, and looking it up is nothing beside reading it.
double loss_of(const Example& example, const ReadWindow& read) {
  const ByteSpan gold = first_answer_span(example).value_or(ByteSpan{});
  const Window& window = read.plan->windows[read.number];
  return window_loss(read.logits, label_window(*read.plan, window, *read.context, gold));
}

/// Everything that is added up while the questions stream by.
class Scores {
 public:
  Scores(bool version_2, std::size_t n_worst) : version_2_(version_2), worst_(n_worst) {}

  void add(const Example& example, const RunQaResult& result) {
    std::vector<std::string> golds;
    golds.reserve(example.answers.size());
    for (const GoldAnswer& gold : example.answers) golds.push_back(gold.text);
    AnswerScore score;
    if (version_2_) {
      score = score_v2(result.prediction, golds);
      v2_.add(result.prediction, golds, 0.0);
      with_null_odds_.add(best_span(result), golds, static_cast<double>(result.score_diff));
    } else {
      score = score_v1(result.prediction, golds);
      v1_.add(result.prediction, golds);
    }
    slices_.add(example, score);
    worst_.add(example, result, score);
  }

  void add_loss(const Example& example, const Answers& answers) {
    if (!has_label(example)) return;
    loss_ += answers.measured;
    n_loss_windows_ += answers.n_windows;
  }

  Status finish(EvaluationReport& report) {
    if (version_2_) {
      SPANQA_ASSIGN(report.metrics, v2_.totals());
      SPANQA_ASSIGN(const MetricValues fitted, with_null_odds_.totals());
      for (const MetricValue& metric : fitted) {
        if (metric.name == "best_f1_tie_safe") report.fitted_f1 = metric.value;
        if (metric.name == "best_f1_thresh_tie_safe") report.fitted_threshold = metric.value;
      }
    } else {
      SPANQA_ASSIGN(report.metrics, v1_.totals());
      report.n_without_golds = v1_.n_without_golds();
    }
    if (n_loss_windows_ > 0) report.loss = loss_ / static_cast<double>(n_loss_windows_);
    report.slices = slices_.groups();
    report.worst = worst_.take();
    return {};
  }

 private:
  bool version_2_;
  SquadV1Metrics v1_;
  SquadV2Metrics v2_;
  SquadV2Metrics with_null_odds_;
  double loss_ = 0.0;
  std::size_t n_loss_windows_ = 0;
  SliceScores slices_;
  WorstErrors worst_;
};

Status make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) return {};
  return fail(ErrorCode::kIo, fmt::format("{}: cannot make the folder: {}", folder.string(), error.message()));
}

std::filesystem::path file_in(const EvaluateOptions& options, const char* name) {
  return options.output / (options.prefix.empty() ? std::string(name) : options.prefix + "_" + name);
}

/// Python's round(), but for ties, which measured times do not meet.
double rounded(double value, int digits) {
  const double scale = std::pow(10.0, digits);
  return std::round(value * scale) / scale;
}

/// run_qa.py's metric names, keys sorted, indent 4, as its eval_results.json.
std::string results_json(const EvaluationReport& report) {
  nlohmann::json json;  // sorts its keys
  for (const MetricValue& metric : report.metrics) {
    if (metric.is_count) {
      json["eval_" + metric.name] = static_cast<std::int64_t>(metric.value);
    } else {
      json["eval_" + metric.name] = metric.value;
    }
  }
  const std::size_t n_windows = report.counts.n_windows;
  const std::size_t n_steps = (n_windows + kStepFeatures - 1) / kStepFeatures;
  json["eval_samples"] = n_windows;  // run_qa.py counts features
  json["eval_runtime"] = rounded(report.seconds, 4);
  json["eval_samples_per_second"] = rounded(static_cast<double>(n_windows) / report.seconds, 3);
  json["eval_steps_per_second"] = rounded(static_cast<double>(n_steps) / report.seconds, 3);
  return json.dump(4) + "\n";
}

/// Every file of one evaluation.
struct EvaluationFiles {
  PredictionFilesWriter predictions;
  AtomicFile results;
  AtomicFile report;
  std::unordered_set<std::size_t> ids = {};  // hashes of those added

  /// Opens all of them, so that what cannot be written is known before the first question is read.
  static Result<EvaluationFiles> create(const EvaluateOptions& options, bool version_2) {
    SPANQA_TRY(make_folder(options.output));
    SPANQA_ASSIGN(auto predictions,
                  PredictionFilesWriter::create(options.output, {.prefix = options.prefix, .null_odds = version_2}));
    SPANQA_ASSIGN(AtomicFile results, AtomicFile::create(file_in(options, "results.json")));
    SPANQA_ASSIGN(AtomicFile report, AtomicFile::create(file_in(options, "report.json")));
    return EvaluationFiles{std::move(predictions), std::move(results), std::move(report)};
  }

  Status add(const Example& example, const RunQaResult& result) {
    if (!ids.insert(std::hash<std::string>{}(example.id)).second) {
      return fail(
          ErrorCode::kMismatch,
          fmt::format("{}: the id {} stood there before, and predictions are kept by id: give each question its "
                      "own; spanqa data check lists such ids, spanqa data convert --fix drops exact copies",
                      example.where, json_string(example.id)));
    }
    return predictions.add(example.id, result);
  }

  Status finish(const EvaluationReport& evaluation) {
    SPANQA_TRY(results.write(results_json(evaluation)));
    SPANQA_TRY(report.write(evaluation.to_json() + "\n"));
    AtomicFile* const others[] = {&results, &report};
    return predictions.commit(others);
  }
};

AnswerStreamOptions stream_options(const EvaluateOptions& options, bool version_2) {
  RunQaOptions decoder = options.decoder;
  decoder.version_2 = version_2;
  AnswerStreamOptions stream;
  stream.ask = {.decoder = decoder, .windows = options.windows, .specials_in_text = options.specials_in_text};
  if (options.with_loss) stream.measure = loss_of;
  stream.n_threads = options.n_threads;
  stream.limit = options.limit;
  return stream;
}

Status check_evaluation(const EvaluateOptions& options, bool version_2) {
  if (options.prefix.find('/') != std::string::npos) {
    return fail(ErrorCode::kInvalidArgument, "prefix '" + options.prefix + "': is part of file names and holds no '/'");
  }
  if (options.decoder.version_2 && !version_2) {
    return fail(
        ErrorCode::kInvalidArgument,
        "the rules of v1.1 know no \"no answer\", and no threshold of it: score by those of v2.0 (--version-2), or "
        "drop --no-answer and --threshold");
  }
  return {};
}

}  // namespace

bool is_version_2(std::string_view version) { return version.starts_with('2') || version.starts_with("v2"); }

Status check_golds(const Example& example, bool version_2, std::string_view file_version) {
  if (!example.has_answers_field) {
    return fail(ErrorCode::kCorrupt,
                "has no gold answers to score against; spanqa predict answers questions without them");
  }
  if (version_2 || !example.answers.empty() || is_version_2(file_version)) return {};
  return fail(ErrorCode::kCorrupt,
              "has an empty list of answers, which the rules of v1.1 cannot score; score by those of v2.0 (evaluate "
              "--version-2, train --squad-v2, metrics --metric v2), or leave the question out");
}

Result<EvaluationReport> evaluate(const Reader& reader, const std::filesystem::path& data,
                                  const EvaluateOptions& options, const StreamProgress& progress) {
  const auto start = std::chrono::steady_clock::now();
  EvaluationReport report;
  SPANQA_ASSIGN(const auto examples,
                ExampleReader::open(data, {.format = options.format, .cancelled = options.cancelled}));
  report.version_2 = options.version_2.value_or(is_version_2(examples->version()));
  SPANQA_TRY(check_evaluation(options, report.version_2));

  std::optional<EvaluationFiles> files;
  if (!options.output.empty()) {
    SPANQA_ASSIGN(auto created, EvaluationFiles::create(options, report.version_2));
    files.emplace(std::move(created));
  }
  Scores scores(report.version_2, options.n_worst);
  const auto score = [&](const Example& example, const Result<Answers>& answers) -> Status {
    if (options.cancelled) SPANQA_TRY(options.cancelled());
    if (!answers) return row_fault(example, answers.error());
    if (const Status golds = check_golds(example, report.version_2, examples->version()); !golds) {
      return row_fault(example, golds.error());
    }
    scores.add(example, answers->run_qa);
    if (options.with_loss) scores.add_loss(example, *answers);
    return files ? files->add(example, answers->run_qa) : Status();
  };
  SPANQA_ASSIGN(report.counts,
                answer_stream(reader, *examples, stream_options(options, report.version_2), score, progress));
  if (report.counts.n_questions == 0) return fail(ErrorCode::kCorrupt, data.string() + ": holds no question");
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  SPANQA_TRY(scores.finish(report));
  if (files) SPANQA_TRY(files->finish(report));
  return report;
}

std::string EvaluationReport::to_json() const {
  Json json;
  json["version"] = version_2 ? "2.0" : "1.1";
  json["metrics"] = metrics_json(metrics);
  if (loss) json["loss"] = *loss;
  if (fitted_threshold) json["fitted_threshold"] = *fitted_threshold;
  if (fitted_f1) json["fitted_f1"] = *fitted_f1;
  for (const SliceGroup& group : slices) {
    for (const Slice& slice : group.slices) {
      json["slices"][group.name][slice.name] = {
          {"questions", slice.n_questions}, {"exact", slice.exact}, {"f1", slice.f1}};
    }
  }
  json["worst"] = worst_errors_json(worst);
  json["questions"] = counts.n_questions;
  json["windows"] = counts.n_windows;
  json["tokens"] = counts.n_tokens;
  json["seconds"] = seconds;
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace spanqa

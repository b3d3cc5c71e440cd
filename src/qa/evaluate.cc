#include "qa/evaluate.h"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "qa/predictions_files.h"
#include "qa/report_json.h"
#include "qa/window_loss.h"
#include "qa/window_statistics.h"

namespace spanqa {
namespace {

using Json = nlohmann::ordered_json;

/// SQuAD v2.0 rules when asked for, or when the file says it is of version 2.
bool is_version_2(const ExampleReader& examples, const EvaluateOptions& options) {
  if (options.version_2) return *options.version_2;
  return examples.version().starts_with("2") || examples.version().starts_with("v2");
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
  json["eval_samples"] = report.counts.n_windows;  // run_qa.py counts features
  json["eval_runtime"] = report.seconds;
  json["eval_samples_per_second"] = static_cast<double>(report.counts.n_windows) / report.seconds;
  return json.dump(4) + "\n";
}

/// Every file of one evaluation.
struct EvaluationFiles {
  PredictionFilesWriter predictions;
  AtomicFile results;
  AtomicFile report;

  /// Opens all of them, so that what cannot be written is known before the first question is read.
  static Result<EvaluationFiles> create(const EvaluateOptions& options, bool version_2) {
    SPANQA_TRY(make_folder(options.output));
    SPANQA_ASSIGN(auto predictions,
                  PredictionFilesWriter::create(options.output, {.prefix = options.prefix, .null_odds = version_2}));
    SPANQA_ASSIGN(AtomicFile results, AtomicFile::create(file_in(options, "results.json")));
    SPANQA_ASSIGN(AtomicFile report, AtomicFile::create(file_in(options, "report.json")));
    return EvaluationFiles{std::move(predictions), std::move(results), std::move(report)};
  }

  Status finish(const EvaluationReport& evaluation) {
    SPANQA_TRY(results.write(results_json(evaluation)));
    SPANQA_TRY(report.write(evaluation.to_json() + "\n"));
    AtomicFile* const others[] = {&results, &report};
    return predictions.commit(others);
  }
};

}  // namespace

Result<EvaluationReport> evaluate(const Reader& reader, const std::filesystem::path& data,
                                  const EvaluateOptions& options, const StreamProgress& progress) {
  const auto start = std::chrono::steady_clock::now();
  EvaluationReport report;
  if (options.prefix.find('/') != std::string::npos) {
    return fail(ErrorCode::kInvalidArgument, "prefix '" + options.prefix + "': is part of file names and holds no '/'");
  }
  SPANQA_ASSIGN(const auto examples,
                ExampleReader::open(data, {.format = options.format, .cancelled = options.cancelled}));
  report.version_2 = is_version_2(*examples, options);
  AnswerStreamOptions stream;
  RunQaOptions decoder = options.decoder;
  decoder.version_2 = report.version_2;
  stream.ask = {.decoder = decoder, .windows = options.windows, .specials_in_text = options.specials_in_text};
  if (options.with_loss) stream.measure = loss_of;
  stream.n_threads = options.n_threads;
  stream.limit = options.limit;

  std::optional<EvaluationFiles> files;
  if (!options.output.empty()) {
    SPANQA_ASSIGN(auto created, EvaluationFiles::create(options, report.version_2));
    files.emplace(std::move(created));
  }
  Scores scores(report.version_2, options.n_worst);
  SPANQA_ASSIGN(report.counts, answer_stream(
                                   reader, *examples, stream,
                                   [&](const Example& example, const Result<Answers>& answers) -> Status {
                                     if (options.cancelled) SPANQA_TRY(options.cancelled());
                                     if (!answers) {
                                       return fail(answers.error().code,
                                                   example.where + ": " + answers.error().message);
                                     }
                                     if (!example.has_answers_field) {
                                       return fail(ErrorCode::kInvalidArgument,
                                                   example.where +
                                                       ": has no gold answers to score against; spanqa predict answers "
                                                       "questions without them");
                                     }
                                     scores.add(example, answers->run_qa);
                                     if (options.with_loss) scores.add_loss(example, *answers);
                                     return files ? files->predictions.add(example.id, answers->run_qa) : Status();
                                   },
                                   progress));
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

// spanqa metrics: gold answers and predictions to the scores of the official SQuAD scripts.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/json_text.h"
#include "cli/command.h"
#include "cli/data_format_flag.h"
#include "cli/example_input.h"
#include "cli/layout.h"
#include "cli/output.h"
#include "qa/evaluate.h"
#include "qa/predictions_files.h"
#include "qa/squad_metrics.h"

namespace spanqa::cli {
namespace {

struct MetricsFlags {
  ExampleInput gold;
  std::string predictions;
  std::string no_answer_file;
  double no_answer_threshold = 1.0;
  std::string metric = "auto";
  bool average_precision = false;
  bool strict = false;
  bool json = false;
  std::string output;
};

struct Score {
  std::string metric;  // "v1" or "v2"
  MetricValues values;
  std::vector<std::string> missing;  // ids without prediction
  std::size_t n_without_no_answer_score = 0;
  std::size_t n_questions = 0;
};

/// Both metrics run along until it is known which one is meant.
class Scorer {
 public:
  Scorer(const MetricsFlags& flags, Predictions predictions, std::optional<NullOdds> odds)
      : flags_(flags), predictions_(std::move(predictions)), odds_(std::move(odds)), v2_(v2_options(flags)) {}

  /// `version`: what the gold file says of itself.
  Status add(const Example& example, const std::string& version) {
    SPANQA_TRY(check_golds_of(example, flags_.metric != "v1", version));
    if (example.answers.empty() && !unanswerable_) unanswerable_ = example;
    const std::optional<std::string_view> prediction = predictions_.find(example.id);
    if (!prediction) score_.missing.push_back(example.id);
    std::vector<std::string> golds;
    golds.reserve(example.answers.size());
    for (const GoldAnswer& answer : example.answers) golds.push_back(answer.text);
    ++score_.n_questions;
    if (flags_.metric != "v2") v1_.add(prediction, golds);
    if (flags_.metric == "v1") return {};
    double no_answer_score = 0.0;
    std::optional<std::uint32_t> order;
    if (odds_) {
      const auto found = odds_->by_id.find(example.id);
      if (found == odds_->by_id.end()) {
        ++score_.n_without_no_answer_score;
      } else {
        no_answer_score = found->second.value;
        order = found->second.order;
      }
    }
    v2_.add(prediction, golds, no_answer_score, order);
    return {};
  }

  Result<Score> finish(const std::string& version) {
    score_.metric = flags_.metric;
    if (flags_.metric == "auto") {
      const bool says_1 = version.starts_with("v1") || version.starts_with('1');
      score_.metric = is_version_2(version) || (!says_1 && unanswerable_) ? "v2" : "v1";
    }
    if (unanswerable_) SPANQA_TRY(check_golds_of(*unanswerable_, score_.metric == "v2", version));
    if (score_.metric == "v1") {
      SPANQA_ASSIGN(score_.values, v1_.totals());
    } else {
      SPANQA_ASSIGN(score_.values, v2_.totals());
    }
    return std::move(score_);
  }

 private:
  static Status check_golds_of(const Example& example, bool version_2, const std::string& version) {
    const Status golds = check_golds(example, version_2, version);
    if (golds) return {};
    return fail(golds.error().code, fmt::format("{}: {}", example.where, golds.error().message));
  }
  static SquadV2Options v2_options(const MetricsFlags& flags) {
    SquadV2Options options;
    options.no_answer_threshold = flags.no_answer_threshold;
    options.best_thresholds = !flags.no_answer_file.empty();  // as the official script has it
    options.average_precision = flags.average_precision;
    return options;
  }

  const MetricsFlags& flags_;
  Predictions predictions_;
  std::optional<NullOdds> odds_;
  SquadV1Metrics v1_;
  SquadV2Metrics v2_;
  Score score_;
  std::optional<Example> unanswerable_;  // the first without a gold
};

Result<Score> score(const MetricsFlags& flags) {
  SPANQA_ASSIGN(const auto examples, flags.gold.open());
  SPANQA_ASSIGN(Predictions predictions, read_predictions(flags.predictions));
  if (predictions.n_duplicates > 0) {
    fmt::print(stderr, "spanqa: {}: {} ids stand there twice; the later answer counts\n", flags.predictions,
               with_commas(predictions.n_duplicates));
  }
  std::optional<NullOdds> odds;
  if (!flags.no_answer_file.empty()) {
    SPANQA_ASSIGN(odds, read_null_odds(flags.no_answer_file));
  }
  Scorer scorer(flags, std::move(predictions), std::move(odds));
  SPANQA_TRY(for_each_example(*examples, "scoring",
                              [&](Example& example) -> Status { return scorer.add(example, examples->version()); }));
  return scorer.finish(examples->version());
}

void name_missing(const MetricsFlags& flags, const Score& score) {
  constexpr std::size_t kNamed = 5;
  if (!score.missing.empty()) {
    std::string ids;
    for (std::size_t i = 0; i < std::min(kNamed, score.missing.size()); ++i) {
      ids += (i == 0 ? "" : ", ") + one_line(score.missing[i]);
    }
    fmt::print(stderr, "spanqa: {}: no prediction for {} of {} questions: {}{}{}\n", flags.predictions,
               with_commas(score.missing.size()), with_commas(score.n_questions), ids,
               score.missing.size() > kNamed ? ", …" : "", flags.strict ? "" : "; they score 0");
  }
  if (score.n_without_no_answer_score > 0) {
    fmt::print(stderr, "spanqa: {}: no score for {} questions; they are taken as 0\n", flags.no_answer_file,
               with_commas(score.n_without_no_answer_score));
  }
}

std::string number(const MetricValue& metric) {
  return metric.is_count ? fmt::format("{:.0f}", metric.value) : json_number(metric.value);
}

std::string to_json(const MetricValues& values) {
  std::string out = "{";
  for (const MetricValue& metric : values) {
    out += out.size() == 1 ? "\n  " : ",\n  ";
    append_json_string(out, metric.name);
    out += ": " + number(metric);
  }
  return out + "\n}\n";
}

int run_metrics(const MetricsFlags& flags) {
  if (const Status apart = check_not_input(flags.output, {flags.gold.path, flags.predictions, flags.no_answer_file});
      !apart) {
    return report(apart.error(), kUsage);
  }
  const auto result = score(flags);
  if (!result) return report_data(result.error());
  if (result->metric == "v1" && !flags.no_answer_file.empty()) {
    return report(
        {ErrorCode::kInvalidArgument,
         "the rules of v1.1 know no \"no answer\": drop --na-prob-file, or score by those of v2.0 (--metric v2)"},
        kUsage);
  }
  name_missing(flags, *result);
  if (flags.strict && !result->missing.empty()) return kDataError;
  if (!flags.output.empty()) {
    if (const Status written = write_file(flags.output, to_json(result->values)); !written) {
      return report(written.error(), kDataError);
    }
  }
  if (flags.json) {
    fmt::print("{}", to_json(result->values));
    return kOk;
  }
  fmt::print("SQuAD {} rules, {}\n", result->metric == "v1" ? "v1.1" : "v2.0",
             counted(result->n_questions, "question"));
  for (const MetricValue& metric : result->values) fmt::print("  {:<28}{:>20}\n", metric.name, number(metric));
  return kOk;
}

}  // namespace

void add_metrics(CLI::App& app, Run& run) {
  auto flags = std::make_shared<MetricsFlags>();
  CLI::App* command = app.add_subcommand("metrics", "Score a file of predictions as the official scripts do");
  command->add_option("gold", flags->gold.path, "The data set with gold answers")->required();
  command->add_option("predictions", flags->predictions, "{\"id\": \"answer\", ...}; \"\" is no answer")->required();
  command
      ->add_option("--metric", flags->metric, "Rules; auto: by the file's version, else v2 if a question has no gold")
      ->check(CLI::IsMember({"auto", "v1", "v2"}))
      ->capture_default_str();
  CLI::Option* file =
      command->add_option("--na-prob-file,--null-odds", flags->no_answer_file,
                          "{\"id\": number, ...}: how sure there is no answer (v2); adds best_* scores");
  command
      ->add_option("--na-prob-thresh", flags->no_answer_threshold,
                   "An answer whose number is higher counts as none (v2)")
      ->needs(file)
      ->capture_default_str();
  command->add_flag("--average-precision", flags->average_precision, "Add pr_*_ap (v2)")->needs(file);
  add_data_format(*command, flags->gold.format);
  command->add_flag("--strict", flags->strict, "A question without prediction is an error");
  command->add_flag("--json", flags->json, "Print what the official scripts print");
  command->add_option("-o,--output", flags->output, "Write that JSON to this file, too");
  command->footer("Example:\n  spanqa metrics dev-v2.0.json predictions.json --na-prob-file null_odds.json");
  command->callback([flags, &run] { run = [flags] { return run_metrics(*flags); }; });
}

}  // namespace spanqa::cli

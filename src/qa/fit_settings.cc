#include "qa/fit_settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <utility>

#include "qa/metrics.h"

namespace spanqa {
namespace {

constexpr double kLowestTemperature = 0.01;
constexpr double kHighestTemperature = 1000.0;

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

bool is_right(const FitExample& example) { return score_v2(example.prediction, example.golds).f1 > 0.0; }

struct Labelled {
  double margin = 0.0;
  double right = 0.0;
};

/// Slope of the negative log-likelihood in 1 / T, in which it is convex.
double slope(const std::vector<Labelled>& examples, double inverse) {
  double sum = 0.0;
  for (const Labelled& example : examples) {
    sum += (sigmoid(example.margin * inverse) - example.right) * example.margin;
  }
  return sum;
}

std::size_t n_unanswerable(const std::vector<FitExample>& examples) {
  return static_cast<std::size_t>(
      std::count_if(examples.begin(), examples.end(), [](const FitExample& example) { return example.golds.empty(); }));
}

}  // namespace

Result<double> fit_temperature(const std::vector<FitExample>& examples) {
  std::vector<Labelled> labelled;
  for (const FitExample& example : examples) {
    if (std::isfinite(example.margin)) labelled.push_back({example.margin, is_right(example) ? 1.0 : 0.0});
  }
  if (labelled.empty()) {
    return fail(ErrorCode::kInvalidArgument, "the temperature needs questions for which the model finds a span");
  }
  double low = 1.0 / kHighestTemperature;
  double high = 1.0 / kLowestTemperature;
  if (slope(labelled, low) >= 0.0) {
    return fail(ErrorCode::kMismatch,
                "the model's margins do not tell right answers from wrong ones, so that no temperature fits");
  }
  if (slope(labelled, high) <= 0.0) return kLowestTemperature;
  constexpr int kHalvings = 100;  // more than a double has bits
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2.0;
    (slope(labelled, middle) < 0.0 ? low : high) = middle;
  }
  return 2.0 / (low + high);
}

Result<FittedThreshold> fit_no_answer_threshold(const std::vector<FitExample>& examples, double temperature) {
  const std::size_t n_without = n_unanswerable(examples);
  if (n_without == 0 || n_without == examples.size()) {
    return fail(ErrorCode::kInvalidArgument, "a no-answer threshold needs answerable and unanswerable questions");
  }
  struct Scored {
    double score = 0.0;
    double change = 0.0;  // of the sum of F1 when the span is let stand
  };
  std::vector<Scored> scored;
  for (const FitExample& example : examples) {
    if (example.prediction.empty()) continue;  // no span, no choice
    const double f1 = score_v2(example.prediction, example.golds).f1;
    scored.push_back({sigmoid(example.margin / temperature), example.golds.empty() ? -1.0 : f1});
  }
  std::sort(scored.begin(), scored.end(), [](const Scored& a, const Scored& b) { return a.score > b.score; });
  double current = static_cast<double>(n_without);
  double best = current;
  double threshold = 1.0;
  for (std::size_t i = 0; i < scored.size(); ++i) {
    current += scored[i].change;
    const bool is_last = i + 1 == scored.size();
    if (!is_last && scored[i + 1].score == scored[i].score) continue;
    if (current <= best) continue;
    best = current;
    // An answer stands when its score exceeds the threshold. Where halfway rounds up to the score, the lower one does.
    const double next = is_last ? 0.0 : scored[i + 1].score;
    const double halfway = (scored[i].score + next) / 2.0;
    threshold = is_last ? 0.0 : halfway < scored[i].score ? halfway : next;
  }
  return FittedThreshold{threshold, 100.0 * best / static_cast<double>(examples.size())};
}

Result<SettingsFit> fit_settings(const Reader& reader, const std::filesystem::path& data,
                                 const EvaluateOptions& options, const EvaluationReport& report,
                                 const StreamProgress& progress) {
  std::vector<FitExample> fit_examples;
  SPANQA_ASSIGN(const auto examples, ExampleReader::open(data, {.format = options.format}));
  AnswerStreamOptions stream;
  stream.ask.decoder = GlobalOptions{.max_answer_tokens = options.decoder.max_answer_tokens};
  stream.ask.windows = options.windows;
  stream.ask.specials_in_text = options.specials_in_text;
  stream.n_threads = options.n_threads;
  stream.limit = options.limit;
  const auto add = [&](const Example& example, const Result<Answers>& answers) -> Status {
    if (options.cancelled) SPANQA_TRY(options.cancelled());
    if (!answers) return fail(answers.error().code, example.where + ": " + answers.error().message);
    FitExample added;
    added.margin = -HUGE_VAL;
    if (!answers->answers.empty()) {
      added.margin = answers->answers.front().margin;
      added.prediction = answers->answers.front().text;
    }
    for (const GoldAnswer& gold : example.answers) added.golds.push_back(gold.text);
    fit_examples.push_back(std::move(added));
    return {};
  };
  SPANQA_TRY(answer_stream(reader, *examples, stream, add, progress));

  SettingsFit fit{.settings = reader.settings()};
  std::string parts;
  if (const auto temperature = fit_temperature(fit_examples)) {
    fit.settings.temperature = *temperature;
    parts = "temperature";
  } else {
    fit.not_fitted.push_back("temperature: " + temperature.error().message);
  }
  const auto threshold = fit_no_answer_threshold(fit_examples, fit.settings.temperature);
  if (report.version_2 && report.fitted_threshold && threshold) {
    fit.settings.null_score_diff_threshold = *report.fitted_threshold;
    fit.settings.no_answer_threshold = threshold->threshold;
    fit.global_f1 = threshold->f1;
    parts += parts.empty() ? "no-answer thresholds" : ", no-answer thresholds";
  } else {
    fit.not_fitted.push_back(fmt::format(
        "no-answer thresholds: {} is of SQuAD v1.1 or lacks answerable or unanswerable questions; they need "
        "a v2.0 file (or --version-2) with both",
        data.string()));
  }
  if (parts.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("nothing could be fitted: {}", fmt::join(fit.not_fitted, "; ")));
  }
  fit.settings.fitted_on =
      fmt::format("{}: {} questions, {} of them unanswerable; fitted: {}", data.filename().string(),
                  fit_examples.size(), n_unanswerable(fit_examples), parts);
  return fit;
}

}  // namespace spanqa

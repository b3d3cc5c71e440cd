#include "train/run_curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace spanqa {
namespace {

/// How a curve is called, and where its values stand: in one of the two kinds of records.
struct CurveKind {
  RunCurve curve;
  std::string_view name;
  const char* title;
  const char* unit;
  double StepRecord::* of_step;
  double EvaluationRecord::* of_evaluation;
};

constexpr std::array kKinds = {
    CurveKind{RunCurve::kLoss, "loss", "Training loss", "", &StepRecord::loss, nullptr},
    CurveKind{RunCurve::kLearningRate, "learning-rate", "Learning rate", "", &StepRecord::learning_rate, nullptr},
    CurveKind{RunCurve::kGradientNorm, "gradient-norm", "Gradient norm", "", &StepRecord::gradient_norm, nullptr},
    CurveKind{RunCurve::kSpeed, "speed", "Windows a second", "", &StepRecord::windows_per_second, nullptr},
    CurveKind{RunCurve::kEvaluationLoss, "evaluation-loss", "Evaluation loss", "", nullptr, &EvaluationRecord::loss},
    CurveKind{RunCurve::kExact, "exact", "Exact match", "%", nullptr, &EvaluationRecord::exact},
    CurveKind{RunCurve::kF1, "f1", "F1", "%", nullptr, &EvaluationRecord::f1},
};

const CurveKind& kind_of(RunCurve curve) {
  const auto* const kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const auto& k) { return k.curve == curve; });
  SPANQA_CHECK(kind != kKinds.end());
  return *kind;
}

template <typename Record>
std::vector<PlotPoint> points_of(const std::vector<Record>& records, double Record::* field) {
  std::vector<PlotPoint> out;
  out.reserve(records.size());
  for (const Record& record : records) out.push_back({static_cast<double>(record.step), record.*field});
  return out;
}

double mean_of(std::span<const PlotPoint> points) {
  double sum = 0.0;
  std::size_t n = 0;
  for (const PlotPoint& point : points) {
    if (!std::isfinite(point.y)) continue;
    sum += point.y;
    ++n;
  }
  return n == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(n);
}

}  // namespace

std::string_view run_curve_name(RunCurve curve) { return kind_of(curve).name; }

std::optional<RunCurve> parse_run_curve(std::string_view name) {
  for (const CurveKind& kind : kKinds) {
    if (kind.name == name) return kind.curve;
  }
  return std::nullopt;
}

std::vector<std::string> run_curve_names() {
  std::vector<std::string> out;
  out.reserve(kKinds.size());
  for (const CurveKind& kind : kKinds) out.emplace_back(kind.name);
  return out;
}

Result<NamedRun> open_run(const std::filesystem::path& run) {
  std::error_code ignored;
  const std::filesystem::path events = std::filesystem::is_directory(run, ignored) ? run / "events.jsonl" : run;
  SPANQA_ASSIGN(RunHistory history, read_run_history(events));
  // "runs/a/" and "." have no name of their own.
  const std::filesystem::path folder = std::filesystem::absolute(events, ignored).lexically_normal().parent_path();
  return NamedRun{folder.filename().string(), std::move(history)};
}

std::vector<PlotPoint> smoothed(const std::vector<PlotPoint>& points, std::size_t n) {
  std::vector<PlotPoint> out = points;
  const std::span<const PlotPoint> all = points;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (!std::isfinite(points[i].y)) continue;
    const std::size_t begin = i - std::min(i, (n - 1) / 2);
    const std::size_t end = std::min(points.size(), i + n / 2 + 1);
    out[i].y = mean_of(all.subspan(begin, end - begin));
  }
  return out;
}

Result<LinePlot> run_curves(std::span<const NamedRun> runs, RunCurve curve, std::size_t smoothing) {
  if (runs.empty() || runs.size() > kMaxPlotSeries) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} runs: a plot tells 1 to {} apart", runs.size(), kMaxPlotSeries));
  }
  const CurveKind& kind = kind_of(curve);
  LinePlot plot{.title = kind.title, .unit = kind.unit, .x_label = "step", .series = {}};
  plot.has_markers = kind.of_evaluation != nullptr;
  for (const NamedRun& run : runs) {
    auto points = kind.of_step != nullptr ? points_of(run.history.steps, kind.of_step)
                                          : points_of(run.history.evaluations, kind.of_evaluation);
    if (points.empty()) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("{}: the run has recorded no {}", run.name, kind.name));
    }
    plot.series.push_back({.name = run.name, .points = smoothed(points, std::max<std::size_t>(1, smoothing))});
  }
  return plot;
}

double mean_of_last(const PlotSeries& series, double share) {
  const std::span<const PlotPoint> all = series.points;
  if (all.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto wanted = static_cast<std::size_t>(std::ceil(share * static_cast<double>(all.size())));
  return mean_of(all.last(std::clamp<std::size_t>(wanted, 1, all.size())));
}

}  // namespace spanqa

// Curves of several runs in one plot: what another precision, seed or learning rate makes of a run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "train/run_log.h"
#include "train/svg_plot.h"

namespace spanqa {

/// What of a run's records is drawn over its steps.
enum class RunCurve : std::uint8_t {
  kLoss,  // of training
  kLearningRate,
  kGradientNorm,  // before clipping
  kSpeed,         // windows a second
  kEvaluationLoss,
  kExact,  // percent
  kF1,     // percent
};

/// "loss", "learning-rate", "gradient-norm", "speed", "evaluation-loss", "exact", "f1".
std::string_view run_curve_name(RunCurve curve);
std::optional<RunCurve> parse_run_curve(std::string_view name);
std::vector<std::string> run_curve_names();

struct NamedRun {
  std::string name;
  RunHistory history;
};

/// Reads `run`, a run's folder or an events.jsonl of one, and names it by its folder. Errors: those of
/// read_run_history.
Result<NamedRun> open_run(const std::filesystem::path& run);

/// Each point the mean of the `n` around it (at the ends: of those there are), so that noisy curves can be told apart;
/// n is at least 1. Points that are not finite stay and take no part.
std::vector<PlotPoint> smoothed(const std::vector<PlotPoint>& points, std::size_t n);

/// One line for each run. kInvalidArgument for no runs, for more than kMaxPlotSeries, and, naming it, for a run that
/// has no such record.
Result<LinePlot> run_curves(std::span<const NamedRun> runs, RunCurve curve, std::size_t smoothing = 1);

/// The mean over the last `share` (above 0, at most 1) of a line's points, at least one: where the line has come to.
/// NaN when none of them is finite.
double mean_of_last(const PlotSeries& series, double share);

}  // namespace spanqa

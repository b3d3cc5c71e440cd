// spanqa curves: one curve of several training runs in one plot.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/layout.h"
#include "cli/output.h"
#include "cli/whole_number.h"
#include "train/run_curves.h"

namespace spanqa::cli {
namespace {

struct CurvesFlags {
  std::vector<std::string> runs;
  std::vector<std::string> names;
  std::string curve = "loss";
  std::size_t smoothing = 1;
  std::string output = "-";
};

Result<std::vector<NamedRun>> open_runs(const CurvesFlags& flags) {
  if (flags.names.size() > flags.runs.size()) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} --name for {} runs: each belongs to the run at its place",
                                                         flags.names.size(), flags.runs.size()));
  }
  std::vector<NamedRun> runs;
  for (const std::string& path : flags.runs) {
    SPANQA_ASSIGN(NamedRun run, open_run(path));
    if (runs.size() < flags.names.size()) run.name = flags.names[runs.size()];
    runs.push_back(std::move(run));
  }
  return runs;
}

/// Beside a file, where each line ends stands on standard output; the plot itself goes there without one.
void print_ends(const LinePlot& plot) {
  constexpr double kShare = 0.1;
  fmt::print("{:<24}{:>10}{:>12}{:>24}\n", cut(plot.title, 23), "points", "last step", "mean of the last tenth");
  for (const PlotSeries& series : plot.series) {
    fmt::print("{}{:>10}{:>12}{:>24.6g}\n", pad(one_line(series.name), 24), with_commas(series.points.size()),
               with_commas(static_cast<std::size_t>(series.points.back().x)), mean_of_last(series, kShare));
  }
}

int run_curves_command(const CurvesFlags& flags) {
  if (const Status apart = check_not_input(flags.output, flags.runs); !apart) return report(apart.error(), kUsage);
  const auto runs = open_runs(flags);
  if (!runs) return report(runs.error(), kDataError);
  const auto plot = run_curves(*runs, parse_run_curve(flags.curve).value_or(RunCurve::kLoss), flags.smoothing);
  if (!plot) return report(plot.error(), kDataError);
  if (const Status written = write_output(flags.output, standalone_svg(*plot)); !written) {
    return report(written.error(), kDataError);
  }
  if (!flags.output.empty() && flags.output != "-") print_ends(*plot);
  return kOk;
}

}  // namespace

void add_curves(CLI::App& app, Run& run) {
  auto flags = std::make_shared<CurvesFlags>();
  CLI::App* command = app.add_subcommand("curves", "Draw a curve of several training runs into one plot");
  command->add_option("runs", flags->runs, "Folders of runs, or their events.jsonl: 1 to 4, each a line of the plot")
      ->required();
  command->add_option("--name", flags->names, "Name of the first, second, ... line; default: the folder's")
      ->allow_extra_args(false);
  command->add_option("--curve", flags->curve, "What is drawn over the steps")
      ->check(CLI::IsMember(run_curve_names()))
      ->capture_default_str();
  command->add_option("--smooth", flags->smoothing, "Each point the mean of so many around it")
      ->check(whole_number(1))
      ->capture_default_str();
  command->add_option("-o,--output", flags->output, "The SVG file; -: standard output")->capture_default_str();
  command->footer(
      "Example:\n"
      "  spanqa curves runs/float32 runs/bfloat16 --smooth 5 --output losses.svg");
  command->callback([flags, &run] { run = [flags] { return run_curves_command(*flags); }; });
}

}  // namespace spanqa::cli

// spanqa evaluate: a model on a data set, with official scores, slices and the worst errors.
#include "qa/evaluate.h"

#include <fmt/format.h>

#include <optional>
#include <string>

#include "cli/command.h"
#include "cli/data_format_flag.h"
#include "cli/interrupt.h"
#include "cli/layout.h"
#include "cli/reading_flags.h"
#include "cli/terminal.h"
#include "cli/whole_number.h"
#include "qa/fit_settings.h"

namespace spanqa::cli {
namespace {

struct EvaluateFlags {
  ReadingFlags reading;
  std::string data;
  std::string output;
  std::string prefix = "eval";
  std::string format = "auto";
  std::optional<bool> version_2;
  std::size_t limit = 0;
  std::size_t worst = 20;
  bool json = false;
  bool fit = false;
};

void print_slices(const EvaluationReport& report) {
  for (const SliceGroup& group : report.slices) {
    fmt::print("\n  {:<24}{:>10}{:>10}{:>10}\n", bold(group.name), "questions", "exact", "F1");
    for (const Slice& slice : group.slices) {
      fmt::print("  {:<20}{:>10}{:>10.2f}{:>10.2f}\n", slice.name, slice.n_questions, slice.exact, slice.f1);
    }
  }
}

void print_worst(const EvaluationReport& report) {
  if (report.worst.empty()) return;
  fmt::print("\n  {}\n", bold("worst errors (wrong and most confident)"));
  const std::size_t width = terminal_width() - 6;
  for (const WorstError& error : report.worst) {
    fmt::print("  {:.2f}  {}\n", error.probability, cut(one_line(error.question), width - 2));
    fmt::print("        said {}\n",
               cut(error.prediction.empty() ? "(no answer)" : one_line(error.prediction), width - 8));
    fmt::print("        gold {}\n",
               cut(error.golds.empty() ? "(no answer)" : one_line(error.golds.front()), width - 8));
  }
}

void print_report(const EvaluationReport& report, const EvaluateFlags& flags) {
  fmt::print("{} questions, {} windows in {} ({:.1f} windows/s)\n\n", report.counts.n_questions,
             report.counts.n_windows, format_seconds(report.seconds),
             static_cast<double>(report.counts.n_windows) / report.seconds);
  for (const MetricValue& metric : report.metrics) {
    fmt::print("  {:<26}{}\n", metric.name,
               metric.is_count ? fmt::format("{:>10.0f}", metric.value) : fmt::format("{:>10.4f}", metric.value));
  }
  if (report.fitted_threshold) {
    fmt::print("  {}\n", faint(fmt::format("best threshold on the null odds {:.4f} would give F1 {:.2f}",
                                           *report.fitted_threshold, report.fitted_f1.value_or(0.0))));
  }
  print_slices(report);
  print_worst(report);
  if (!flags.output.empty()) fmt::print("\nfiles in {}\n", flags.output);
}

/// Reads the file once more, writes what was fitted beside the model and says what it is, on standard error: --json
/// stays JSON.
int fit_and_write(const Reader& reader, const EvaluateFlags& flags, const EvaluateOptions& options,
                  const EvaluationReport& evaluation) {
  const Result<SettingsFit> fit = [&] {
    ProgressBar bar("fitting");
    return fit_settings(reader, flags.data, options, evaluation, [&](double share, const AnswerStreamCounts& seen) {
      bar.update(share, fmt::format("{} questions", seen.n_questions));
    });
  }();
  if (!fit) return report_data(fit.error());
  if (const Status written = write_qa_settings(reader.folder(), fit->settings); !written) {
    return report_data(written.error());
  }
  const QaSettings& settings = fit->settings;
  fmt::print(stderr, "fitted on {}\n", settings.fitted_on);
  fmt::print(stderr, "  temperature {:.4f}, no_answer_threshold {:.4f}, null_score_diff_threshold {:.4f}\n",
             settings.temperature, settings.no_answer_threshold, settings.null_score_diff_threshold);
  if (fit->global_f1) fmt::print(stderr, "  F1 of the global decoder with its threshold: {:.2f}\n", *fit->global_f1);
  for (const std::string& part : fit->not_fitted) fmt::print(stderr, "  not fitted: {}\n", part);
  fmt::print(stderr, "  written to {}\n", (reader.folder() / kQaSettingsFile).string());
  return kOk;
}

int run_evaluate(const EvaluateFlags& flags) {
  const auto reader = flags.reading.open_reader();
  if (!reader) return report(reader.error(), kModelError);
  const auto ask = flags.reading.resolve(**reader);
  if (!ask) return report(ask.error(), kUsage);
  const auto* decoder = std::get_if<RunQaOptions>(&ask->decoder);
  if (decoder == nullptr) {
    return report({ErrorCode::kInvalidArgument, "evaluate writes run_qa's files and scores: drop --decoder"}, kUsage);
  }
  const InterruptGuard guard;
  const EvaluateOptions options{.decoder = *decoder,
                                .windows = ask->windows,
                                .specials_in_text = ask->specials_in_text,
                                .version_2 = flags.version_2,
                                .format = data_format_of(flags.format),
                                .output = flags.output,
                                .prefix = flags.prefix,
                                .limit = flags.limit,
                                .n_worst = flags.worst,
                                .cancelled = InterruptGuard::check};
  Result<EvaluationReport> evaluation = [&] {
    ProgressBar bar("evaluating");
    return evaluate(**reader, flags.data, options, [&](double share, const AnswerStreamCounts& seen) {
      bar.update(share, fmt::format("{} questions", seen.n_questions));
    });
  }();
  if (!evaluation) return report(evaluation.error(), kDataError);
  if (flags.json) {
    fmt::print("{}\n", evaluation->to_json());
  } else {
    print_report(*evaluation, flags);
  }
  return flags.fit ? fit_and_write(**reader, flags, options, *evaluation) : kOk;
}

}  // namespace

void add_evaluate(CLI::App& app, Run& run) {
  auto flags = std::make_shared<EvaluateFlags>();
  CLI::App* command = app.add_subcommand("evaluate", "Score a model on a data set, by slices, with its worst errors");
  command->add_option("data", flags->data, "SQuAD v1.1 or v2.0, flat JSON, JSONL or CSV with gold answers")->required();
  command->add_option("-o,--output", flags->output, "Folder for the files run_qa.py writes; made if it is not there");
  command->add_option("--prefix", flags->prefix, "Of their names: PREFIX_predictions.json")->capture_default_str();
  add_data_format(*command, flags->format);
  CLI::Option* version_2 = command->add_flag_callback(
      "--version-2", [&version = flags->version_2] { version = true; }, "SQuAD v2.0 rules; default: as the file says");
  command->add_flag_callback(
             "--version-1", [&version = flags->version_2] { version = false; }, "SQuAD v1.1 rules")
      ->excludes(version_2);
  command->add_option("--limit", flags->limit, "Questions at most; 0: all")
      ->check(whole_number())
      ->capture_default_str();
  command->add_option("--worst", flags->worst, "Errors listed")->check(whole_number(0, 100000))->capture_default_str();
  command->add_flag("--json", flags->json, "The report as JSON");
  command->add_flag("--fit", flags->fit,
                    "Fit temperature and no-answer thresholds on this file, read once more, and write them beside the "
                    "model (qa_settings.json); take a file held out of training, never the one you report on");
  flags->reading.add_to(*command, "run_qa");
  command->footer("Example:\n  spanqa evaluate dev-v1.1.json --output results");
  command->callback([flags, &run] { run = [flags] { return run_evaluate(*flags); }; });
}

}  // namespace spanqa::cli

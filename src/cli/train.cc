// spanqa train: fine-tunes a reader.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/layout.h"
#include "cli/model_folder.h"
#include "cli/terminal.h"
#include "cli/train_display.h"
#include "cli/train_flags.h"
#include "nn/model_config.h"
#include "text/tokenizer.h"
#include "train/options_json.h"
#include "train/run_plan.h"
#include "train/trainer.h"

namespace spanqa::cli {
namespace {

using Json = nlohmann::ordered_json;

void print_row(std::FILE* out, const std::string& name, const std::string& value) {
  fmt::print(out, "  {}{}\n", pad(name, 26), value);
}

void print_settings(std::FILE* out, const TrainOptions& options) {
  fmt::print(out, "settings\n");
  for (const auto& [key, value] : printed_options(options)) print_row(out, key, value);
  fmt::print(out, "\n");
  std::fflush(out);
}

Json plan_json(const TrainOptions& options, const RunPlan& plan) {
  Json out;
  out["options"] = Json::parse(options_to_json(options));
  out["questions"] = plan.counts.n_questions;
  out["skipped"] = {{"misplaced", plan.counts.misplaced.n},
                    {"long_questions", plan.counts.long_questions.n},
                    {"unanswerable", plan.counts.unanswerable.n},
                    {"without_golds", plan.counts.without_golds.n}};
  out["windows"] = plan.counts.n_windows;
  out["windows_with_answer"] = plan.counts.n_answer_windows;
  out["tokens"] = plan.counts.n_tokens;
  out["steps_in_epoch"] = plan.length.steps_in_epoch;
  out["steps"] = plan.length.n_steps;
  out["warmup_steps"] = plan.length.n_warmup_steps;
  if (!options.validation.empty()) out["validation_questions"] = plan.n_validation;
  return out;
}

void print_skipped(const char* reason, const SkippedQuestions& skipped) {
  if (skipped.n == 0) return;
  const std::string first = skipped.first.empty() ? "" : "  " + skipped.first.front();
  print_row(stdout, fmt::format("  {}", reason), fmt::format("{:>10}{}", with_commas(skipped.n), first));
}

void print_plan(const RunPlan& plan) {
  const auto row = [](const char* name, std::size_t n) {
    print_row(stdout, name, fmt::format("{:>10}", with_commas(n)));
  };
  fmt::print("data\n");
  row("questions", plan.counts.n_questions);
  row("skipped", plan.counts.n_skipped());
  print_skipped("answer not in its place", plan.counts.misplaced);
  print_skipped("too long", plan.counts.long_questions);
  print_skipped("no answer (--squad-v2)", plan.counts.unanswerable);
  print_skipped("answers not given", plan.counts.without_golds);
  row("windows", plan.counts.n_windows);
  row("  with the answer", plan.counts.n_answer_windows);
  row("tokens", plan.counts.n_tokens);
  row("steps of an epoch", plan.length.steps_in_epoch);
  row("steps", plan.length.n_steps);
  row("steps of warm-up", plan.length.n_warmup_steps);
  if (plan.n_validation > 0) row("validation questions", plan.n_validation);
}

int dry_run(const TrainFlags& flags, const TrainOptions& options) {
  const auto plan = plan_run(options);
  if (!plan) return report_data(plan.error());
  if (flags.json) {
    fmt::print("{}\n", plan_json(options, *plan).dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    print_plan(*plan);
  }
  return kOk;
}

Json finite(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json result_json(const TrainOptions& options, const TrainResult& result) {
  Json out;
  out["steps"] = result.n_steps;
  out["seconds"] = result.seconds;
  out["windows_per_second"] = finite(result.windows_per_second);
  out["peak_memory_bytes"] = result.peak_memory_bytes;
  out["model"] = result.model.string();
  out["best_checkpoint"] = result.best_checkpoint.string();
  out["last_checkpoint"] = result.last_checkpoint.string();
  if (result.best) {
    Json& best = out["best"];
    best = {{"step", result.best->step}, {"epoch", result.best->epoch}, {"loss", finite(result.best->loss)}};
    for (const MetricValue& metric : result.best->metrics) best[metric.name] = metric.value;
  }
  out["options"] = Json::parse(options_to_json(options));
  return out;
}

void print_result(const TrainOptions& options, const TrainResult& result) {
  fmt::print("\n{} in {} ({:.1f} windows/s), {:.0f} MB at most\n", counted(result.n_steps, "step"),
             format_seconds(result.seconds), result.windows_per_second,
             static_cast<double>(result.peak_memory_bytes) / 1e6);
  if (result.best) fmt::print("best: step {}, F1 {:.2f}\n", result.best->step, result.best->f1);
  fmt::print("the model is in {}; ask it with: spanqa ask --model {}\n", bold(result.model.string()),
             result.model.string());
  fmt::print("the report is {}\n", (options.output / "report.html").string());
}

TrainObserver observer_of(TrainDisplay& display) {
  TrainObserver observer;
  observer.on_notice = [&](const std::string& line) { display.line(line); };
  observer.on_step = [&](const StepRecord& record) { display.step(record); };
  observer.on_evaluation = [&](const EvaluationRecord& record) { display.evaluation(record); };
  observer.on_evaluation_progress = [&](double share) { display.evaluation_progress(share); };
  observer.on_checkpoint = [&](const CheckpointRecord& record) { display.checkpoint(record); };
  observer.cancelled = []() -> Status {
    if (InterruptGuard::check()) return {};
    return fail(ErrorCode::kCancelled, "interrupted; the same command with --resume continues");
  };
  return observer;
}

/// Opens the model's folder as the trainer does, but before data are read, and lets windows fit it.
Status fit_to_model(TrainOptions& options) {
  SPANQA_TRY(check_model_folder(options.model));
  SPANQA_ASSIGN(const ModelConfig config, read_model_config(options.model));
  SPANQA_ASSIGN(const auto tokenizer, Tokenizer::open(options.model));
  options.windows = fit_windows(options.windows, config, *tokenizer);
  return {};
}

int run_train(CLI::App& command, TrainFlags& flags) {
  auto options = flags.resolve(command);
  if (!options) return report(options.error(), kDataError);
  if (const Status model = fit_to_model(*options); !model) {
    return report(model.error(), kModelError);
  }
  std::FILE* log = flags.json ? stderr : stdout;
  if (!flags.json || !flags.dry_run) print_settings(log, *options);
  if (flags.dry_run) return dry_run(flags, *options);
  const InterruptGuard guard;
  const auto result = [&] {
    TrainDisplay display(log, options->log_every, ::isatty(STDERR_FILENO) == 1);
    return train(*options, flags.resume, observer_of(display));
  }();
  if (!result) return report(result.error(), kDataError);
  if (flags.json) {
    fmt::print("{}\n", result_json(*options, *result).dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    print_result(*options, *result);
  }
  return kOk;
}

}  // namespace

void add_train(CLI::App& app, Run& run) {
  auto flags = std::make_shared<TrainFlags>();
  CLI::App* command = app.add_subcommand("train", "Fine-tune a reader on questions with answers");
  flags->add_to(*command);
  command->footer(
      "Examples:\n"
      "  spanqa train --model minilm-base --train train.json --validation dev.json \\\n"
      "    --output runs/mine --learning-rate 1e-4 --batch-size 16\n"
      "  spanqa train --config recipes/minilm-c.toml --model minilm-base \\\n"
      "    --train train-v1.1.json --validation dev-v1.1.json --output runs/c");
  command->callback([flags, command, &run] { run = [flags, command] { return run_train(*command, *flags); }; });
}

}  // namespace spanqa::cli

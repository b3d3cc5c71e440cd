// spanqa bench: how fast this machine reads, beside what its matmul could do.
#include <fmt/format.h>

#include <string>

#include "base/file.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/reading_flags.h"
#include "cli/terminal.h"
#include "cli/whole_number.h"
#include "qa/speed.h"

namespace spanqa::cli {
namespace {

struct BenchFlags {
  ReadingFlags reading;
  std::string data;
  std::string output;
  std::size_t limit = 0;
  int rounds = 3;
  bool json = false;
  bool no_encoder = false;
};

void print_report(const SpeedReport& r) {
  const auto row = [](const char* name, const std::string& value) { fmt::print("  {:<34}{}\n", name, value); };
  fmt::print("{} · {} threads · kernels {} · matmul {}\n", r.cpu, r.n_threads, r.kernels, r.matmul);
  fmt::print("{} questions, {} windows, {} tokens\n\n", r.n_questions, r.n_windows, r.n_tokens);
  row("open the model", fmt::format("{:.1f} ms", 1000.0 * r.open_seconds));
  row("tokenise all pairs, 1 thread", fmt::format("{:.3f} s", r.tokenize_seconds));
  row("  contexts once, windows packed", fmt::format("{:.3f} s", r.tokenize_reuse_seconds));
  row("bare float32 matmul", fmt::format("{:.1f} GFLOPS", r.bare_matmul_gflops));
  if (r.encoder_seconds > 0.0) {
    row("encoder, all windows", fmt::format("{:.2f} s", r.encoder_seconds));
    row("", fmt::format("{:.1f} windows/s, {:.0f} tokens/s", r.windows_per_second, r.tokens_per_second));
    row("", fmt::format("{:.1f} GFLOPS, {:.3f} of the bare matmul", r.encoder_gflops, r.share_of_matmul));
    row("a lone question", fmt::format("p50 {:.1f} ms, p99 {:.1f} ms", r.lone_p50_ms, r.lone_p99_ms));
  }
  row("peak memory", fmt::format("{:.0f} MB", r.peak_memory_mb));
}

int run_bench(const BenchFlags& flags) {
  if (const Status apart = check_not_input(flags.output, {flags.data}); !apart) {
    return report(apart.error(), kUsage);
  }
  const auto model = flags.reading.model_folder();
  if (!model) return report(model.error(), kModelError);
  const auto speed = [&] {
    ProgressBar bar("measuring");
    return measure_speed(*model, flags.data,
                         {.n_threads = flags.reading.threads,
                          .limit = flags.limit,
                          .rounds = flags.rounds,
                          .encode = !flags.no_encoder,
                          .precision = flags.reading.chosen_precision()},
                         [&](const std::string& part) { bar.update(0.0, part); });
  }();
  if (!speed) return report(speed.error(), kDataError);
  if (!flags.output.empty()) {
    if (const Status written = write_file(flags.output, speed->to_json() + "\n"); !written) {
      return report(written.error(), kDataError);
    }
  }
  if (flags.json) {
    fmt::print("{}\n", speed->to_json());
  } else {
    print_report(*speed);
  }
  return kOk;
}

}  // namespace

void add_bench(CLI::App& app, Run& run) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App* command = app.add_subcommand("bench", "Measure speed beside the processor's own matmul");
  command->add_option("data", flags->data, "Questions to read, such as SQuAD's dev set")->required();
  command->add_option("--limit", flags->limit, "Questions used at most; 0: all")
      ->check(whole_number())
      ->capture_default_str();
  command->add_option("--rounds", flags->rounds, "Times matmul and encoder are measured in turn")
      ->check(whole_number(1, 1000))
      ->capture_default_str();
  command->add_option("-o,--output", flags->output, "Write the figures as JSON to this file");
  command->add_flag("--json", flags->json, "Print the figures as JSON");
  command->add_flag("--no-encoder", flags->no_encoder, "Only loading, tokenising and the bare matmul");
  flags->reading.add_model_to(*command);
  command->footer("Example:\n  spanqa bench dev-v1.1.json --threads 2 --output figures.json");
  command->callback([flags, &run] { run = [flags] { return run_bench(*flags); }; });
}

}  // namespace spanqa::cli

// spanqa data sample: the first N examples, N drawn by a seed, or a split by context or article.
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>

#include "cli/data_command.h"
#include "cli/example_input.h"
#include "cli/example_output.h"
#include "cli/layout.h"
#include "cli/whole_number.h"
#include "data/sample.h"

namespace spanqa::cli {
namespace {

struct SampleFlags {
  ExampleInput input;
  ExampleOutput output;
  std::size_t count = 0;
  std::uint64_t seed = 0;
  bool first = false;
  std::optional<double> split;
  std::string held_out;
  std::string by = "context";
};

Status write_first(const SampleFlags& flags, ExampleReader& examples) {
  ExampleSink sink(flags.output, examples);
  for (std::size_t n = 0; n < flags.count; ++n) {
    SPANQA_ASSIGN(const auto example, examples.next());
    if (!example) break;
    SPANQA_TRY(sink.write(*example));
  }
  return sink.finish();
}

Status write_drawn(const SampleFlags& flags, ExampleReader& examples) {
  ReservoirSample sample(flags.count, flags.seed);
  SPANQA_TRY(for_each_example(examples, "drawing", [&](Example& example) -> Status {
    sample.add(std::move(example));
    return {};
  }));
  ExampleSink sink(flags.output, examples);
  for (const Example& example : sample.take()) SPANQA_TRY(sink.write(example));
  return sink.finish();
}

Status write_split(const SampleFlags& flags, ExampleReader& examples) {
  GroupSplit split(flags.seed, flags.by == "article" ? SplitBy::kArticle : SplitBy::kContext);
  SPANQA_TRY(for_each_example(examples, "reading", [&](Example& example) -> Status {
    split.add(example);
    return {};
  }));
  split.plan(*flags.split);
  SPANQA_ASSIGN(const auto again, flags.input.open());
  ExampleOutput held_out_output = flags.output;
  held_out_output.path = flags.held_out;
  ExampleSink kept(flags.output, *again);
  ExampleSink held_out(held_out_output, *again);
  SPANQA_TRY(for_each_example(*again, "writing", [&](Example& example) -> Status {
    return split.is_held_out(example) ? held_out.write(example) : kept.write(example);
  }));
  SPANQA_TRY(kept.finish());
  SPANQA_TRY(held_out.finish());
  fmt::print(stderr, "spanqa: {} of {} held out\n", with_commas(split.n_held_out()),
             counted(split.n_examples(), "question"));
  return {};
}

int run_sample(const SampleFlags& flags) {
  if (flags.count == 0 && !flags.split) {
    return report({ErrorCode::kInvalidArgument, "say how many: --count N, or --split SHARE --held-out FILE"}, kUsage);
  }
  if (flags.split && flags.input.path == "-") {
    return report({ErrorCode::kInvalidArgument, "--split reads the data twice: give a file, not standard input"},
                  kUsage);
  }
  if (const Status apart = check_outputs(flags.output.path, flags.held_out, {flags.input.path}); !apart) {
    return report(apart.error(), kUsage);
  }
  const auto examples = flags.input.open();
  if (!examples) return report(examples.error(), kDataError);
  const Status written = flags.split   ? write_split(flags, **examples)
                         : flags.first ? write_first(flags, **examples)
                                       : write_drawn(flags, **examples);
  return written ? static_cast<int>(kOk) : report_data(written.error());
}

}  // namespace

void add_data_sample(CLI::App& data, Run& run) {
  auto flags = std::make_shared<SampleFlags>();
  CLI::App* command = data.add_subcommand("sample", "Write some of the questions: the first, or drawn by a seed");
  flags->input.add_to(*command, "The data set: SQuAD, JSON, JSONL or CSV; - for JSONL on standard input");
  flags->output.add_to(*command);
  CLI::Option* count = command->add_option("-n,--count", flags->count, "How many questions")->check(whole_number());
  CLI::Option* seed = command->add_option("--seed", flags->seed, "The same seed draws the same questions everywhere")
                          ->check(whole_number(0, kMostSeed))
                          ->capture_default_str();
  command->add_flag("--first", flags->first, "The first ones instead of drawn ones")->excludes(seed);
  CLI::Option* split = command->add_option("--split", flags->split, "Hold out this share of the questions")
                           ->check(CLI::Range(0.0, 1.0))
                           ->excludes(count);
  CLI::Option* held_out = command->add_option("--held-out", flags->held_out, "Where the questions held out go");
  command->add_option("--by", flags->by, "What stays on one side: the questions of a context, or of an article (title)")
      ->check(CLI::IsMember({"context", "article"}))
      ->capture_default_str()
      ->needs(split);
  split->needs(held_out);
  held_out->needs(split);
  command->footer(
      "Examples:\n"
      "  spanqa data sample train-v2.0.json --count 1000 --seed 7 --output small.json\n"
      "  spanqa data sample train.jsonl --split 0.1 --held-out dev.jsonl -o rest.jsonl\n"
      "  spanqa data sample train.json --split 0.1 --by article --held-out dev.json\\\n"
      "      --output rest.json");
  command->callback([flags, &run] { run = [flags] { return run_sample(*flags); }; });
}

}  // namespace spanqa::cli

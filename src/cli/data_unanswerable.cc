// spanqa data unanswerable: questions with a paragraph of the same article that does not answer them.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/data_command.h"
#include "cli/example_input.h"
#include "cli/example_output.h"
#include "cli/layout.h"
#include "cli/output.h"
#include "cli/whole_number.h"
#include "data/unanswerable.h"

namespace spanqa::cli {
namespace {

struct UnanswerableFlags {
  ExampleInput input;
  ExampleOutput output;
  UnanswerableOptions options;
};

Status write_unanswerable(const UnanswerableFlags& flags, ExampleReader& reader) {
  std::vector<Example> examples;
  SPANQA_TRY(for_each_example(reader, "reading", [&](Example& example) -> Status {
    examples.push_back(std::move(example));
    return {};
  }));
  const std::vector<Example> made = make_unanswerable(examples, flags.options);
  ExampleOutput output = flags.output;
  if (output.version.empty()) output.version = "v2.0";  // version 1 has no unanswerable questions
  ExampleSink sink(output, reader);
  for (const Example& example : made) SPANQA_TRY(sink.write(example));
  SPANQA_TRY(sink.finish());
  fmt::print(stderr, "spanqa: {} made of {}\n", counted(made.size(), "unanswerable question"),
             counted(examples.size(), "question"));
  return {};
}

int run_unanswerable(const UnanswerableFlags& flags) {
  if (const Status apart = check_not_input(flags.output.path, {flags.input.path}); !apart) {
    return report(apart.error(), kUsage);
  }
  const auto examples = flags.input.open();
  if (!examples) return report(examples.error(), kDataError);
  const Status written = write_unanswerable(flags, **examples);
  return written ? static_cast<int>(kOk) : report_data(written.error());
}

}  // namespace

void add_data_unanswerable(CLI::App& data, Run& run) {
  auto flags = std::make_shared<UnanswerableFlags>();
  CLI::App* command = data.add_subcommand("unanswerable", "Make questions without an answer, for SQuAD v2.0 training");
  flags->input.add_to(*command, "The data set: SQuAD, JSON, JSONL or CSV, with titles; - for JSONL");
  flags->output.add_to(*command);
  command->add_option("--share", flags->options.share, "So many for each answerable question")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--seed", flags->options.seed, "The same seed makes the same questions")
      ->check(whole_number(0, kMostSeed))
      ->capture_default_str();
  command->add_option("--candidates", flags->options.n_candidates, "Paragraphs of the article tried for a question")
      ->check(whole_number(1))
      ->capture_default_str();
  command
      ->add_option("--min-overlap", flags->options.min_overlap,
                   "Share of the question's words that the paragraph must have, rare words counting most")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->footer(
      "Example:\n"
      "  spanqa data unanswerable train-v1.1.json --share 0.5 --seed 1 \\\n"
      "      --output unanswerable.json");
  command->callback([flags, &run] { run = [flags] { return run_unanswerable(*flags); }; });
}

}  // namespace spanqa::cli

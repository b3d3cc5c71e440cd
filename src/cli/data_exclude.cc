// spanqa data exclude: what is left of a data set without the texts of others.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/data_command.h"
#include "cli/example_input.h"
#include "cli/example_output.h"
#include "cli/layout.h"
#include "data/context_set.h"

namespace spanqa::cli {
namespace {

struct ExcludeFlags {
  ExampleInput input;
  ExampleOutput output;
  std::vector<std::string> others;
  std::string left_out;
};

Result<ContextSet> read_contexts(const std::vector<std::string>& paths) {
  ContextSet contexts;
  for (const std::string& path : paths) {
    const ExampleInput input{.path = path};
    SPANQA_ASSIGN(const auto examples, input.open());
    SPANQA_TRY(for_each_example(*examples, "reading", [&](Example& example) -> Status {
      contexts.add(example);
      return {};
    }));
  }
  return contexts;
}

Status write_rest(const ExcludeFlags& flags, const ContextSet& contexts, ExampleReader& examples) {
  ExampleSink kept(flags.output, examples);
  ExampleOutput left_out_output = flags.output;
  left_out_output.path = flags.left_out;
  ExampleSink left_out(left_out_output, examples);
  std::size_t n_questions = 0;
  std::size_t n_left_out = 0;
  SPANQA_TRY(for_each_example(examples, "writing", [&](Example& example) -> Status {
    ++n_questions;
    if (!contexts.contains(example)) return kept.write(example);
    ++n_left_out;
    return flags.left_out.empty() ? Status() : left_out.write(example);
  }));
  SPANQA_TRY(kept.finish());
  if (!flags.left_out.empty()) SPANQA_TRY(left_out.finish());
  fmt::print(stderr, "spanqa: {} of {} left out\n", with_commas(n_left_out), counted(n_questions, "question"));
  return {};
}

int run_exclude(const ExcludeFlags& flags) {
  std::vector<std::string> inputs = flags.others;
  inputs.push_back(flags.input.path);
  if (const Status apart = check_outputs(flags.output.path, flags.left_out, inputs); !apart) {
    return report(apart.error(), kUsage);
  }
  const Result<ContextSet> contexts = read_contexts(flags.others);
  if (!contexts) return report_data(contexts.error());
  const auto examples = flags.input.open();
  if (!examples) return report(examples.error(), kDataError);
  const Status written = write_rest(flags, *contexts, **examples);
  return written ? static_cast<int>(kOk) : report_data(written.error());
}

}  // namespace

void add_data_exclude(CLI::App& data, Run& run) {
  auto flags = std::make_shared<ExcludeFlags>();
  CLI::App* command = data.add_subcommand("exclude", "Leave out the questions whose text another data set has too");
  flags->input.add_to(*command, "The data set: SQuAD, JSON, JSONL or CSV; - for JSONL on standard input");
  flags->output.add_to(*command);
  command
      ->add_option("--contexts-of", flags->others,
                   "Data set whose texts must not occur; compared by letters and digits; repeatable")
      ->type_name("FILE")
      ->allow_extra_args(false)
      ->required();
  command->add_option("--left-out", flags->left_out, "Where the questions left out go")->type_name("FILE");
  command->footer(
      "Example:\n"
      "  spanqa data exclude train.json --contexts-of dev.json \\\n"
      "      --contexts-of test.json --output apart.json");
  command->callback([flags, &run] { run = [flags] { return run_exclude(*flags); }; });
}

}  // namespace spanqa::cli

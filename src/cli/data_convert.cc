// spanqa data convert: the same examples in another format, mended if asked.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "cli/data_command.h"
#include "cli/example_input.h"
#include "cli/example_output.h"
#include "cli/layout.h"
#include "cli/output.h"
#include "data/check.h"

namespace spanqa::cli {
namespace {

struct ConvertFlags {
  ExampleInput input;
  ExampleOutput output;
  bool fix = false;
};

void print_fixes(const ExampleChecker& checker) {
  std::size_t n_fixed = 0;
  for (std::size_t k = 0; k < kFindingKinds; ++k) {
    const auto kind = static_cast<FindingKind>(k);
    n_fixed += checker.count_fixed(kind);
    if (checker.count(kind) == 0) continue;
    fmt::print(stderr, "  {:<24}{:>9} found {:>9} mended\n", finding_kind_name(kind), with_commas(checker.count(kind)),
               with_commas(checker.count_fixed(kind)));
  }
  fmt::print(stderr, "spanqa: {} of {} mended, copies dropped: {}\n", with_commas(n_fixed),
             counted(checker.n_findings(), "finding"), with_commas(checker.n_dropped()));
}

int run_convert(const ConvertFlags& flags) {
  if (const Status apart = check_not_input(flags.output.path, {flags.input.path}); !apart) {
    return report(apart.error(), kUsage);
  }
  auto examples = flags.input.open();
  if (!examples) return report(examples.error(), kDataError);
  ExampleChecker checker({.fix = true});
  ExampleSink sink(flags.output, **examples);
  const Status read = for_each_example(**examples, "converting", [&](Example& example) -> Status {
    if (flags.fix && checker.check(example).drop) return {};
    return sink.write(example);
  });
  if (!read) return report_data(read.error());
  if (const Status finished = sink.finish(); !finished) return report_data(finished.error());
  if (flags.fix) print_fixes(checker);
  return kOk;
}

}  // namespace

void add_data_convert(CLI::App& data, Run& run) {
  auto flags = std::make_shared<ConvertFlags>();
  CLI::App* command = data.add_subcommand("convert", "Write a data set in another format");
  flags->input.add_to(*command, "The data set: SQuAD, JSON, JSONL or CSV; - for JSONL on standard input");
  flags->output.add_to(*command);
  command->add_flag("--fix", flags->fix, "Mend answer places that are surely wrong, drop copies; say what was done");
  command->footer("Example:\n  spanqa data convert dev-v1.1.json --to jsonl --output dev.jsonl");
  command->callback([flags, &run] { run = [flags] { return run_convert(*flags); }; });
}

}  // namespace spanqa::cli

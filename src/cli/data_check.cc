// spanqa data check: the data doctor's findings, counted by kind, the first of them in full.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/data_command.h"
#include "cli/example_input.h"
#include "cli/layout.h"
#include "cli/terminal.h"
#include "cli/whole_number.h"
#include "data/check.h"

namespace spanqa::cli {
namespace {

using Json = nlohmann::ordered_json;

struct CheckFlags {
  ExampleInput input;
  std::size_t most = 20;
  bool json = false;
};

void print_json(const CheckFlags& flags, const ExampleChecker& checker, const std::vector<Finding>& findings) {
  Json out;
  out["file"] = flags.input.name();
  out["questions"] = checker.n_examples();
  out["findings"] = checker.n_findings();
  out["by_kind"] = Json::object();
  for (std::size_t k = 0; k < kFindingKinds; ++k) {
    const auto kind = static_cast<FindingKind>(k);
    if (checker.count(kind) > 0) out["by_kind"][finding_kind_name(kind)] = checker.count(kind);
  }
  out["listed"] = Json::array();
  for (const Finding& finding : findings) {
    out["listed"].push_back(
        {{"kind", finding_kind_name(finding.kind)}, {"where", finding.where}, {"message", finding.message}});
  }
  fmt::print("{}\n", out.dump(2, ' ', false, Json::error_handler_t::replace));
}

void print_findings(const CheckFlags& flags, const ExampleChecker& checker, const std::vector<Finding>& findings) {
  fmt::print("{}: {}, {}\n", one_line(flags.input.name()), counted(checker.n_examples(), "question"),
             checker.n_findings() == 0 ? "nothing found" : counted(checker.n_findings(), "finding"));
  if (checker.n_findings() == 0) return;
  for (std::size_t k = 0; k < kFindingKinds; ++k) {
    const auto kind = static_cast<FindingKind>(k);
    if (checker.count(kind) > 0)
      fmt::print("  {:<24}{:>9}\n", finding_kind_name(kind), with_commas(checker.count(kind)));
  }
  if (findings.empty()) return;
  fmt::print("\n");
  for (const Finding& finding : findings) {
    const std::string line =
        fmt::format("{}: {}: {}", one_line(finding.where), finding_kind_name(finding.kind), one_line(finding.message));
    fmt::print("{}\n", wrap(line, terminal_width(), 4));
  }
  if (findings.size() < checker.n_findings()) {
    fmt::print("and {} more (--most N lists more of them)\n", with_commas(checker.n_findings() - findings.size()));
  }
}

int run_check(const CheckFlags& flags) {
  auto examples = flags.input.open();
  if (!examples) return report(examples.error(), kDataError);
  ExampleChecker checker;
  std::vector<Finding> findings;
  const Status read = for_each_example(**examples, "checking", [&](Example& example) -> Status {
    for (Finding& finding : checker.check(example).findings) {
      if (findings.size() < flags.most) findings.push_back(std::move(finding));
    }
    return {};
  });
  if (!read) return report_data(read.error());
  if (flags.json) {
    print_json(flags, checker, findings);
  } else {
    print_findings(flags, checker, findings);
  }
  return checker.n_findings() == 0 ? kOk : kFindings;
}

}  // namespace

void add_data_check(CLI::App& data, Run& run) {
  auto flags = std::make_shared<CheckFlags>();
  CLI::App* command =
      data.add_subcommand("check", "Misaligned answers, duplicate ids and more; exit code 1 when there are any");
  flags->input.add_to(*command, "The data set: SQuAD, JSON, JSONL or CSV; - for JSONL on standard input");
  command->add_option("--most", flags->most, "Findings listed at most; all are counted")
      ->check(whole_number())
      ->capture_default_str();
  command->add_flag("--json", flags->json, "Print a JSON object");
  command->footer("Example:\n  spanqa data check dev-v2.0.json --most 5");
  command->callback([flags, &run] { run = [flags] { return run_check(*flags); }; });
}

}  // namespace spanqa::cli

// spanqa completion: a script for the shell, made from the options of this very program.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "cli/command.h"
#include "cli/completion_script.h"
#include "cli/output.h"

namespace spanqa::cli {
namespace {

struct CompletionFlags {
  std::string shell;
  std::string output = "-";
};

int run_completion(const CompletionFlags& flags, const CLI::App& app) {
  const std::string script = flags.shell == "bash"  ? bash_completion(app)
                             : flags.shell == "zsh" ? zsh_completion(app)
                                                    : fish_completion(app);
  if (const Status written = write_output(flags.output, script); !written) return report(written.error(), kDataError);
  return kOk;
}

}  // namespace

void add_completion(CLI::App& app, Run& run) {
  auto flags = std::make_shared<CompletionFlags>();
  CLI::App* command = app.add_subcommand("completion", "Print a completion script for bash, zsh or fish");
  command->add_option("shell", flags->shell, "Which shell")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->add_option("-o,--output", flags->output, "Where the script goes; - for standard output")
      ->capture_default_str();
  command->footer(
      "Example:\n"
      "  source <(spanqa completion bash)\n"
      "  spanqa completion fish --output ~/.config/fish/completions/spanqa.fish");
  command->callback([flags, &run, &app] { run = [flags, &app] { return run_completion(*flags, app); }; });
}

}  // namespace spanqa::cli

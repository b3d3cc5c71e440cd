// The program spanqa: one subcommand each, see the files beside this one. No logic lives here.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include "cli/command.h"
#include "cli/version.h"

namespace spanqa::cli {
namespace {

int run_main(int argc, char** argv) {
  CLI::App app("Extractive question answering: find the answer to a question in a text, with its exact place.", "spanqa");
  app.set_version_flag("--version", SPANQA_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  Run run;
  add_ask(app, run);
  add_predict(app, run);
  add_evaluate(app, run);
  add_metrics(app, run);
  add_tokenize(app, run);
  add_data(app, run);
  add_info(app, run);
  add_bench(app, run);
  add_completion(app, run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);  // prints help or the complaint
    return code == 0 ? kOk : kUsage;
  }
  return run ? run() : kUsage;
}

}  // namespace

int report(const Error& error, ExitCode otherwise) {
  fmt::print(stderr, "spanqa: {}\n", error.message);
  if (error.code == ErrorCode::kCancelled) return kInterrupted;
  return error.code == ErrorCode::kInvalidArgument ? kUsage : otherwise;
}

}  // namespace spanqa::cli

int main(int argc, char** argv) {
  // A reader of our output that goes away (head, less) is a failed write, not a signal.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return spanqa::cli::run_main(argc, argv);
  } catch (const std::bad_alloc&) {
    std::fputs("spanqa: out of memory\n", stderr);
  } catch (const std::exception& error) {
    fmt::print(stderr, "spanqa: {}\n", error.what());
  }
  return spanqa::cli::kDataError;
}

// The program spanqa: one subcommand each, see the files beside this one. No logic lives here.
#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <new>
#include <string>
#include <system_error>

#include "base/json_text.h"
#include "cli/command.h"
#include "cli/help_format.h"
#include "cli/version.h"
#include "nn/kernels/isa.h"

namespace spanqa::cli {
namespace {

/// A reader of our output that goes away (head, less) has seen enough: that needs no message.
int report_system_error(int number, const std::string& message) {
  if (number != EPIPE) fmt::print(stderr, "spanqa: {}\n", message);
  return kDataError;
}

/// What standard output still holds back may fail to be written too (a full disk).
int finish_output(int code) {
  std::cout.flush();
  const bool failed = std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || !std::cout;
  if (!failed || code != kOk) return code;
  const int number = errno;
  return report_system_error(number, "standard output: cannot write: " + std::generic_category().message(number));
}

int run_main(int argc, char** argv) {
  CLI::App app("Extractive question answering: find the answer to a question in a text, with its exact place.",
               "spanqa");
  app.set_version_flag("--version", SPANQA_VERSION, "Print the version");
  app.set_help_flag("-h,--help", "Print this help");
  app.require_subcommand(1);
  app.formatter(std::make_shared<HelpFormatter>());
  app.footer(
      "Example:\n  spanqa ask --file report.txt \"Who signed the treaty?\"\n\n"
      "Exit codes: 0 done, 1 found something wrong, 2 command line, 3 input or output,\n"
      "4 model, 130 interrupted.");
  Run run;
  add_ask(app, run);
  add_predict(app, run);
  add_serve(app, run);
  add_evaluate(app, run);
  add_train(app, run);
  add_export(app, run);
  add_curves(app, run);
  add_metrics(app, run);
  add_tokenize(app, run);
  add_data(app, run);
  add_info(app, run);
  add_bench(app, run);
  add_completion(app, run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // prints help or version
    fmt::print(stderr, "{}", complaint(app, error));
    return kUsage;
  }
  if (const Status limit = check_isa_limit(); !limit) return report(limit.error(), kUsage);
  return run ? run() : kUsage;
}

}  // namespace
}  // namespace spanqa::cli

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a failed write is an error like any other
  std::signal(SIGXFSZ, SIG_IGN);  // likewise one above the limit of a file
  try {
    return spanqa::cli::finish_output(spanqa::cli::run_main(argc, argv));
  } catch (const std::bad_alloc&) {
    std::fputs("spanqa: out of memory\n", stderr);
  } catch (const std::system_error& error) {
    return spanqa::cli::report_system_error(error.code().value(), error.what());
  } catch (const std::exception& error) {
    fmt::print(stderr, "spanqa: {}\n", spanqa::plain_json_fault(error.what()));
  }
  return spanqa::cli::kDataError;
}

// What the subcommands share: exit codes, how an error ends a program, and the list of them.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "base/result.h"

namespace spanqa::cli {

/// Documented in docs/cli.md; scripts rely on them.
enum ExitCode : int {
  kOk = 0,
  kFindings = 1,      // it ran, and found something wrong: bad rows, misaligned answers
  kUsage = 2,         // the command line cannot be understood or asks for something impossible
  kDataError = 3,     // input or output: a file is missing, damaged, or cannot be written
  kModelError = 4,    // the model folder cannot be used
  kInterrupted = 130  // Ctrl-C
};

/// Each adds one subcommand. `run` is set to what it does when it is the one on the command line: it returns an exit
/// code.
using Run = std::function<int()>;
void add_ask(CLI::App& app, Run& run);
void add_bench(CLI::App& app, Run& run);
void add_completion(CLI::App& app, Run& run);
void add_curves(CLI::App& app, Run& run);
void add_data(CLI::App& app, Run& run);
void add_evaluate(CLI::App& app, Run& run);
void add_export(CLI::App& app, Run& run);
void add_info(CLI::App& app, Run& run);
void add_metrics(CLI::App& app, Run& run);
void add_predict(CLI::App& app, Run& run);
void add_serve(CLI::App& app, Run& run);
void add_tokenize(CLI::App& app, Run& run);
void add_train(CLI::App& app, Run& run);

/// Prints "spanqa: message" to standard error and returns the exit code: kUsage for invalid arguments, kInterrupted for
/// a cancelled task, kModelError for a model that fails while it reads, else `otherwise`. An error without a message is
/// one that nobody needs to be told of.
int report(const Error& error, ExitCode otherwise);
/// The same for an error that comes from the rows of a file: whatever its code, the command line is not at fault.
int report_data(const Error& error);

}  // namespace spanqa::cli

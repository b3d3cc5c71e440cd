// The subcommands of `spanqa data`, each in its own file.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/command.h"

namespace spanqa::cli {

void add_data_inspect(CLI::App& data, Run& run);
void add_data_check(CLI::App& data, Run& run);
void add_data_convert(CLI::App& data, Run& run);
void add_data_exclude(CLI::App& data, Run& run);
void add_data_sample(CLI::App& data, Run& run);
void add_data_unanswerable(CLI::App& data, Run& run);

}  // namespace spanqa::cli

// Shell completion made from the program's own options, so that it cannot fall behind them.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace spanqa::cli {

/// A script that completes subcommands, options and the words an option accepts; file names elsewhere.
std::string bash_completion(const CLI::App& app);
std::string zsh_completion(const CLI::App& app);
std::string fish_completion(const CLI::App& app);

}  // namespace spanqa::cli

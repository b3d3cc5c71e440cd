// Settings of a command from a file: the names of its options as keys, in TOML or INI.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "base/result.h"

namespace spanqa::cli {

/// Gives each option of `command` that the command line does not name the value that the file has for it:
/// `learning-rate = 2e-5`, `squad-v2 = true`, `train = ["a.json", "b.json"]`. Call it once the command line is parsed.
///
/// Errors name file and key: kInvalidArgument for a key that is no option (or one that is only for the command line),
/// stands twice, or has a value that the option does not take; kNotFound or kIo for the file itself.
Status apply_config_file(CLI::App& command, const std::string& path);
/// The same of a file's text; `source` names it in messages.
Status apply_config(CLI::App& command, const std::string& text, const std::string& source);

}  // namespace spanqa::cli

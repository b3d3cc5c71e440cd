#include "cli/config_file.h"

#include <fmt/format.h>

#include <set>
#include <sstream>
#include <vector>

#include "base/file.h"
#include "cli/help_format.h"

namespace spanqa::cli {
namespace {

std::vector<std::string> keys_of(const CLI::App& command) {
  std::vector<std::string> keys;
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_configurable()) continue;
    for (const std::string& name : option->get_lnames()) keys.push_back(name);
  }
  return keys;
}

/// The option that `key` names; nullptr: none.
CLI::Option* option_of(CLI::App& command, const std::string& key) {
  CLI::Option* option = command.get_option_no_throw("--" + key);
  return option != nullptr && option->get_configurable() && option->get_name() != "--help" ? option : nullptr;
}

std::string unknown_key(const CLI::App& command, const std::string& key) {
  if (command.get_option_no_throw("--" + key) != nullptr) {
    return fmt::format("--{} stands on the command line, not in a file", key);
  }
  const std::string meant = closest_word(key, keys_of(command));
  return fmt::format("unknown key '{}'{}", key, meant.empty() ? "" : fmt::format("; did you mean '{}'?", meant));
}

/// What is wrong with the value; empty: nothing.
std::string set_value(CLI::Option& option, const CLI::ConfigItem& item) {
  try {
    if (takes_value(option)) {
      option.add_result(item.inputs);
    } else {
      option.add_result(option.get_flag_value(item.name, CLI::ConfigTOML().to_flag(item)));
    }
    option.run_callback();
  } catch (const CLI::ParseError& error) {
    return fmt::format("'{}': {}", item.name, error.what());
  }
  return {};
}

Result<std::vector<CLI::ConfigItem>> items_of(const std::string& text, const std::string& source) {
  std::istringstream lines(text);
  try {
    return CLI::ConfigTOML().from_config(lines);
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}: not a file of settings: {}", source, error.what()));
  }
}

}  // namespace

Status apply_config_file(CLI::App& command, const std::string& path) {
  SPANQA_ASSIGN(const std::string text, read_file(path));
  return apply_config(command, text, path);
}

Status apply_config(CLI::App& command, const std::string& text, const std::string& source) {
  std::set<const CLI::Option*> given;
  std::set<const CLI::Option*> seen;
  for (const CLI::Option* option : command.get_options()) {
    if (option->count() > 0) given.insert(option);
  }
  const auto refuse = [&](const std::string& what) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}: {}", source, what));
  };
  SPANQA_ASSIGN(const std::vector<CLI::ConfigItem> items, items_of(text, source));
  for (const CLI::ConfigItem& item : items) {
    if (!item.parents.empty()) return refuse(fmt::format("unknown section [{}]; keys stand alone", item.parents[0]));
    CLI::Option* option = option_of(command, item.name);
    if (option == nullptr) return refuse(unknown_key(command, item.name));
    if (!seen.insert(option).second) return refuse(fmt::format("'{}' stands twice", item.name));
    if (given.contains(option)) continue;
    if (const std::string fault = set_value(*option, item); !fault.empty()) return refuse(fault);
  }
  return {};
}

}  // namespace spanqa::cli

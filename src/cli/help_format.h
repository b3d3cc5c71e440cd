// Help pages that fit 80 columns, and complaints about a command line that name the way out.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace spanqa::cli {

/// CLI11's layout with wrapped descriptions; defaults, choices and environment variables stand behind the description.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_subcommand(const CLI::App* command) const override;
  std::string make_description(const CLI::App* app) const override;
  std::string make_usage(const CLI::App* app, std::string name) const override;
};

/// False for a flag.
bool takes_value(const CLI::Option& option);

/// What an option accepts when it is one of a few words ("auto", "v1"); empty when it takes anything.
std::vector<std::string> choices_of(const CLI::Option& option);

/// The one of `words` that `typed` was probably meant to be: at most a third of its letters differ. Empty: none.
std::string closest_word(std::string_view typed, const std::vector<std::string>& words);

/// What to print for a command line that cannot be understood: the fault, what was probably meant, where help stands.
std::string complaint(const CLI::App& app, const CLI::ParseError& error);

}  // namespace spanqa::cli

#include "cli/help_format.h"

#include <algorithm>
#include <numeric>

#include "cli/layout.h"

namespace spanqa::cli {
namespace {

constexpr std::size_t kHelpWidth = 80;
constexpr std::size_t kLeftColumn = 28;

std::string entry(const std::string& name, const std::string& description) {
  std::string out = "  " + name;
  if (out.size() + 2 > kLeftColumn) {
    out += '\n' + std::string(kLeftColumn, ' ');
  } else {
    out.resize(kLeftColumn, ' ');
  }
  return out + wrap(description, kHelpWidth, kLeftColumn) + '\n';
}

/// "TEXT" of "TEXT:{a,b}".
std::string placeholder(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  return type.substr(0, std::min(type.find(':'), type.find('{')));
}

/// Insertions, deletions, substitutions and swaps of neighbours that lead from `a` to `b`.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> rows(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  std::iota(rows[0].begin(), rows[0].end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    rows[i][0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      rows[i][j] = std::min({rows[i - 1][j] + 1, rows[i][j - 1] + 1, substituted});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows.back().back();
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::vector<std::string> subcommand_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

}  // namespace

std::string HelpFormatter::make_option(const CLI::Option* option, bool is_positional) const {
  std::string name = make_option_name(option, is_positional);
  if (const std::size_t opposite = name.find("{false}"); opposite != std::string::npos) name.erase(opposite);
  std::string description = option->get_description();
  const std::vector<std::string> choices = choices_of(*option);
  if (takes_value(*option)) {
    if (!is_positional) name += ' ' + (choices.empty() ? placeholder(*option) : std::string("NAME"));
    if (option->get_expected_max() > 1) name += " ...";
    if (!choices.empty()) {
      description += " [one of:";
      for (std::size_t i = 0; i < choices.size(); ++i) description += (i == 0 ? " " : ", ") + choices[i];
      description += ']';
    }
    if (!option->get_default_str().empty()) description += " [default: " + option->get_default_str() + ']';
    if (!option->get_envname().empty()) description += " [environment: " + option->get_envname() + ']';
    if (option->get_required() && !is_positional) description += " [required]";
  }
  return entry(name, description);
}

std::string HelpFormatter::make_subcommand(const CLI::App* command) const {
  return entry(command->get_name(), command->get_description());
}

std::string HelpFormatter::make_description(const CLI::App* app) const {
  return wrap(app->get_description(), kHelpWidth, 0) + "\n\n";
}

std::string HelpFormatter::make_usage(const CLI::App* app, std::string name) const {
  std::string usage = CLI::Formatter::make_usage(app, std::move(name));
  while (!usage.empty() && usage.back() == '\n') usage.pop_back();
  return wrap(usage, kHelpWidth, 0) + '\n';
}

bool takes_value(const CLI::Option& option) { return option.get_expected_max() > 0; }

std::vector<std::string> choices_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t begin = type.find('{');
  const std::size_t end = type.find('}', std::min(begin, type.size()));
  if (begin == std::string::npos || end == std::string::npos) return {};
  return CLI::detail::split(type.substr(begin + 1, end - begin - 1), ',');
}

std::string closest_word(std::string_view typed, const std::vector<std::string>& words) {
  std::string best;
  std::size_t least = std::max<std::size_t>(typed.size() / 3, 1) + 1;
  for (const std::string& word : words) {
    const std::size_t distance = edit_distance(typed, word);
    if (distance < least) {
      least = distance;
      best = word;
    }
  }
  return best;
}

std::string complaint(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* at = &app;
  std::string path = app.get_name();
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    path += ' ' + at->get_name();
  }
  std::string message = error.what();
  const int kind = error.get_exit_code();
  const bool may_be_typo =
      kind == static_cast<int>(CLI::ExitCodes::ExtrasError) || kind == static_cast<int>(CLI::ExitCodes::RequiredError);
  const std::vector<std::string> extras = may_be_typo ? app.remaining(true) : std::vector<std::string>();
  for (const std::string& argument : extras) {
    const bool is_option = argument.starts_with('-');
    const std::string name = argument.substr(0, argument.find('='));
    const std::string meant = closest_word(name, is_option ? option_names(*at) : subcommand_names(*at));
    if (is_option) {
      message = "unknown option " + name;
    } else if (!subcommand_names(*at).empty()) {
      message = "there is no subcommand '" + argument + "'";
    } else {
      message = "unexpected argument '" + argument + "'";
    }
    if (!meant.empty()) message += "; did you mean " + meant + "?";
    break;
  }
  return "spanqa: " + message + "\nRun '" + path + " --help' for what it takes.\n";
}

}  // namespace spanqa::cli

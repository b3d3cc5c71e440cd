#include "cli/completion_script.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string_view>
#include <vector>

#include "cli/help_format.h"

namespace spanqa::cli {
namespace {

struct OptionWords {
  std::vector<std::string> short_names;  // "m"
  std::vector<std::string> long_names;   // "model"
  std::vector<std::string> choices;
  std::string description;
  bool takes_value = false;

  std::vector<std::string> dashed() const {
    std::vector<std::string> names;
    for (const std::string& name : short_names) names.push_back("-" + name);
    for (const std::string& name : long_names) names.push_back("--" + name);
    return names;
  }
};

struct CommandWords {
  std::vector<std::string> path;  // subcommands that lead here; empty for the program itself
  std::string description;
  std::vector<OptionWords> options;
  std::vector<CommandWords> subcommands;

  std::vector<std::string> subcommand_names() const {
    std::vector<std::string> names;
    for (const CommandWords& command : subcommands) names.push_back(command.path.back());
    return names;
  }
};

CommandWords words_of(const CLI::App& app, const std::vector<std::string>& path) {
  CommandWords words{path, app.get_description(), {}, {}};
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty() && option->get_snames().empty()) continue;
    words.options.push_back({option->get_snames(), option->get_lnames(), choices_of(*option), option->get_description(),
                             takes_value(*option)});
  }
  for (const CLI::App* command : app.get_subcommands({})) {
    std::vector<std::string> below = path;
    below.push_back(command->get_name());
    words.subcommands.push_back(words_of(*command, below));
  }
  return words;
}

/// `text` within single quotes of bash and zsh.
std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

void append_bash_case(std::string& out, const CommandWords& command) {
  std::vector<std::string> options;
  for (const OptionWords& option : command.options) {
    for (std::string& name : option.dashed()) options.push_back(std::move(name));
  }
  out += fmt::format("    \"{}\")\n      subcommands='{}'\n      options='{}'\n      case $previous in\n",
                     fmt::join(command.path, " "), fmt::join(command.subcommand_names(), " "), fmt::join(options, " "));
  for (const OptionWords& option : command.options) {
    if (!option.takes_value) continue;
    out += fmt::format("        {}) takes_value=1 values='{}' ;;\n", fmt::join(option.dashed(), "|"),
                       fmt::join(option.choices, " "));
  }
  out += "      esac\n      ;;\n";
  for (const CommandWords& below : command.subcommands) append_bash_case(out, below);
}

void append_bash_paths(std::vector<std::string>& out, const CommandWords& command) {
  for (const CommandWords& below : command.subcommands) {
    out.push_back(fmt::format("\"{}\"", fmt::join(below.path, " ")));
    append_bash_paths(out, below);
  }
}

/// What stands within the brackets of a zsh specification.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

void append_zsh_function(std::string& out, const CommandWords& command) {
  const std::string name = fmt::format("_spanqa{}{}", command.path.empty() ? "" : "_", fmt::join(command.path, "_"));
  for (const CommandWords& below : command.subcommands) append_zsh_function(out, below);
  out += fmt::format("\n{}() {{\n", name);
  if (!command.subcommands.empty()) out += "  local context state state_descr line\n  typeset -A opt_args\n";
  out += "  _arguments -s -C";
  for (const OptionWords& option : command.options) {
    const std::string value = !option.takes_value      ? ""
                              : option.choices.empty() ? ":value:_files"
                                                       : fmt::format(":value:({})", fmt::join(option.choices, " "));
    for (const std::string& dashed : option.dashed()) {
      out += " \\\n    " + shell_quoted(fmt::format("{}[{}]{}", dashed, zsh_text(option.description), value));
    }
  }
  if (command.subcommands.empty()) {
    out += " \\\n    '*:file:_files'\n}\n";
    return;
  }
  out +=
      " \\\n    '1:subcommand:->subcommand' \\\n    '*::argument:->arguments'\n  case $state in\n    subcommand)\n"
      "      local -a subcommands=(\n";
  for (const CommandWords& below : command.subcommands) {
    out += "        " + shell_quoted(fmt::format("{}:{}", below.path.back(), zsh_text(below.description))) + "\n";
  }
  out += "      )\n      _describe subcommand subcommands ;;\n    arguments)\n      case $line[1] in\n";
  for (const CommandWords& below : command.subcommands) {
    out += fmt::format("        {}) _spanqa_{} ;;\n", below.path.back(), fmt::join(below.path, "_"));
  }
  out += "      esac ;;\n  esac\n}\n";
}

std::string fish_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + "'";
}

void append_fish_lines(std::string& out, const CommandWords& command) {
  std::string here;  // the condition that the words typed so far lead to this command
  for (const std::string& word : command.path) {
    here += (here.empty() ? "" : "; and ") + fmt::format("__fish_seen_subcommand_from {}", word);
  }
  std::string not_deeper = here;
  if (!command.subcommands.empty()) {
    not_deeper += (here.empty() ? "" : "; and ") +
                  fmt::format("not __fish_seen_subcommand_from {}", fmt::join(command.subcommand_names(), " "));
  }
  for (const CommandWords& below : command.subcommands) {
    out += fmt::format("complete -c spanqa -f -n {} -a {} -d {}\n", fish_quoted(not_deeper), below.path.back(),
                       fish_quoted(below.description));
  }
  for (const OptionWords& option : command.options) {
    out += fmt::format("complete -c spanqa -n {}", fish_quoted(not_deeper));
    for (const std::string& name : option.short_names) out += " -s " + name;
    for (const std::string& name : option.long_names) out += " -l " + name;
    if (option.takes_value) out += " -r";
    if (!option.choices.empty()) out += fmt::format(" -f -a '{}'", fmt::join(option.choices, " "));
    out += " -d " + fish_quoted(option.description) + "\n";
  }
  for (const CommandWords& below : command.subcommands) append_fish_lines(out, below);
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
  const CommandWords program = words_of(app, {});
  std::vector<std::string> paths;
  append_bash_paths(paths, program);
  std::string out =
      "# Bash completion for spanqa, written by 'spanqa completion bash'.\n"
      "_spanqa() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
      "  local path= word i subcommands= options= values= takes_value=\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    word=${path:+$path }${COMP_WORDS[i]}\n"
      "    case $word in\n";
  out += fmt::format("      {}) path=$word ;;\n", fmt::join(paths, "|"));
  out += "    esac\n  done\n  case $path in\n";
  append_bash_case(out, program);
  out +=
      "  esac\n"
      "  COMPREPLY=()\n"
      "  if [[ $takes_value ]]; then\n"
      "    [[ $values ]] && COMPREPLY=($(compgen -W \"$values\" -- \"$current\"))\n"
      "  elif [[ $current == -* ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
      "  elif [[ $subcommands ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$subcommands\" -- \"$current\"))\n"
      "  fi\n"
      "}\n"
      "# Nothing of ours fits: file names.\n"
      "complete -o bashdefault -o default -F _spanqa spanqa\n";
  return out;
}

std::string zsh_completion(const CLI::App& app) {
  std::string out = "#compdef spanqa\n# Zsh completion for spanqa, written by 'spanqa completion zsh'.\n";
  append_zsh_function(out, words_of(app, {}));
  // Autoloaded, the file is the function's body; sourced, it registers itself.
  return out + "\nif [[ $funcstack[1] == _spanqa ]]; then _spanqa \"$@\"; else compdef _spanqa spanqa; fi\n";
}

std::string fish_completion(const CLI::App& app) {
  std::string out = "# Fish completion for spanqa, written by 'spanqa completion fish'.\n";
  append_fish_lines(out, words_of(app, {}));
  return out;
}

}  // namespace spanqa::cli

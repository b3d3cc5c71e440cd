// spanqa info: the model, its tokenizer with the settings in force, and what this machine gives them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "cli/command.h"
#include "cli/layout.h"
#include "cli/output.h"
#include "cli/reading_flags.h"
#include "cli/self_check.h"
#include "cli/terminal.h"
#include "cli/version.h"
#include "nn/kernels/isa.h"

namespace spanqa::cli {
namespace {

using Json = nlohmann::ordered_json;

struct InfoFlags {
  ReadingFlags reading;
  std::string file;
  bool self_check = false;
  bool json = false;
};

Json machine_json() {
  const CpuInfo cpu = cpu_info();
  Json out;
  out["cpu"] = cpu.model;
  out["cpu_features"] = cpu.features;
  out["cores"] = usable_cores();
  out["kernels"] = kernel_target_name();
  return out;
}

Json model_json(const Reader& reader) {
  const ModelConfig& config = reader.model().config();
  Json out;
  out["folder"] = reader.folder().string();
  out["family"] = model_family_name(config.family);
  out["parameters"] = reader.model().n_parameters();
  out["weight_type"] = reader.model().weight_type();
  out["layers"] = config.n_layers;
  out["hidden_size"] = config.hidden_size;
  out["heads"] = config.n_heads;
  out["intermediate_size"] = config.intermediate_size;
  out["max_positions"] = config.max_positions;
  out["matmul"] = reader.model().matmul_kernel();
  return out;
}

Json tokenizer_json(const Reader& reader) {
  const TokenizerSettings& settings = reader.tokenizer().settings();
  Json out;
  out["vocabulary"] = reader.tokenizer().vocabulary_size();
  out["vocabulary_source"] = settings.vocabulary_source;
  out["lowercase"] = settings.lowercase;
  out["lowercase_source"] = settings.lowercase_source;
  out["strip_accents"] = settings.strip_accents;
  out["clean_text"] = settings.clean_text;
  out["tokenize_chinese_chars"] = settings.tokenize_chinese_chars;
  out["max_input_chars_per_word"] = settings.max_input_chars_per_word;
  out["model_max_length"] = settings.model_max_length ? Json(*settings.model_max_length) : Json();
  out["notes"] = reader.notes();
  return out;
}

Json fitted_json(const Reader& reader) {
  Json out;
  out["temperature"] = reader.settings().temperature;
  out["null_score_diff_threshold"] = reader.settings().null_score_diff_threshold;
  out["no_answer_threshold"] = reader.settings().no_answer_threshold;
  out["fitted_on"] = reader.settings().fitted_on.empty() ? Json() : Json(reader.settings().fitted_on);
  out["notes"] = reader.settings().notes;
  return out;
}

std::string plain(const Json& value) {
  if (value.is_null()) return "none";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_unsigned()) return with_commas(value.get<std::size_t>());
  if (!value.is_array()) return value.dump();
  std::string out;
  for (const Json& item : value) out += (out.empty() ? "" : ", ") + plain(item);
  return out.empty() ? "none" : out;
}

/// "lowercase_source" stands in brackets behind "lowercase"; underscores are blanks.
void print_section(const std::string& title, const Json& section) {
  constexpr std::size_t kName = 28;
  fmt::print("{}\n", bold(title));
  for (const auto& [key, value] : section.items()) {
    if (key.ends_with("_source") || key == "notes") continue;
    std::string name = key;
    std::replace(name.begin(), name.end(), '_', ' ');
    std::string text = plain(value);
    if (const auto source = section.find(key + "_source"); source != section.end()) {
      text += " (" + source->get<std::string>() + ")";
    }
    fmt::print("  {}{}\n", pad(name, kName - 2), wrap(text, terminal_width(), kName));
  }
  if (const auto notes = section.find("notes"); notes != section.end()) {
    for (const Json& note : *notes) fmt::print("  {}\n", wrap("note: " + note.get<std::string>(), terminal_width(), 2));
  }
  fmt::print("\n");
}

Result<std::vector<SelfCheck>> checks_of(const InfoFlags& flags, const Reader& reader) {
  std::string text(self_check_text());
  if (!flags.file.empty()) {
    SPANQA_ASSIGN(text, read_input(flags.file));
  }
  return self_check(reader, text, {});
}

Json checks_json(const std::vector<SelfCheck>& checks) {
  Json out = Json::array();
  for (const SelfCheck& check : checks)
    out.push_back({{"check", check.name}, {"ok", check.ok}, {"detail", check.detail}});
  return out;
}

void print_checks(const std::vector<SelfCheck>& checks) {
  fmt::print("{}\n", bold("self-check"));
  for (const SelfCheck& check : checks) {
    fmt::print("  {} {}: {}\n", check.ok ? "ok    " : "FAILED", check.name, check.detail);
  }
}

void print_info(const Json& info, const std::vector<SelfCheck>& checks) {
  fmt::print("{}\n\n", bold(std::string("spanqa ") + SPANQA_VERSION));
  for (const char* section : {"machine", "model", "tokenizer", "fitted"}) print_section(section, info[section]);
  if (!checks.empty()) print_checks(checks);
}

/// Nothing is printed before everything is known: standard output is the whole answer or empty.
int run_info(const InfoFlags& flags) {
  const auto reader = flags.reading.open_reader();
  if (!reader) return report(reader.error(), kModelError);
  std::vector<SelfCheck> checks;
  if (flags.self_check) {
    auto done = checks_of(flags, **reader);
    if (!done) return report(done.error(), kDataError);
    checks = *std::move(done);
  }
  Json out;
  out["version"] = SPANQA_VERSION;
  out["machine"] = machine_json();
  out["model"] = model_json(**reader);
  out["tokenizer"] = tokenizer_json(**reader);
  out["fitted"] = fitted_json(**reader);
  if (flags.self_check) out["self_check"] = checks_json(checks);
  if (flags.json) {
    fmt::print("{}\n", out.dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    print_info(out, checks);
  }
  return std::all_of(checks.begin(), checks.end(), [](const SelfCheck& check) { return check.ok; }) ? kOk : kFindings;
}

}  // namespace

void add_info(CLI::App& app, Run& run) {
  auto flags = std::make_shared<InfoFlags>();
  flags->reading.prints_notes = false;  // they stand in what it shows
  CLI::App* command = app.add_subcommand("info", "Show the model, its effective settings and this machine");
  CLI::Option* check = command->add_flag("--self-check", flags->self_check,
                                         "Check on a text that windows lose no token and every place is exact");
  command->add_option("-f,--file", flags->file, "The text for --self-check; without it a built-in one")->needs(check);
  command->add_flag("--json", flags->json, "Print a JSON object");
  flags->reading.add_tokenizer_to(*command);
  command->footer("Example:\n  spanqa info --self-check");
  command->callback([flags, &run] { run = [flags] { return run_info(*flags); }; });
}

}  // namespace spanqa::cli

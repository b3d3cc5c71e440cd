// spanqa data inspect: how many, how long, which questions, and what a tokenizer makes of them.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/data_command.h"
#include "cli/example_input.h"
#include "cli/layout.h"
#include "cli/reading_flags.h"
#include "cli/terminal.h"
#include "cli/whole_number.h"
#include "data/inspect.h"
#include "qa/window_statistics.h"

namespace spanqa::cli {
namespace {

using Json = nlohmann::ordered_json;

struct InspectFlags {
  ExampleInput input;
  ReadingFlags reading;
  std::size_t max_length = 384;
  std::optional<std::size_t> overlap;
  bool no_tokens = false;
  bool json = false;
};

/// What the windows of a model hold; absent without a tokenizer.
struct TokenPart {
  TokenPart(std::string model, std::shared_ptr<const Tokenizer> with, const WindowOptions& options)
      : folder(std::move(model)), tokenizer(std::move(with)), windows(options), statistics(*tokenizer, options) {}

  std::string folder;
  std::shared_ptr<const Tokenizer> tokenizer;
  WindowOptions windows;
  WindowStatistics statistics;
  std::vector<std::string> too_long;  // questions that leave no room in a window
};

struct Inspection {
  DatasetStatistics data;
  std::string format;
  std::string version;
  std::unique_ptr<TokenPart> tokens;
};

Result<std::unique_ptr<TokenPart>> open_tokens(const InspectFlags& flags) {
  if (flags.no_tokens) return nullptr;
  const auto folder = flags.reading.model_folder();
  auto tokenizer = folder ? Tokenizer::open(*folder, flags.reading.tokenizer_overrides())
                          : Result<std::shared_ptr<const Tokenizer>>(tl::unexpected(folder.error()));
  if (!tokenizer) {
    if (!flags.reading.model.empty()) return tl::unexpected(tokenizer.error());
    fmt::print(stderr, "spanqa: no figures on tokens: {}\n", tokenizer.error().message);
    return nullptr;
  }
  WindowOptions windows;
  windows.max_length = flags.max_length;
  windows.overlap = flags.overlap.value_or(std::min<std::size_t>(128, flags.max_length / 2));
  return std::make_unique<TokenPart>(folder->string(), std::move(*tokenizer), windows);
}

double share(std::size_t part, std::size_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

Json lengths_json(const LengthSummary& lengths) {
  Json out;
  out["n"] = lengths.n;
  out["min"] = lengths.min;
  out["median"] = lengths.median;
  out["mean"] = lengths.mean;
  out["p95"] = lengths.p95;
  out["max"] = lengths.max;
  return out;
}

std::string window_count_name(std::size_t i) { return i == 7 ? "8+" : std::to_string(i + 1); }

Json tokens_json(const TokenPart& part) {
  const WindowStatistics& counts = part.statistics;
  Json out;
  out["model"] = part.folder;
  out["max_length"] = part.windows.max_length;
  out["overlap"] = part.windows.overlap;
  out["windows"] = counts.n_windows;
  out["windows_with_answer"] = counts.n_answerable_windows;
  out["tokens"] = counts.n_tokens;
  out["unknown_rate"] = share(counts.n_unknown, counts.n_text_tokens);
  out["longest_question"] = counts.longest_question;
  Json by_count = Json::object();
  for (std::size_t i = 0; i < counts.by_window_count.size(); ++i)
    by_count[window_count_name(i)] = counts.by_window_count[i];
  out["questions_by_windows"] = std::move(by_count);
  Json by_length = Json::array();
  for (std::size_t i = 0; i < counts.by_window_length.size(); ++i) {
    by_length.push_back({{"from", 32 * i}, {"windows", counts.by_window_length[i]}});
  }
  out["windows_by_length"] = std::move(by_length);
  out["answers_beyond_windows"] = counts.beyond_windows;
  out["questions_too_long"] = part.too_long;
  return out;
}

Json to_json(const InspectFlags& flags, const Inspection& inspection) {
  const DatasetStatistics& data = inspection.data;
  Json out;
  out["file"] = flags.input.name();
  out["format"] = inspection.format;
  out["version"] = inspection.version;
  out["questions"] = data.n_questions;
  out["contexts"] = data.n_contexts;
  out["titles"] = data.n_titles;
  out["answerable"] = data.n_answerable;
  out["unanswerable"] = data.n_unanswerable;
  out["without_golds"] = data.n_without_golds;
  out["answers"] = data.n_answers;
  for (const QuestionKind kind : kQuestionKinds) out["question_words"][question_kind_name(kind)] = data.n_of(kind);
  const auto put = [&out](const char* name, const TextLengths& lengths) {
    out["lengths"][name] = {{"characters", lengths_json(lengths.code_points)}, {"words", lengths_json(lengths.words)}};
  };
  put("question", data.question);
  put("context", data.context);
  put("answer", data.answer);
  out["tokens"] = inspection.tokens ? tokens_json(*inspection.tokens) : Json();
  return out;
}

void print_lengths(const char* name, const char* unit, const LengthSummary& lengths) {
  if (lengths.n == 0) return;
  fmt::print("  {:<22}{:>8}{:>10.1f}{:>10.1f}{:>8}{:>9}\n", fmt::format("{}, {}", name, unit), lengths.min,
             lengths.median, lengths.mean, lengths.p95, lengths.max);
}

struct Bar {
  std::string name;
  std::size_t n = 0;
};

/// Bars relative to the largest; shares of the sum stand behind them.
void print_bars(const std::string& title, const std::vector<Bar>& bars) {
  constexpr std::size_t kName = 12;
  constexpr std::size_t kBar = 38;
  std::size_t largest = 1;
  std::size_t sum = 0;
  for (const Bar& one : bars) {
    largest = std::max(largest, one.n);
    sum += one.n;
  }
  fmt::print("\n{}\n", bold(title));
  for (const Bar& one : bars) {
    if (one.n == 0) continue;
    fmt::print("  {}{} {:>9} {:>6.2f} %\n", pad(one.name, kName), pad(bar(share(one.n, largest), kBar), kBar),
               with_commas(one.n), 100.0 * share(one.n, sum));
  }
}

void print_places(const char* what, const std::vector<std::string>& places) {
  constexpr std::size_t kShown = 5;
  if (places.empty()) return;
  fmt::print("  {}\n", fmt::format("{} {}:", with_commas(places.size()), what));
  for (std::size_t i = 0; i < std::min(kShown, places.size()); ++i)
    fmt::print("    {}\n", cut(one_line(places[i]), 76));
  if (places.size() > kShown) fmt::print("    and {} more (--json lists all)\n", with_commas(places.size() - kShown));
}

void print_tokens(const TokenPart& part) {
  const WindowStatistics& counts = part.statistics;
  fmt::print("\n{}\n", bold(fmt::format("tokens of {}", part.folder)));
  const auto row = [](const char* name, const std::string& value) { fmt::print("  {:<22}{:>10}\n", name, value); };
  row("windows", with_commas(counts.n_windows));
  fmt::print("    of {} tokens that share {}\n", part.windows.max_length, part.windows.overlap);
  row("  with the answer", with_commas(counts.n_answerable_windows));
  row("tokens", with_commas(counts.n_tokens));
  row("[UNK]", fmt::format("{:.4f} %", 100.0 * share(counts.n_unknown, counts.n_text_tokens)));
  row("longest question", with_commas(counts.longest_question));
  print_places("answers lie wholly in no window", counts.beyond_windows);
  print_places("questions leave no room in a window", part.too_long);
  std::vector<Bar> by_count;
  for (std::size_t i = 0; i < counts.by_window_count.size(); ++i) {
    by_count.push_back({window_count_name(i), counts.by_window_count[i]});
  }
  print_bars("windows of a question", by_count);
  std::vector<Bar> by_length;
  for (std::size_t i = 0; i < counts.by_window_length.size(); ++i) {
    const bool last = i + 1 == counts.by_window_length.size();
    by_length.push_back(
        {last ? fmt::format("{}+", 32 * i) : fmt::format("{}-{}", 32 * i, 32 * i + 31), counts.by_window_length[i]});
  }
  print_bars("tokens of a window", by_length);
}

void print_inspection(const InspectFlags& flags, const Inspection& inspection) {
  const DatasetStatistics& data = inspection.data;
  fmt::print("{}\n", bold(one_line(flags.input.name())));
  const auto row = [](const char* name, const std::string& value) { fmt::print("  {:<22}{:>10}\n", name, value); };
  row("format", inspection.format + (inspection.version.empty() ? "" : " " + inspection.version));
  row("questions", with_commas(data.n_questions));
  row("  answerable", with_commas(data.n_answerable));
  row("  unanswerable", with_commas(data.n_unanswerable));
  row("  without golds", with_commas(data.n_without_golds));
  row("gold answers", with_commas(data.n_answers));
  row("contexts", with_commas(data.n_contexts));
  row("titles", with_commas(data.n_titles));
  fmt::print("\n{}\n", bold(fmt::format("{:<24}{:>8}{:>10}{:>10}{:>8}{:>9}", "lengths", "least", "median", "mean",
                                        "95 %", "most")));
  print_lengths("question", "words", data.question.words);
  print_lengths("question", "characters", data.question.code_points);
  print_lengths("context", "words", data.context.words);
  print_lengths("context", "characters", data.context.code_points);
  print_lengths("answer", "words", data.answer.words);
  print_lengths("answer", "characters", data.answer.code_points);
  std::vector<Bar> kinds;
  for (const QuestionKind kind : kQuestionKinds) kinds.push_back({question_kind_name(kind), data.n_of(kind)});
  print_bars("question words", kinds);
  if (inspection.tokens) print_tokens(*inspection.tokens);
}

int run_inspect(const InspectFlags& flags) {
  auto examples = flags.input.open();
  if (!examples) return report(examples.error(), kDataError);
  Inspection inspection;
  auto tokens = open_tokens(flags);
  if (!tokens) return report(tokens.error(), kModelError);
  inspection.tokens = std::move(*tokens);
  DatasetInspector inspector;
  const Status read = for_each_example(**examples, "reading", [&](Example& example) -> Status {
    inspector.add(example);
    if (inspection.tokens && !inspection.tokens->statistics.add(example)) {
      inspection.tokens->too_long.push_back(example.where);
    }
    return {};
  });
  if (!read) return report_data(read.error());
  inspection.data = inspector.statistics();
  inspection.format = data_format_name((*examples)->format());
  inspection.version = (*examples)->version();
  if (flags.json) {
    fmt::print("{}\n", to_json(flags, inspection).dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    print_inspection(flags, inspection);
  }
  return kOk;
}

}  // namespace

void add_data_inspect(CLI::App& data, Run& run) {
  auto flags = std::make_shared<InspectFlags>();
  CLI::App* command = data.add_subcommand("inspect", "Counts, lengths, question words, windows");
  flags->input.add_to(*command, "The data set: SQuAD, JSON, JSONL or CSV; - for JSONL on standard input");
  command->add_option("--max-length,--max-seq-len", flags->max_length, "Tokens of a window")
      ->check(whole_number(4, kMostTokens))
      ->capture_default_str();
  command
      ->add_option("--overlap,--doc-stride", flags->overlap,
                   "Tokens that windows share; default: 128, or half a shorter window")
      ->check(whole_number(0, kMostTokens));
  command->add_flag("--no-tokens", flags->no_tokens, "Leave out what needs a tokenizer");
  command->add_flag("--json", flags->json, "Print a JSON object");
  flags->reading.add_tokenizer_to(*command);
  command->footer("Example:\n  spanqa data inspect dev-v1.1.json");
  command->callback([flags, &run] { run = [flags] { return run_inspect(*flags); }; });
}

}  // namespace spanqa::cli

// spanqa tokenize: what the model's tokenizer makes of a text, token by token, with every token's place.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "cli/command.h"
#include "cli/layout.h"
#include "cli/output.h"
#include "cli/reading_flags.h"
#include "cli/terminal.h"
#include "cli/whole_number.h"
#include "text/tokenizer.h"

namespace spanqa::cli {
namespace {

struct TokenizeFlags {
  ReadingFlags reading;  // only the model and the tokenizer's flags
  std::optional<std::string> text;
  std::string file;
  std::optional<std::string> pair;
  std::size_t max_length = 0;
  std::size_t overlap = 0;
  bool no_special_tokens = false;
  bool match_special_tokens = false;
  bool json = false;
};

/// The texts of a call with their indexes; a token's `sequence` says which one it stands in.
struct Texts {
  Texts(std::string first_text, std::optional<std::string> second_text)
      : first(std::move(first_text)),
        second(std::move(second_text)),
        indexes{TextIndex(first), TextIndex(second_view())} {}
  Texts(const Texts&) = delete;  // the indexes look at the strings of this very object
  Texts& operator=(const Texts&) = delete;

  std::string_view second_view() const { return second ? std::string_view(*second) : std::string_view(); }
  std::string_view of(int sequence) const { return sequence == 0 ? std::string_view(first) : second_view(); }

  std::string first;
  std::optional<std::string> second;
  TextIndex indexes[2];
};

EncodeOptions encode_options(const TokenizeFlags& flags) {
  EncodeOptions options;
  options.add_special_tokens = !flags.no_special_tokens;
  options.specials_in_text = flags.match_special_tokens ? SpecialsInText::kMatch : SpecialsInText::kText;
  if (flags.max_length > 0) {
    options.truncation = flags.pair ? Truncation::kOnlySecond : Truncation::kOnlyFirst;
    options.max_length = flags.max_length;
    options.stride = flags.overlap;
  }
  return options;
}

nlohmann::ordered_json to_json(const Tokenizer& tokenizer, const Texts& texts, const Encoding& encoding) {
  auto tokens = nlohmann::ordered_json::array();
  auto code_points = nlohmann::ordered_json::array();
  auto bytes = nlohmann::ordered_json::array();
  auto utf16 = nlohmann::ordered_json::array();
  auto words = nlohmann::ordered_json::array();
  auto sequences = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
    const TextIndex& index = texts.indexes[encoding.sequence[i] == 1 ? 1 : 0];
    const TextPosition begin = index.at_byte(encoding.spans[i].begin);
    const TextPosition end = index.at_byte(encoding.spans[i].end);
    tokens.push_back(std::string(tokenizer.token(encoding.ids[i])));
    code_points.push_back({begin.code_point, end.code_point});
    bytes.push_back({begin.byte, end.byte});
    utf16.push_back({begin.utf16, end.utf16});
    words.push_back(encoding.words[i] < 0 ? nlohmann::ordered_json() : nlohmann::ordered_json(encoding.words[i]));
    const int sequence = encoding.sequence[i];
    sequences.push_back(sequence < 0 ? nlohmann::ordered_json() : nlohmann::ordered_json(sequence));
  }
  nlohmann::ordered_json out;
  out["ids"] = encoding.ids;
  out["tokens"] = std::move(tokens);
  out["offsets"] = std::move(code_points);
  out["byte_offsets"] = std::move(bytes);
  out["utf16_offsets"] = std::move(utf16);
  out["word_ids"] = std::move(words);
  out["sequence_ids"] = std::move(sequences);
  out["type_ids"] = encoding.type_ids;
  out["special_tokens_mask"] = encoding.special_mask;
  return out;
}

void print_json(const Tokenizer& tokenizer, const Texts& texts, const std::vector<Encoding>& encodings) {
  nlohmann::ordered_json out = to_json(tokenizer, texts, encodings.front());
  auto overflowing = nlohmann::ordered_json::array();
  for (std::size_t i = 1; i < encodings.size(); ++i) overflowing.push_back(to_json(tokenizer, texts, encodings[i]));
  out["windows"] = encodings.size();
  out["overflowing"] = std::move(overflowing);
  fmt::print("{}\n", out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

std::string table_row(const Tokenizer& tokenizer, const Texts& texts, const Encoding& encoding, std::size_t i) {
  const bool added = encoding.sequence[i] < 0;
  const TextIndex& index = texts.indexes[encoding.sequence[i] == 1 ? 1 : 0];
  const ByteSpan span = encoding.spans[i];
  const std::string bytes = added ? "" : fmt::format("{}-{}", span.begin, span.end);
  const std::string code_points =
      added ? "" : fmt::format("{}-{}", index.at_byte(span.begin).code_point, index.at_byte(span.end).code_point);
  const std::string_view slice =
      added ? std::string_view() : texts.of(encoding.sequence[i]).substr(span.begin, span.end - span.begin);
  std::string row = pad_left(std::to_string(i), 5) + "  " + pad(one_line(tokenizer.token(encoding.ids[i])), 18) + " " +
                    pad_left(std::to_string(encoding.ids[i]), 7) + " " +
                    pad_left(added ? "" : std::to_string(encoding.words[i]), 6) + "  " + pad(bytes, 13) + " " +
                    pad(code_points, 13) + " " + cut(one_line(slice), 11);
  row.resize(row.find_last_not_of(' ') + 1);
  return row;
}

void print_table(const Tokenizer& tokenizer, const Texts& texts, const std::vector<Encoding>& encodings) {
  const std::string header = pad_left("#", 5) + "  " + pad("token", 18) + " " + pad_left("id", 7) + " " +
                             pad_left("word", 6) + "  " + pad("bytes", 13) + " " + pad("characters", 13) + " text";
  for (std::size_t w = 0; w < encodings.size(); ++w) {
    const Encoding& encoding = encodings[w];
    if (encodings.size() > 1) {
      fmt::print("{}window {} of {}, {} tokens\n", w == 0 ? "" : "\n", w + 1, encodings.size(), encoding.ids.size());
    }
    fmt::print("{}\n", bold(header));
    for (std::size_t i = 0; i < encoding.ids.size(); ++i) fmt::print("{}\n", table_row(tokenizer, texts, encoding, i));
  }
}

Result<std::string> first_text(const TokenizeFlags& flags) {
  if (flags.text) return *flags.text;
  if (flags.file.empty() && input_is_terminal()) {
    return fail(ErrorCode::kInvalidArgument, "no text: give one as argument, with --file FILE, or pipe one in");
  }
  return read_input(flags.file);
}

int run_tokenize(const TokenizeFlags& flags) {
  auto text = first_text(flags);
  if (!text) return report(text.error(), kDataError);
  const auto folder = flags.reading.model_folder();
  if (!folder) return report(folder.error(), kModelError);
  const auto tokenizer = Tokenizer::open(*folder, flags.reading.tokenizer_overrides());
  if (!tokenizer) return report(tokenizer.error(), kModelError);
  const Texts texts(std::move(*text), flags.pair);
  const auto encodings =
      (*tokenizer)
          ->encode(texts.first, texts.second ? std::optional<std::string_view>(*texts.second) : std::nullopt,
                   encode_options(flags));
  if (!encodings) return report(encodings.error(), kDataError);
  if (flags.json) {
    print_json(**tokenizer, texts, *encodings);
  } else {
    print_table(**tokenizer, texts, *encodings);
  }
  return kOk;
}

}  // namespace

void add_tokenize(CLI::App& app, Run& run) {
  auto flags = std::make_shared<TokenizeFlags>();
  CLI::App* command = app.add_subcommand("tokenize", "Show the tokens of a text and where each stands");
  CLI::Option* text = command->add_option("text", flags->text, "The text; without it, --file or standard input");
  command->add_option("-f,--file", flags->file, "A file with the text; - for standard input")->excludes(text);
  command->add_option("-p,--pair", flags->pair, "A second text, as a context follows a question");
  command->add_option("--max-length", flags->max_length, "Tokens of a window, special ones included; 0: no windows")
      ->check(whole_number(0, kMostTokens))
      ->capture_default_str();
  command->add_option("--overlap,--stride", flags->overlap, "Tokens that consecutive windows share")
      ->check(whole_number(0, kMostTokens))
      ->capture_default_str();
  command->add_flag("--no-special-tokens", flags->no_special_tokens, "Leave [CLS] and [SEP] out");
  command->add_flag("--match-special-tokens", flags->match_special_tokens,
                    "Read a literal [SEP] in a text as the special token, as the reference does");
  command->add_flag("--json", flags->json, "One JSON object; offsets count code points, bytes and UTF-16 units");
  flags->reading.add_tokenizer_to(*command);
  command->footer("Example:\n  spanqa tokenize \"Where is Zürich?\" --pair \"Zürich lies in Switzerland.\"");
  command->callback([flags, &run] { run = [flags] { return run_tokenize(*flags); }; });
}

}  // namespace spanqa::cli

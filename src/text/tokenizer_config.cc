// Reads tokenizer_config.json and vocab.txt.
#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "text/tokenizer_spec.h"
#include "text/unicode.h"

namespace spanqa {
namespace {

using nlohmann::json;

// "No limit" is written as a number with 30 digits; no BERT has more positions than this.
constexpr double kNoLimit = 1e7;

tl::unexpected<Error> wrong_kind(std::string_view where, std::string_view key, std::string_view wanted) {
  return fail(ErrorCode::kCorrupt, fmt::format("{}: '{}' must be {}", where, key, wanted));
}

/// The value of `key`; nullptr where it is missing or null.
const json* find_value(const json& object, const char* key) {
  const auto at = object.find(key);
  return at == object.end() || at->is_null() ? nullptr : &*at;
}

Result<std::optional<bool>> read_flag(const json& object, const char* key, std::string_view where) {
  const json* value = find_value(object, key);
  if (value == nullptr) return std::optional<bool>();
  if (!value->is_boolean()) return wrong_kind(where, key, "true or false");
  return std::optional<bool>(value->get<bool>());
}

Result<std::optional<std::string>> read_text(const json& object, const char* key, std::string_view where) {
  const json* value = find_value(object, key);
  if (value == nullptr) return std::optional<std::string>();
  if (value->is_object()) return read_text(*value, "content", where);  // {"content": "[CLS]", "lstrip": ...}
  if (!value->is_string()) return wrong_kind(where, key, "a text");
  return std::optional<std::string>(value->get<std::string>());
}

Result<std::optional<int>> read_max_length(const json& object, std::string_view where) {
  const json* value = find_value(object, "model_max_length");
  if (value == nullptr) return std::optional<int>();
  const double number = value->is_number() ? value->get<double>() : -1.0;
  if (!(number >= 1.0)) return wrong_kind(where, "model_max_length", "a positive number");
  if (number > kNoLimit) return std::optional<int>();
  return std::optional<int>(static_cast<int>(number));
}

Result<AddedToken> read_added_token(const std::string& id, const json& item, std::string_view where) {
  AddedToken token;
  const auto [stop, error] = std::from_chars(id.data(), id.data() + id.size(), token.id);
  if (error != std::errc{} || stop != id.data() + id.size() || token.id < 0 || !item.is_object()) {
    return wrong_kind(where, "added_tokens_decoder", "an object of ids and tokens");
  }
  SPANQA_ASSIGN(const std::optional<std::string> content, read_text(item, "content", where));
  if (!content) return wrong_kind(where, "added_tokens_decoder", "tokens with 'content'");
  token.content = *content;
  SPANQA_ASSIGN(const std::optional<bool> single_word, read_flag(item, "single_word", where));
  SPANQA_ASSIGN(const std::optional<bool> lstrip, read_flag(item, "lstrip", where));
  SPANQA_ASSIGN(const std::optional<bool> rstrip, read_flag(item, "rstrip", where));
  SPANQA_ASSIGN(const std::optional<bool> special, read_flag(item, "special", where));
  SPANQA_ASSIGN(const std::optional<bool> normalized, read_flag(item, "normalized", where));
  token.single_word = single_word.value_or(false);
  token.lstrip = lstrip.value_or(false);
  token.rstrip = rstrip.value_or(false);
  token.special = special.value_or(false);
  token.normalized = normalized.value_or(!token.special);
  return token;
}

Status read_names(const json& root, std::string_view where, ConfigSpec& config) {
  SPANQA_ASSIGN(config.unk_token, read_text(root, "unk_token", where));
  SPANQA_ASSIGN(config.cls_token, read_text(root, "cls_token", where));
  SPANQA_ASSIGN(config.sep_token, read_text(root, "sep_token", where));
  SPANQA_ASSIGN(config.pad_token, read_text(root, "pad_token", where));
  SPANQA_ASSIGN(config.mask_token, read_text(root, "mask_token", where));
  SPANQA_ASSIGN(config.tokenizer_class, read_text(root, "tokenizer_class", where));
  return {};
}

std::string_view trim_end(std::string_view line) {
  while (!line.empty()) {
    std::size_t last = line.size() - 1;
    while (last > 0 && (static_cast<std::uint8_t>(line[last]) & 0xC0) == 0x80) --last;
    if (!unicode::is_space(decode_utf8(line, last).value)) break;
    line = line.substr(0, last);
  }
  return line;
}

}  // namespace

Result<ConfigSpec> parse_tokenizer_config(std::string_view text, std::string_view where) {
  const json root = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (root.is_discarded() || !root.is_object()) {
    return fail(ErrorCode::kCorrupt, fmt::format("{}: not a JSON object; download the file again", where));
  }
  ConfigSpec config;
  SPANQA_ASSIGN(config.lowercase, read_flag(root, "do_lower_case", where));
  SPANQA_ASSIGN(config.tokenize_chinese_chars, read_flag(root, "tokenize_chinese_chars", where));
  SPANQA_ASSIGN(config.model_max_length, read_max_length(root, where));
  if (root.contains("strip_accents")) {
    SPANQA_ASSIGN(config.strip_accents, read_flag(root, "strip_accents", where));
  }
  SPANQA_ASSIGN(const std::optional<std::string> side, read_text(root, "padding_side", where));
  if (side) config.pads_right = *side != "left";
  SPANQA_TRY(read_names(root, where, config));
  if (const json* added = find_value(root, "added_tokens_decoder")) {
    if (!added->is_object()) return wrong_kind(where, "added_tokens_decoder", "an object of ids and tokens");
    for (const auto& [id, item] : added->items()) {
      SPANQA_ASSIGN(AddedToken token, read_added_token(id, item, where));
      config.added.push_back(std::move(token));
    }
  }
  return config;
}

Result<ModelSpec> parse_vocab_txt(std::string_view text, std::string_view where) {
  if (!is_valid_utf8(text)) return fail(ErrorCode::kCorrupt, fmt::format("{}: not UTF-8 text", where));
  ModelSpec spec;
  spec.source = "vocab.txt";
  spec.normalizer.bert.emplace();
  std::int32_t id = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    // White space at the end goes, so that "[PAD]\r" is [PAD]; an empty line still uses up its number.
    spec.entries.push_back({std::string(trim_end(text.substr(0, end))), id++});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return spec;
}

}  // namespace spanqa

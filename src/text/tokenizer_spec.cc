#include "text/tokenizer_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>

namespace spanqa {
namespace {

using Kind = NormalizerStep::Kind;

bool has_capital(std::string_view text) {
  return !text.starts_with('[') && std::ranges::any_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

std::size_t count_capitals(const ModelSpec& model) {
  return static_cast<std::size_t>(
      std::ranges::count_if(model.entries, [](const VocabularyEntry& entry) { return has_capital(entry.text); }));
}

struct Decision {
  bool value = true;
  std::string source;
};

/// Whether to lower-case where no file says it.
Decision guess_lowercase(std::string_view folder_name, std::size_t n_capitals, std::vector<std::string>& notes) {
  std::string name(folder_name);
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  Decision guess{n_capitals == 0, "guess from the vocabulary"};
  if (name.find("uncased") != std::string::npos) {
    guess = {true, "guess from the name"};
  } else if (name.find("cased") != std::string::npos) {
    guess = {false, "guess from the name"};
  }
  notes.push_back(
      fmt::format("no file of the tokenizer says whether to lower-case; text is {} (a {}: '{}'); say "
                  "do_lower_case in tokenizer_config.json or give the setting yourself",
                  guess.value ? "lower-cased" : "left as it is", guess.source, folder_name));
  return guess;
}

Decision decide_lowercase(const ModelSpec& model, const ConfigSpec& config, const TokenizerOverrides& overrides,
                          std::string_view folder_name, TokenizerSettings& settings) {
  if (overrides.lowercase) return {*overrides.lowercase, "flag"};
  if (config.lowercase) return {*config.lowercase, "tokenizer_config.json"};
  if (model.source == "tokenizer.json") return {model.normalizer.bert->lowercase, "tokenizer.json"};
  return guess_lowercase(folder_name, count_capitals(model), settings.notes);
}

void note_odd_casing(const ModelSpec& model, TokenizerSettings& settings) {
  const std::size_t n_capitals = count_capitals(model);
  if (settings.lowercase && n_capitals * 50 > model.entries.size()) {
    settings.notes.push_back(
        fmt::format("text is lower-cased ({}), but {} of {} vocabulary entries have capital letters "
                    "and can never be used; is this a cased model?",
                    settings.lowercase_source, n_capitals, model.entries.size()));
  } else if (!settings.lowercase && n_capitals == 0) {
    settings.notes.push_back(
        fmt::format("text is not lower-cased ({}), but no vocabulary entry has capital letters: "
                    "words with them become unknown; is this an uncased model?",
                    settings.lowercase_source));
  }
}

/// Fixed steps cannot be changed: a flag against them is an error, a file against them a note.
Status check_fixed(std::string_view what, bool in_force, std::optional<bool> flag, std::optional<bool> file,
                   std::vector<std::string>& notes) {
  if (flag && *flag != in_force) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{} cannot be set: the normalizer of tokenizer.json is not a BertNormalizer, which alone can "
                    "be changed; leave the setting out or edit the file",
                    what));
  }
  if (file && *file != in_force) {
    notes.push_back(
        fmt::format("{} of tokenizer_config.json ({}) is not followed: the normalizer of tokenizer.json is "
                    "not a BertNormalizer and does otherwise",
                    what, *file));
  }
  return {};
}

Result<Normalizer> resolve_normalizer(const ModelSpec& model, const ConfigSpec& config,
                                      const TokenizerOverrides& overrides, std::string_view folder_name,
                                      TokenizerSettings& settings) {
  if (!model.normalizer.bert) {
    Normalizer fixed(model.normalizer.steps);
    settings.lowercase = fixed.has(Kind::kLower);
    settings.strip_accents = fixed.has(Kind::kStripAccent) || fixed.has(Kind::kStripMarks);
    settings.clean_text = fixed.has(Kind::kClean);
    settings.tokenize_chinese_chars = fixed.has(Kind::kSpaceCjk);
    settings.lowercase_source = model.source;
    const std::optional<bool> accents = config.strip_accents.value_or(std::nullopt);
    SPANQA_TRY(check_fixed("lowercase", settings.lowercase, overrides.lowercase, config.lowercase, settings.notes));
    SPANQA_TRY(check_fixed("strip_accents", settings.strip_accents, overrides.strip_accents, accents, settings.notes));
    SPANQA_TRY(check_fixed("tokenize_chinese_chars", settings.tokenize_chinese_chars, overrides.tokenize_chinese_chars,
                           config.tokenize_chinese_chars, settings.notes));
    return fixed;
  }
  BertNormalizerSpec bert = *model.normalizer.bert;
  const Decision lowercase = decide_lowercase(model, config, overrides, folder_name, settings);
  bert.lowercase = lowercase.value;
  if (config.strip_accents) bert.strip_accents = *config.strip_accents;
  if (overrides.strip_accents) bert.strip_accents = overrides.strip_accents;
  if (config.tokenize_chinese_chars) bert.handle_chinese_chars = *config.tokenize_chinese_chars;
  if (overrides.tokenize_chinese_chars) bert.handle_chinese_chars = *overrides.tokenize_chinese_chars;
  settings.lowercase = bert.lowercase;
  settings.lowercase_source = lowercase.source;
  settings.strip_accents = bert.strip_accents.value_or(bert.lowercase);
  settings.clean_text = bert.clean_text;
  settings.tokenize_chinese_chars = bert.handle_chinese_chars;
  note_odd_casing(model, settings);
  std::vector<NormalizerStep> steps;
  bert.append_steps(steps);
  return Normalizer(std::move(steps));
}

/// The five names of control tokens, in the order of SpecialIds.
struct SpecialNames {
  std::string pad, unk, cls, sep, mask;
  std::array<const std::string*, 5> all() const { return {&pad, &unk, &cls, &sep, &mask}; }
};

SpecialNames resolve_names(const ModelSpec& model, const ConfigSpec& config) {
  const bool from_json = model.source == "tokenizer.json";
  SpecialNames names;
  names.pad = config.pad_token.value_or("[PAD]");
  names.unk = from_json ? model.unknown_token : config.unk_token.value_or(model.unknown_token);
  names.cls = model.cls_token.value_or(config.cls_token.value_or("[CLS]"));
  names.sep = model.sep_token.value_or(config.sep_token.value_or("[SEP]"));
  names.mask = config.mask_token.value_or("[MASK]");
  return names;
}

/// Added tokens of both files and the control tokens, each once, with the ids that the vocabulary gives them.
Result<std::vector<AddedToken>> resolve_added(const ModelSpec& model, const ConfigSpec& config,
                                              const SpecialNames& names) {
  std::vector<AddedToken> all = model.added;
  all.insert(all.end(), config.added.begin(), config.added.end());
  for (const std::string* name : names.all()) all.push_back({.content = *name, .special = true});

  std::unordered_map<std::string_view, std::int32_t> ids;  // what the vocabulary says of these texts
  for (const AddedToken& token : all) ids.emplace(token.content, -1);
  for (const VocabularyEntry& entry : model.entries) {
    if (const auto at = ids.find(entry.text); at != ids.end()) at->second = entry.id;
  }
  std::vector<AddedToken> kept;
  std::unordered_map<std::string_view, bool> seen;
  for (const AddedToken& token : all) {
    if (!seen.emplace(token.content, true).second) continue;
    const std::int32_t in_vocabulary = ids.at(token.content);
    if (token.id >= 0 && in_vocabulary >= 0 && token.id != in_vocabulary) {
      return fail(ErrorCode::kMismatch,
                  fmt::format("the added token '{}' has the id {}, but {} gives it {}; the files of "
                              "this folder do not belong together",
                              token.content, token.id, model.source, in_vocabulary));
    }
    kept.push_back(token);
    if (in_vocabulary >= 0) kept.back().id = in_vocabulary;
  }
  std::erase_if(kept, [](const AddedToken& token) { return token.id < 0 || token.content.empty(); });
  return kept;
}

Result<Vocabulary> build_vocabulary(const ModelSpec& model, const std::vector<AddedToken>& added) {
  std::unordered_map<std::string_view, bool> apart_texts;
  std::vector<Vocabulary::Entry> apart;
  std::vector<Vocabulary::Entry> entries;
  entries.reserve(model.entries.size());
  for (const VocabularyEntry& entry : model.entries) entries.emplace_back(entry.text, entry.id);
  std::vector<Vocabulary::Entry> later;
  for (const AddedToken& token : added) (token.special ? apart : later).emplace_back(token.content, token.id);
  // Ordinary added tokens that the model itself has stay part of words; the others are found as they stand only.
  std::unordered_map<std::string_view, bool> in_model;
  for (const auto& entry : later) in_model.emplace(entry.first, false);
  for (const VocabularyEntry& entry : model.entries) {
    if (const auto at = in_model.find(entry.text); at != in_model.end()) at->second = true;
  }
  for (const auto& entry : later) {
    if (!in_model.at(entry.first)) apart.push_back(entry);
  }
  SPANQA_ASSIGN(Vocabulary vocabulary, Vocabulary::build(entries, apart, model.continuing_prefix));
  for (const AddedToken& token : added) {
    if (vocabulary.text(token.id) != token.content) {
      return fail(ErrorCode::kCorrupt, fmt::format("the added token '{}' has the id {}, which '{}' has too",
                                                   token.content, token.id, vocabulary.text(token.id)));
    }
  }
  return vocabulary;
}

Result<SpecialIds> resolve_specials(const Vocabulary& vocabulary, const SpecialNames& names, const ModelSpec& model) {
  SpecialIds ids;
  const std::array<std::int32_t*, 5> targets = {&ids.pad, &ids.unk, &ids.cls, &ids.sep, &ids.mask};
  const std::array<const std::string*, 5> texts = names.all();
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const std::optional<std::int32_t> id = vocabulary.find(*texts[i]);
    const bool may_be_missing = targets[i] == &ids.mask;
    if (!id && !may_be_missing) {
      return fail(ErrorCode::kCorrupt,
                  fmt::format("the vocabulary of {} ({} entries) has no '{}', which every sequence "
                              "needs; is it the vocabulary of a BERT model, and complete?",
                              model.source, model.entries.size(), *texts[i]));
    }
    *targets[i] = id.value_or(-1);
  }
  return ids;
}

/// Classes that cut words with more than these files say.
Status check_class(const ModelSpec& model, const ConfigSpec& config) {
  constexpr std::string_view kJapanese = "BertJapaneseTokenizer";
  if (model.source == "vocab.txt" && config.tokenizer_class == kJapanese) {
    return fail(ErrorCode::kUnsupported, fmt::format("tokenizer_config.json asks for {}, which cuts words with MeCab; "
                                                     "spanqa reads BERT's own WordPiece tokenizers",
                                                     kJapanese));
  }
  return {};
}

}  // namespace

void BertNormalizerSpec::append_steps(std::vector<NormalizerStep>& steps) const {
  if (clean_text) steps.push_back({Kind::kClean, {}, {}});
  if (handle_chinese_chars) steps.push_back({Kind::kSpaceCjk, {}, {}});
  if (strip_accents.value_or(lowercase)) {
    steps.push_back({Kind::kDecompose, {}, {}});
    steps.push_back({Kind::kStripAccent, {}, {}});
  }
  if (lowercase) steps.push_back({Kind::kLower, {}, {}});
}

Result<TokenizerSpec> resolve_spec(ModelSpec model, const ConfigSpec& config, const TokenizerOverrides& overrides,
                                   std::string_view folder_name) {
  SPANQA_TRY(check_class(model, config));
  TokenizerSpec spec;
  TokenizerSettings& settings = spec.settings;
  settings.notes = std::move(model.notes);
  settings.vocabulary_source = model.source;
  settings.max_input_chars_per_word = static_cast<int>(model.max_word_chars);
  settings.model_max_length = config.model_max_length;
  settings.pads_right = config.pads_right.value_or(model.pads_right.value_or(true));
  SPANQA_ASSIGN(spec.normalizer, resolve_normalizer(model, config, overrides, folder_name, settings));

  const SpecialNames names = resolve_names(model, config);
  SPANQA_ASSIGN(spec.added, resolve_added(model, config, names));
  SPANQA_ASSIGN(spec.vocabulary, build_vocabulary(model, spec.added));
  SPANQA_ASSIGN(spec.specials, resolve_specials(spec.vocabulary, names, model));
  spec.splits_words = model.splits_words;
  spec.second_type = model.second_type;
  return spec;
}

}  // namespace spanqa

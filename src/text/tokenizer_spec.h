// What the files of a tokenizer say, and which of them is believed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/added_tokens.h"
#include "text/normalizer.h"
#include "text/tokenizer.h"
#include "text/vocabulary.h"

namespace spanqa {

/// The part called BertNormalizer. Unset strip_accents means "as lowercase".
struct BertNormalizerSpec {
  bool clean_text = true;
  bool handle_chinese_chars = true;
  std::optional<bool> strip_accents;
  bool lowercase = true;

  void append_steps(std::vector<NormalizerStep>& steps) const;
};

/// What normalises: the BERT part, whose settings other files and flags may change, or fixed steps, which they may not.
struct NormalizerSpec {
  std::optional<BertNormalizerSpec> bert;
  std::vector<NormalizerStep> steps;  // read when `bert` is unset
};

struct VocabularyEntry {
  std::string text;
  std::int32_t id = -1;
};

/// tokenizer.json, or vocab.txt with what it implies.
struct ModelSpec {
  std::string source;  // "tokenizer.json" or "vocab.txt"
  std::vector<VocabularyEntry> entries;
  std::vector<AddedToken> added;
  NormalizerSpec normalizer;
  bool splits_words = true;
  std::string unknown_token = "[UNK]";
  std::string continuing_prefix = "##";
  std::size_t max_word_chars = 100;
  std::optional<std::string> cls_token;  // as the post-processor names it
  std::optional<std::string> sep_token;
  std::uint8_t second_type = 1;  // type id of the second text
  std::optional<bool> pads_right;
  std::vector<std::string> notes;
};

/// tokenizer_config.json; what it does not say is unset.
struct ConfigSpec {
  std::optional<bool> lowercase;
  std::optional<std::optional<bool>> strip_accents;  // a null in the file is a value: "as lowercase"
  std::optional<bool> tokenize_chinese_chars;
  std::optional<int> model_max_length;
  std::optional<bool> pads_right;
  std::optional<std::string> unk_token, cls_token, sep_token, pad_token, mask_token;
  std::optional<std::string> tokenizer_class;
  std::vector<AddedToken> added;
};

/// `where` names the file in messages. kCorrupt for what is no such file, kUnsupported for parts other than BERT's.
Result<ModelSpec> parse_tokenizer_json(std::string_view json, std::string_view where);
Result<ModelSpec> parse_vocab_txt(std::string_view text, std::string_view where);
Result<ConfigSpec> parse_tokenizer_config(std::string_view json, std::string_view where);

/// Everything decided: what a Tokenizer is built from.
struct TokenizerSpec {
  Normalizer normalizer;
  bool splits_words = true;
  std::vector<AddedToken> added;
  Vocabulary vocabulary;
  SpecialIds specials;
  std::uint8_t second_type = 1;
  TokenizerSettings settings;
};

/// Flag over tokenizer_config.json over tokenizer.json over a guess; see Tokenizer::open().
Result<TokenizerSpec> resolve_spec(ModelSpec model, const ConfigSpec& config, const TokenizerOverrides& overrides,
                                   std::string_view folder_name);

}  // namespace spanqa

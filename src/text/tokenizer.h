// From text to vocabulary ids with exact places: BERT normalisation, pre-tokenisation and WordPiece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace spanqa {

/// Half-open byte range in the text as the caller gave it (not the normalised one).
struct ByteSpan {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  friend bool operator==(const ByteSpan&, const ByteSpan&) = default;
};

/// The tokens of one text, without special tokens added. Three arrays of equal length.
struct TokenizedText {
  std::vector<std::int32_t> ids;
  std::vector<ByteSpan> spans;      // where each token stands in the text
  std::vector<std::int32_t> words;  // number of the pre-token (word or punctuation mark) it belongs to, from 0

  std::size_t size() const { return ids.size(); }
};

/// What "[SEP]", "[MASK]" and the like in a user's text mean.
enum class SpecialsInText : std::uint8_t {
  kText,   // ordinary characters: a document cannot inject control tokens (default)
  kMatch,  // the special token's id, as the Python reference does
};

/// Settings given by the caller override what the folder says; unset fields come from tokenizer_config.json, then
/// tokenizer.json, then a guess from the folder's name, which is reported as a note.
struct TokenizerOverrides {
  std::optional<bool> lowercase = std::nullopt;
  std::optional<bool> strip_accents = std::nullopt;
  std::optional<bool> tokenize_chinese_chars = std::nullopt;
};

/// What is in force after loading, and where each value came from.
struct TokenizerSettings {
  bool lowercase = true;
  bool strip_accents = true;
  bool clean_text = true;
  bool tokenize_chinese_chars = true;
  int max_input_chars_per_word = 100;
  std::optional<int> model_max_length;  // tokenizer_config.json; absent where it says "very large"
  std::string
      lowercase_source;  // "tokenizer_config.json", "tokenizer.json", "flag", or a guess: from the name, the vocabulary
  std::string vocabulary_source;  // "tokenizer.json" or "vocab.txt"
  bool pads_right = true;
  std::vector<std::string> notes;  // warnings a person should read
};

/// Ids of the tokens that structure a sequence. -1 where the vocabulary has none (only mask may be missing).
struct SpecialIds {
  std::int32_t pad = -1;
  std::int32_t unk = -1;
  std::int32_t cls = -1;
  std::int32_t sep = -1;
  std::int32_t mask = -1;
};

enum class Truncation : std::uint8_t { kNone, kLongestFirst, kOnlyFirst, kOnlySecond };
enum class Side : std::uint8_t { kRight, kLeft };

struct PaddingOptions {
  std::optional<std::size_t> fixed_length = std::nullopt;  // unset: to the longest of the call
  std::size_t multiple_of = 1;
  Side side = Side::kRight;
};

struct EncodeOptions {
  bool add_special_tokens = true;
  Truncation truncation = Truncation::kNone;
  std::size_t max_length = 512;  // tokens, specials included; read only when truncation is on
  std::size_t stride = 0;        // tokens of overlap between consecutive windows
  Side truncation_side = Side::kRight;
  bool keep_overflow = true;  // false: only the first window
  std::optional<PaddingOptions> padding = std::nullopt;
  SpecialsInText specials_in_text = SpecialsInText::kText;
};

/// One sequence as a model reads it. Arrays of equal length.
struct Encoding {
  std::vector<std::int32_t> ids;
  std::vector<std::uint8_t> type_ids;
  std::vector<std::uint8_t> attention_mask;
  std::vector<std::uint8_t> special_mask;  // 1 for tokens that were added ([CLS], [SEP], padding)
  std::vector<std::int8_t> sequence;       // 0 first text, 1 second text, -1 added token
  std::vector<ByteSpan> spans;             // in the text named by `sequence`; (0,0) for added tokens
  std::vector<std::int32_t> words;         // -1 for added tokens
};

/// The contents of a tokenizer's files, for callers that do not have them in a folder; unset where there is no such
/// file.
struct TokenizerFiles {
  std::string name;  // folder or other name: for messages, and for the guess about lower-casing
  std::optional<std::string> tokenizer_json = std::nullopt;
  std::optional<std::string> vocab_txt = std::nullopt;
  std::optional<std::string> tokenizer_config_json = std::nullopt;
};

/// A BERT tokenizer read from a Hugging Face folder.
///
/// Threads: immutable after open(); every call may run concurrently; all options travel with the call.
/// Input:   any bytes. Ill-formed UTF-8 is read as U+FFFD (see base/utf8.h), never rejected. Texts of 4 GiB or more are
///          the one thing refused (offsets are 32-bit): callers bound their input.
/// Cost:    O(bytes); about 80 MB/s of English on one core.
class Tokenizer {
 public:
  /// Reads `tokenizer.json`, else `vocab.txt`, and `tokenizer_config.json` over it where present.
  static Result<std::shared_ptr<const Tokenizer>> open(const std::filesystem::path& folder,
                                                       const TokenizerOverrides& overrides = {});
  /// The same from memory.
  static Result<std::shared_ptr<const Tokenizer>> from_files(const TokenizerFiles& files,
                                                             const TokenizerOverrides& overrides = {});
  ~Tokenizer();
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  /// The tokens of `text`, nothing added.
  TokenizedText tokenize(std::string_view text, SpecialsInText specials = SpecialsInText::kText) const;

  /// The same by the plain way, step by step as the definition has it: what tests hold tokenize() against.
  TokenizedText tokenize_ref(std::string_view text, SpecialsInText specials = SpecialsInText::kText) const;

  /// One text or a pair, with special tokens, truncation, overflow windows and padding; the main sequence first, then
  /// the windows that overflowed, in order. Fails with the reference's meaning when the options cannot be met.
  Result<std::vector<Encoding>> encode(std::string_view first, std::optional<std::string_view> second,
                                       const EncodeOptions& options) const;

  const TokenizerSettings& settings() const;
  const SpecialIds& specials() const;
  /// Ids run from 0 to vocabulary_size() - 1.
  std::size_t vocabulary_size() const;
  /// The token's text; empty for an id that is in no vocabulary line.
  std::string_view token(std::int32_t id) const;
  std::optional<std::int32_t> id_of(std::string_view token) const;

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace spanqa

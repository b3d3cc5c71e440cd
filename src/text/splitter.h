// The road from a text to tokens: added tokens out, normalise, cut into words, words into pieces.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/added_tokens.h"
#include "text/normalizer.h"
#include "text/tokenizer.h"
#include "text/vocabulary.h"

namespace spanqa {

struct SplitterParts {
  Normalizer normalizer;
  bool splits_words = true;       // false: no pre-tokeniser, a text is one word
  AddedTokens raw_tokens;         // looked for in the text as given
  AddedTokens normalized_tokens;  // looked for in the normalised text
  std::int32_t unknown_id = -1;
  std::size_t max_word_chars = 100;  // longer words are unknown
};

/// Threads: immutable; run() may be called concurrently. The vocabulary must outlive the splitter and not move.
class Splitter {
 public:
  Splitter(SplitterParts parts, const Vocabulary& vocabulary);

  /// Appends the tokens of `text` (below 4 GiB).
  ///
  /// Words of ASCII letters and digits are taken from the text as they stand, everything else goes the plain way in
  /// pieces that end where a word must end.
  void run(std::string_view text, SpecialsInText specials, TokenizedText& out) const;

  /// The same by the plain way alone, one step of the definition after another over the whole text: for tests.
  void run_ref(std::string_view text, SpecialsInText specials, TokenizedText& out) const;

 private:
  enum class ByteKind : std::uint8_t { kWord, kSpace, kPunctuation, kOther };

  /// Buffers of one call.
  struct Scratch {
    std::vector<TextChar> chars;
    NormalizerScratch normalizer;
    std::string bytes;
    std::vector<PieceMatch> pieces;
    std::vector<AddedMatch> raw_matches;
    std::vector<AddedMatch> normalized_matches;
    std::int32_t n_words = 0;
  };

  template <typename Segment>
  void for_each_segment(std::string_view text, SpecialsInText specials, Scratch& scratch, TokenizedText& out,
                        Segment segment) const;

  void append_plain(std::string_view text, std::uint32_t base, bool with_special, Scratch& scratch,
                    TokenizedText& out) const;
  void append_normalized(bool with_special, Scratch& scratch, TokenizedText& out) const;
  void append_words(std::span<const TextChar> chars, Scratch& scratch, TokenizedText& out) const;
  void append_word(std::span<const TextChar> chars, Scratch& scratch, TokenizedText& out) const;

  void append_fast(std::string_view text, std::uint32_t base, Scratch& scratch, TokenizedText& out) const;
  void append_ascii_word(std::string_view text, ByteSpan word, std::uint32_t base, Scratch& scratch,
                         TokenizedText& out) const;
  std::size_t chunk_end(std::string_view text, std::size_t begin) const;
  bool surely_begins_word(char32_t c) const;

  ShortText load_word(std::string_view text, std::size_t begin, std::uint32_t length) const;
  bool split_short(ShortText rest, std::uint32_t length, std::vector<PieceMatch>& pieces) const;
  bool split_long(const char* word, std::size_t length, std::vector<PieceMatch>& pieces) const;

  SplitterParts parts_;
  const Vocabulary& vocabulary_;
  bool fast_ = false;
  bool lowers_ = false;
  bool spaces_cjk_ = false;
  bool cleans_ = false;
  std::array<ByteKind, 256> kinds_{};
  std::array<std::int32_t, 128> punctuation_ids_{};
};

}  // namespace spanqa

// What happens to a text before it is cut into words, one step after another, with the place each character came from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/unicode.h"

namespace spanqa {

/// One code point of a normalised text, and the bytes of the caller's text that it stands for.
struct TextChar {
  char32_t value = 0;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  friend bool operator==(const TextChar&, const TextChar&) = default;
};

/// One step. Replace carries what it looks for and what it puts there.
struct NormalizerStep {
  enum class Kind : std::uint8_t {
    kClean,        // drops control characters and the like, turns white space into blanks
    kSpaceCjk,     // a blank on both sides of each ideograph
    kDecompose,    // NFD
    kStripAccent,  // drops nonspacing marks, by the tables of 2016 (the BERT normaliser)
    kStripMarks,   // drops all marks, by newer tables (the part called StripAccents)
    kLower,
    kReplace,
  };
  Kind kind = Kind::kClean;
  std::u32string pattern;  // never empty for kReplace
  std::u32string content;
};

/// Buffers that calls reuse; one for each running call.
struct NormalizerScratch {
  std::vector<TextChar> other;
  std::vector<unicode::Decomposed> parts;
  std::vector<std::pair<std::uint64_t, unicode::Decomposed>> run;
};

/// Steps in the order they run. Threads: immutable once filled.
class Normalizer {
 public:
  Normalizer() = default;
  explicit Normalizer(std::vector<NormalizerStep> steps) : steps_(std::move(steps)) {}

  /// Replaces `chars` by their normal form. Places follow the reference: what a character becomes has its place, what
  /// NFD or Replace inserts has the place of the character before it.
  void apply(std::vector<TextChar>& chars, NormalizerScratch& scratch) const;

  /// The normal form of a whole text, UTF-8.
  std::string apply_to(std::string_view text) const;

  bool has(NormalizerStep::Kind kind) const;
  const std::vector<NormalizerStep>& steps() const { return steps_; }

 private:
  std::vector<NormalizerStep> steps_;
};

/// Appends the code points of `text`, which begins at byte `base` of the caller's text.
void append_chars(std::string_view text, std::uint32_t base, std::vector<TextChar>& out);

}  // namespace spanqa

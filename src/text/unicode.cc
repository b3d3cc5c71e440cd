#include "text/unicode.h"

#include <algorithm>
#include <span>

namespace spanqa::unicode {
namespace {

// Hangul syllables are composed by arithmetic: The Unicode Standard, section 3.12.
constexpr char32_t kSyllableBase = 0xAC00;
constexpr char32_t kSyllableLast = 0xD7A3;
constexpr char32_t kLeadBase = 0x1100;
constexpr char32_t kVowelBase = 0x1161;
constexpr char32_t kTailBase = 0x11A7;
constexpr char32_t kTails = 28;
constexpr char32_t kVowelsTimesTails = 588;

void append_hangul(char32_t c, std::vector<Decomposed>& out) {
  const char32_t index = c - kSyllableBase;
  out.push_back({kLeadBase + index / kVowelsTimesTails, 0});
  out.push_back({kVowelBase + index % kVowelsTimesTails / kTails, 0, false});
  if (index % kTails != 0) out.push_back({kTailBase + index % kTails, 0, false});
}

const Decomposition* find_decomposition(char32_t c) {
  const std::span all(kDecompositions, kDecompositionCount);
  const auto at = std::ranges::lower_bound(all, c, {}, &Decomposition::from);
  return at != all.end() && at->from == c ? &*at : nullptr;
}

}  // namespace

char32_t lower(char32_t c, char32_t& second) {
  second = 0;
  if ((flags_of(c) & kHasLower) == 0) return c;
  if (c == 0x130) {
    second = 0x307;
    return U'i';
  }
  const std::span runs(kLowerRuns, kLowerRunCount);
  const auto after = std::ranges::upper_bound(runs, c, {}, &LowerRun::first);
  const LowerRun& run = *(after - 1);  // the flag says that one holds it
  return static_cast<char32_t>(static_cast<std::int32_t>(c) + run.delta);
}

void append_decomposition(char32_t c, std::vector<Decomposed>& out) {
  if (c >= kSyllableBase && c <= kSyllableLast) return append_hangul(c, out);
  const Decomposition* entry = (flags_of(c) & kHasNfd) != 0 ? find_decomposition(c) : nullptr;
  if (entry == nullptr) {
    out.push_back({c, 0});
  } else if (entry->length == 0) {
    out.push_back({c, entry->order});
  } else {
    for (std::size_t i = 0; i < entry->length; ++i) {
      const char32_t part = kDecomposed[entry->offset + i];
      const Decomposition* own = find_decomposition(part);
      out.push_back({part, own == nullptr ? std::uint8_t{0} : own->order, i == 0});
    }
  }
}

}  // namespace spanqa::unicode

#include "qa/metrics.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/utf8.h"
#include "qa/python_text.h"

namespace spanqa {
namespace {

bool is_article(std::string_view word) { return word == "a" || word == "an" || word == "the"; }

/// Builds the normalised text from the left: words with articles left out, single spaces in between.
///
/// An article is a whole run of word characters, which is what \b(a|an|the)\b finds; it counts as a space.
class Normalizer {
 public:
  explicit Normalizer(std::size_t capacity) { out_.reserve(capacity); }

  void space() {
    end_run();
    pending_space_ = true;
  }
  void word_character(std::string_view bytes) {
    if (run_begin_ == kNoRun) begin_run();
    out_.append(bytes);
  }
  /// A character of no word that stays, such as a dash outside ASCII.
  void other_character(std::string_view bytes) {
    end_run();
    put_space();
    out_.append(bytes);
  }
  std::string finish() && {
    end_run();
    return std::move(out_);
  }

 private:
  static constexpr std::size_t kNoRun = static_cast<std::size_t>(-1);

  void put_space() {
    if (pending_space_ && !out_.empty()) out_.push_back(' ');
    pending_space_ = false;
  }
  void begin_run() {
    before_run_ = out_.size();
    put_space();
    run_begin_ = out_.size();
  }
  void end_run() {
    if (run_begin_ == kNoRun) return;
    if (is_article(std::string_view(out_).substr(run_begin_))) {
      out_.resize(before_run_);
      pending_space_ = true;
    }
    run_begin_ = kNoRun;
  }

  std::string out_;
  std::size_t run_begin_ = kNoRun;
  std::size_t before_run_ = 0;
  bool pending_space_ = false;
};

enum class AsciiClass : std::uint8_t { kWord, kDeleted, kSpace, kOther };

constexpr std::array<AsciiClass, 128> kAsciiClasses = [] {
  std::array<AsciiClass, 128> classes{};
  for (std::size_t c = 0; c < 128; ++c) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool is_digit = c >= '0' && c <= '9';
    if (is_letter || is_digit) {
      classes[c] = AsciiClass::kWord;
    } else if ((c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20)) {
      classes[c] = AsciiClass::kSpace;
    } else if (c > 0x20 && c < 0x7F) {
      classes[c] = AsciiClass::kDeleted;  // string.punctuation, the underscore among it
    } else {
      classes[c] = AsciiClass::kOther;  // control characters
    }
  }
  return classes;
}();

void feed_ascii(Normalizer& normalizer, char lower_case) {
  const std::string_view bytes(&lower_case, 1);
  switch (kAsciiClasses[static_cast<unsigned char>(lower_case)]) {
    case AsciiClass::kWord:
      return normalizer.word_character(bytes);
    case AsciiClass::kSpace:
      return normalizer.space();
    case AsciiClass::kOther:
      return normalizer.other_character(bytes);
    case AsciiClass::kDeleted:
      return;
  }
}

/// Each word as often as it stands, sorted, so that two bags are compared in one walk.
std::vector<std::string_view> sorted_tokens(std::string_view normalized) {
  std::vector<std::string_view> tokens;
  while (!normalized.empty()) {
    const std::size_t end = std::min(normalized.find(' '), normalized.size());
    tokens.push_back(normalized.substr(0, end));
    normalized.remove_prefix(std::min(end + 1, normalized.size()));
  }
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

std::size_t count_common(std::span<const std::string_view> a, std::span<const std::string_view> b) {
  std::size_t n = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const int order = a[i].compare(b[j]);
    if (order == 0) ++n;
    if (order <= 0) ++i;
    if (order >= 0) ++j;
  }
  return n;
}

/// F1 of two bags of words. `both_empty`: what two empty ones score, the one point where the two versions differ.
double f1_of(std::span<const std::string_view> prediction, std::span<const std::string_view> gold, double both_empty) {
  if (prediction.empty() && gold.empty()) return both_empty;
  const std::size_t n_common = count_common(prediction, gold);
  if (n_common == 0) return 0.0;
  const double precision = static_cast<double>(n_common) / static_cast<double>(prediction.size());
  const double recall = static_cast<double>(n_common) / static_cast<double>(gold.size());
  return (2 * precision * recall) / (precision + recall);
}

/// The prediction's side of the comparison, made once for all golds.
class Comparison {
 public:
  Comparison(std::string_view prediction, double both_empty)
      : normalized_(normalize_answer(prediction)), tokens_(sorted_tokens(normalized_)), both_empty_(both_empty) {}
  Comparison(const Comparison&) = delete;  // tokens_ points into normalized_
  Comparison& operator=(const Comparison&) = delete;

  /// Exact match and F1 are best apart from each other.
  void against(std::string_view normalized_gold, AnswerScore& best) const {
    if (normalized_ == normalized_gold) best.exact = 1.0;
    best.f1 = std::max(best.f1, f1_of(tokens_, sorted_tokens(normalized_gold), both_empty_));
  }

 private:
  std::string normalized_;
  std::vector<std::string_view> tokens_;
  double both_empty_;
};

}  // namespace

std::string normalize_answer(std::string_view text) {
  Normalizer normalizer(text.size());
  if (is_ascii(text)) {
    for (const char c : text) feed_ascii(normalizer, c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
    return std::move(normalizer).finish();
  }
  const std::string lower = python_lower(text);
  for (std::size_t i = 0; i < lower.size();) {
    const CodePoint c = decode_utf8(lower, i);
    const std::string_view bytes = std::string_view(lower).substr(i, c.bytes);
    i += c.bytes;
    if (c.value < 0x80) {
      feed_ascii(normalizer, static_cast<char>(c.value));
    } else if (is_python_space(c.value)) {
      normalizer.space();
    } else if (is_python_word(c.value)) {
      normalizer.word_character(bytes);
    } else {
      normalizer.other_character(bytes);
    }
  }
  return std::move(normalizer).finish();
}

AnswerScore score_v1(std::string_view prediction, const std::vector<std::string>& golds) {
  AnswerScore best;
  const Comparison comparison(prediction, 0.0);
  for (const std::string& gold : golds) comparison.against(normalize_answer(gold), best);
  return best;
}

AnswerScore score_v2(std::string_view prediction, const std::vector<std::string>& golds) {
  AnswerScore best;
  const Comparison comparison(prediction, 1.0);
  bool any_gold = false;
  for (const std::string& gold : golds) {
    const std::string normalized = normalize_answer(gold);
    if (normalized.empty()) continue;
    comparison.against(normalized, best);
    any_gold = true;
  }
  if (!any_gold) comparison.against("", best);
  return best;
}

}  // namespace spanqa

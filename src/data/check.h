// The data doctor: what is wrong with examples, and what of it can be mended safely.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/utf8.h"
#include "data/example.h"

namespace spanqa {

enum class FindingKind : std::uint8_t {
  kMisaligned,             // other text stands at answer_start
  kStartOutOfRange,        // the answer begins or ends behind the context
  kNegativeStart,          // below 0, but for -1, which means that none is known
  kMissingStart,           // a gold without answer_start
  kAnswerBlanks,           // a gold with leading or trailing blanks
  kEmptyAnswer,            // a gold that is empty or blank
  kDuplicateId,            // an id of an earlier example
  kDuplicateQuestion,      // question and context of an earlier example, under another id
  kEmptyId,                // empty or blank
  kEmptyQuestion,          // empty or blank
  kEmptyContext,           // empty or blank
  kIllFormedUtf8,          // in any of the texts
  kContradictsImpossible,  // is_impossible is true with golds, or false without
};
constexpr std::size_t kFindingKinds = 13;

/// "misaligned", "start_out_of_range", …: for programs.
const char* finding_kind_name(FindingKind kind);

struct Finding {
  FindingKind kind = FindingKind::kMisaligned;
  std::string where;    // the example's place in its file
  std::string message;  // what is wrong and, where it is known, what would be right
  bool fixed = false;
};

struct CheckOptions {
  /// Mend what can be mended without a guess: an answer_start that is missing or wrong becomes the nearest place where
  /// the text stands (a missing one only if the text stands in one place); later copies of an example are dropped.
  bool fix = false;
};

struct Diagnosis {
  std::vector<Finding> findings;
  bool drop = false;  // a copy of an earlier example; only with `fix`
};

/// Checks examples one after another; no tokenizer is needed.
///
/// A copy is an example with question, context and golds of an earlier one, under its id or another. Equal ids or equal
/// questions with other golds are findings, but nobody knows which is right: they stay.
/// Memory: about 200 bytes an example: 64-bit keys of its texts, and its place. Threads: one at a time.
class ExampleChecker {
 public:
  explicit ExampleChecker(const CheckOptions& options = {}) : options_(options) {}

  /// With `fix`, mends `example` in place.
  Diagnosis check(Example& example);

  std::size_t n_examples() const { return n_examples_; }
  std::size_t n_dropped() const { return n_dropped_; }
  std::size_t count(FindingKind kind) const { return counts_[static_cast<std::size_t>(kind)]; }
  std::size_t count_fixed(FindingKind kind) const { return fixed_[static_cast<std::size_t>(kind)]; }
  /// Findings of all kinds.
  std::size_t n_findings() const;

 private:
  /// An earlier example under its id or under its question.
  struct Seen {
    std::uint64_t other = 0;  // key of its question and context in ids_, of its id in questions_
    std::uint64_t golds = 0;
    std::size_t number = 0;  // in places_
  };

  void check_texts(const Example& example, Diagnosis& diagnosis);
  void check_answers(Example& example, Diagnosis& diagnosis);
  void check_start(GoldAnswer& answer, std::size_t number, const Example& example, Diagnosis& diagnosis);
  void mend_start(GoldAnswer& answer, FindingKind kind, const std::string& fault, const Example& example,
                  Diagnosis& diagnosis);
  void check_copies(const Example& example, Diagnosis& diagnosis);
  void set_context(const std::shared_ptr<const std::string>& context);
  void report(Diagnosis& diagnosis, FindingKind kind, const Example& example, std::string message, bool fixed = false);

  CheckOptions options_;
  std::size_t n_examples_ = 0;
  std::size_t n_dropped_ = 0;
  std::array<std::size_t, kFindingKinds> counts_ = {};
  std::array<std::size_t, kFindingKinds> fixed_ = {};
  std::unordered_map<std::uint64_t, Seen> ids_;
  std::unordered_map<std::uint64_t, Seen> questions_;
  std::vector<std::string> places_;             // `where` of the examples kept
  std::shared_ptr<const std::string> context_;  // the last one; what follows is of it
  std::optional<TextIndex> index_;
  std::uint64_t context_key_ = 0;
  std::size_t context_ill_formed_ = 0;  // first such byte
};

}  // namespace spanqa

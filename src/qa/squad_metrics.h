// The figures of the official SQuAD scripts, gathered question by question.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace spanqa {

/// One figure of a report. Scores are percentages, `..._total` are counts, thresholds are in the unit of the no-answer
/// scores that were given.
struct MetricValue {
  std::string name;
  double value = 0.0;
  bool is_count = false;  // print without a fraction
};
using MetricValues = std::vector<MetricValue>;

/// SQuAD v1.1. Memory: constant.
class SquadV1Metrics {
 public:
  /// No prediction scores 0 and is counted. A question without golds, an error in the official script, scores 0 too.
  void add(std::optional<std::string_view> prediction, const std::vector<std::string>& golds);

  /// exact_match, f1. kInvalidArgument when no question was added.
  Result<MetricValues> totals() const;
  std::size_t n_questions() const { return n_questions_; }
  std::size_t n_unanswered() const { return n_unanswered_; }
  std::size_t n_without_golds() const { return n_without_golds_; }

 private:
  double exact_ = 0.0;
  double f1_ = 0.0;
  std::size_t n_questions_ = 0;
  std::size_t n_unanswered_ = 0;
  std::size_t n_without_golds_ = 0;
};

struct SquadV2Options {
  /// A prediction whose no-answer score exceeds this (strictly) counts as "no answer".
  double no_answer_threshold = 1.0;
  /// Fail when a question has no prediction. The official script fails as well, with a KeyError; by default such a
  /// question scores 0, whatever its golds are.
  bool strict = false;
  bool best_thresholds = true;     // best_...
  bool average_precision = false;  // pr_..._ap
};

/// SQuAD v2.0. Whether a question has an answer is read off its golds, as officially; an is_impossible flag is not.
/// Memory: 24 bytes a question.
class SquadV2Metrics {
 public:
  explicit SquadV2Metrics(const SquadV2Options& options = {}) : options_(options) {}

  /// `no_answer_score`: higher is surer that there is no answer; NaN counts as surest of all. `order`: place of the
  /// question in the file of no-answer scores, which the official search for thresholds depends on where scores are
  /// equal; without it the order of adding.
  void add(std::optional<std::string_view> prediction, const std::vector<std::string>& golds,
           double no_answer_score = 0.0, std::optional<std::uint32_t> order = std::nullopt);

  /// In the official order: exact, f1, total, HasAns_{exact,f1,total} and NoAns_{...} (each only where there is such a
  /// question), best_exact, best_exact_thresh, best_f1, best_f1_thresh, pr_exact_ap, pr_f1_ap, pr_oracle_ap (only where
  /// a question has an answer); then the same best_... with the suffix _tie_safe.
  ///
  /// best_... equal the official script's to the bit, its fault included: it may put a threshold between questions of
  /// equal score, which no threshold can. The tie-safe ones are what really can be reached.
  /// Fails with kInvalidArgument when no question was added, or kMismatch when `strict` and predictions are missing.
  Result<MetricValues> totals() const;
  std::size_t n_questions() const { return has_answer_.n + no_answer_.n; }
  std::size_t n_missing() const { return n_missing_; }

 private:
  struct Sums {
    double exact = 0.0;
    double f1 = 0.0;
    std::size_t n = 0;
    void add(double more_exact, double more_f1);
  };
  struct Record {  // what the threshold search needs of a question that has a prediction
    double no_answer_score = 0.0;
    double f1 = 0.0;
    std::uint32_t order = 0;
    bool exact = false;
    bool has_answer = false;
    bool is_answered = false;  // the prediction's raw text is not empty
  };
  static_assert(sizeof(Record) == 24);
  struct Best {
    double score = 0.0;
    double threshold = 0.0;
  };
  enum class Score : std::uint8_t { kExact, kF1, kOracle };
  static double score_of(const Record& record, Score score);
  static double change_by_answering(const Record& record, Score score);

  std::vector<std::uint32_t> by_no_answer_score() const;
  Best best_official(const std::vector<std::uint32_t>& order, Score score) const;
  Best best_tie_safe(const std::vector<std::uint32_t>& order, Score score) const;
  double average_precision(const std::vector<std::uint32_t>& order, Score score) const;
  double percent(double sum) const;
  void append_best(MetricValues& values, const std::vector<std::uint32_t>& order) const;
  void append_tie_safe(MetricValues& values, const std::vector<std::uint32_t>& order) const;
  void append_average_precision(MetricValues& values, const std::vector<std::uint32_t>& order) const;

  SquadV2Options options_;
  Sums all_;
  Sums has_answer_;
  Sums no_answer_;
  std::size_t n_missing_ = 0;
  std::size_t n_unanswerable_ = 0;  // with a prediction
  std::vector<Record> records_;
};

}  // namespace spanqa

// Statistics of a stream of examples: how many, how long, which questions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_set>

#include "data/example.h"
#include "data/question_kind.h"

namespace spanqa {

/// A distribution of lengths. All 0 when nothing was counted.
struct LengthSummary {
  std::size_t n = 0;
  std::size_t min = 0;
  double median = 0.0;  // mean of the two middle ones where their number is even
  double mean = 0.0;
  std::size_t p95 = 0;  // nearest rank: the smallest length that at least 95 % do not exceed
  std::size_t max = 0;
};

/// Counts of each length, so every quantile is exact in memory for the distinct lengths.
class LengthHistogram {
 public:
  void add(std::size_t length) { ++counts_[length]; }
  LengthSummary summary() const;

 private:
  std::size_t at_rank(std::size_t rank) const;

  std::map<std::size_t, std::size_t> counts_;
};

struct TextLengths {
  LengthSummary code_points;
  LengthSummary words;  // runs without blanks
};

struct DatasetStatistics {
  std::size_t n_questions = 0;
  std::size_t n_contexts = 0;    // distinct
  std::size_t n_titles = 0;      // distinct, empty ones left out
  std::size_t n_answerable = 0;  // with at least one gold
  std::size_t n_unanswerable = 0;
  std::size_t n_without_golds = 0;  // the file says nothing of answers
  std::size_t n_answers = 0;
  TextLengths question;
  TextLengths context;                                          // each distinct context once
  TextLengths answer;                                           // every gold
  std::array<std::size_t, kQuestionKinds.size()> n_kinds = {};  // by QuestionKind

  std::size_t n_of(QuestionKind kind) const { return n_kinds[static_cast<std::size_t>(kind)]; }
};

/// Gathers statistics in one pass. Memory: 8 bytes and a hash node for each distinct context and title.
///
/// Texts are told apart by 64-bit keys: two of a million contexts fall together with a chance of 3e-8.
class DatasetInspector {
 public:
  void add(const Example& example);
  DatasetStatistics statistics() const;

 private:
  struct Lengths {
    LengthHistogram code_points;
    LengthHistogram words;
    void add(std::string_view text);
    TextLengths summary() const { return {code_points.summary(), words.summary()}; }
  };

  DatasetStatistics counts_;
  Lengths question_;
  Lengths context_;
  Lengths answer_;
  std::unordered_set<std::uint64_t> contexts_;
  std::unordered_set<std::uint64_t> titles_;
  std::shared_ptr<const std::string> last_context_;  // held, so that its address cannot come back with another text
};

}  // namespace spanqa

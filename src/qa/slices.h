// Scores by what questions have in common: question word, answer length, context length.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "data/example.h"
#include "qa/metrics.h"

namespace spanqa {

/// Scores of the questions that share something.
struct Slice {
  std::string name;  // "who", "3-5 words"
  std::size_t n_questions = 0;
  double exact = 0.0;  // percent
  double f1 = 0.0;     // percent
};

struct SliceGroup {
  std::string name;  // "question word", "answer length", "context length"
  std::vector<Slice> slices;
};

/// Adds scores up while they come. Threads: one. Memory: constant.
class SliceScores {
 public:
  SliceScores();
  void add(const Example& example, const AnswerScore& score);
  /// Groups in a fixed order; slices without a question are left out.
  std::vector<SliceGroup> groups() const;

 private:
  struct Sum {
    std::string name;
    std::size_t n = 0;
    double exact = 0.0;
    double f1 = 0.0;
    void add(const AnswerScore& score);
  };
  struct Group {
    std::string name;
    std::vector<Sum> sums;
  };
  Group question_word_;
  Group answer_length_;
  Group context_length_;
};

}  // namespace spanqa

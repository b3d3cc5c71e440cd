#include "answer/merge.h"

#include <algorithm>

#include "base/check.h"

namespace spanqa {
namespace {

void decide(MergedAnswers& merged, const MergeOptions& options) {
  std::stable_sort(merged.answers.begin(), merged.answers.end(),
                   [](const PlacedAnswer& a, const PlacedAnswer& b) { return a.answer.score > b.answer.score; });
  const double best = merged.answers.empty() ? 0.0 : merged.answers.front().answer.score;
  merged.no_answer_score = 1.0 - best;
  if (options.no_answer_threshold > 0.0 && best <= options.no_answer_threshold) {
    PlacedAnswer none;
    none.answer.score = merged.no_answer_score;
    none.answer.is_no_answer = true;
    merged.answers.insert(merged.answers.begin(), std::move(none));
  }
  const auto n = static_cast<std::size_t>(options.top_k);
  if (merged.answers.size() > n) merged.answers.resize(n);
}

}  // namespace

MergedAnswers merge_answers(std::span<const DocumentAnswers> documents, const MergeOptions& options) {
  SPANQA_CHECK(options.top_k > 0);
  MergedAnswers merged;
  for (const DocumentAnswers& found : documents) {
    const Answers& answers = *found.answers;
    std::size_t n_left = options.comparable ? answers.answers.size() : static_cast<std::size_t>(options.top_k);
    for (const Answer& answer : answers.answers) {
      SPANQA_CHECK(!options.comparable || !answer.is_no_answer);
      if (n_left-- == 0) break;
      merged.answers.push_back({answer, found.document});
    }
    const bool is_first = &found == &documents.front();
    merged.no_answer_score =
        is_first ? answers.no_answer_score : std::min(merged.no_answer_score, answers.no_answer_score);
    merged.n_windows += answers.n_windows;
    merged.n_tokens += answers.n_tokens;
    merged.question_truncated = merged.question_truncated || answers.question_truncated;
  }
  if (options.comparable) decide(merged, options);
  merged.no_answer = merged.answers.empty() || merged.answers.front().answer.is_no_answer;
  return merged;
}

}  // namespace spanqa

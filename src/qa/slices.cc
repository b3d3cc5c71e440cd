#include "qa/slices.h"

#include <algorithm>
#include <array>

#include "data/internal/text_measure.h"
#include "data/question_kind.h"

namespace spanqa {
namespace {

struct Bound {
  std::size_t upper;  // inclusive
  const char* name;
};

constexpr std::array kAnswerBounds = {Bound{0, "no answer"}, Bound{1, "1 word"},      Bound{2, "2 words"},
                                      Bound{5, "3-5 words"}, Bound{10, "6-10 words"}, Bound{SIZE_MAX, "over 10 words"}};
constexpr std::array kContextBounds = {Bound{75, "up to 75 words"}, Bound{125, "76-125 words"},
                                       Bound{200, "126-200 words"}, Bound{300, "201-300 words"},
                                       Bound{SIZE_MAX, "over 300 words"}};

template <std::size_t N>
std::size_t bucket_of(const std::array<Bound, N>& bounds, std::size_t value) {
  return static_cast<std::size_t>(
      std::find_if(bounds.begin(), bounds.end(), [value](const Bound& b) { return value <= b.upper; }) -
      bounds.begin());
}

}  // namespace

void SliceScores::Sum::add(const AnswerScore& score) {
  ++n;
  exact += score.exact;
  f1 += score.f1;
}

SliceScores::SliceScores() {
  question_word_.name = "question word";
  for (const QuestionKind kind : kQuestionKinds) {
    question_word_.sums.push_back({.name = question_kind_name(kind)});
  }
  answer_length_.name = "answer length";
  for (const Bound& bound : kAnswerBounds) answer_length_.sums.push_back({.name = bound.name});
  context_length_.name = "context length";
  for (const Bound& bound : kContextBounds) context_length_.sums.push_back({.name = bound.name});
}

void SliceScores::add(const Example& example, const AnswerScore& score) {
  question_word_.sums[static_cast<std::size_t>(classify_question(example.question))].add(score);
  const std::size_t answer_words =
      example.answers.empty() ? 0 : std::max<std::size_t>(1, count_words(example.answers.front().text));
  answer_length_.sums[bucket_of(kAnswerBounds, answer_words)].add(score);
  context_length_.sums[bucket_of(kContextBounds, count_words(*example.context))].add(score);
}

std::vector<SliceGroup> SliceScores::groups() const {
  std::vector<SliceGroup> out;
  for (const Group* group : {&question_word_, &answer_length_, &context_length_}) {
    SliceGroup& shown = out.emplace_back();
    shown.name = group->name;
    for (const Sum& sum : group->sums) {
      if (sum.n == 0) continue;
      const double n = static_cast<double>(sum.n);
      shown.slices.push_back({sum.name, sum.n, 100.0 * sum.exact / n, 100.0 * sum.f1 / n});
    }
  }
  return out;
}

}  // namespace spanqa

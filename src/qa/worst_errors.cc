#include "qa/worst_errors.h"

#include <algorithm>
#include <utility>

#include "qa/sentence.h"

namespace spanqa {
namespace {

constexpr double kWrongBelow = 0.5;
constexpr std::size_t kSentenceBytes = 600;

double probability_of(const RunQaResult& result) {
  if (!result.no_answer) return result.n_best[result.chosen].probability;
  for (const NBestEntry& entry : result.n_best) {
    if (entry.is_null) return entry.probability;
  }
  return 0.0;
}

WorstError describe(const Example& example, const RunQaResult& result, const AnswerScore& score, double probability) {
  WorstError error;
  error.id = example.id;
  error.question = example.question;
  error.prediction = result.prediction;
  for (const GoldAnswer& gold : example.answers) error.golds.push_back(gold.text);
  if (!result.no_answer) {
    const ByteSpan sentence =
        sentence_around(*example.context, result.n_best[result.chosen].span, {.max_bytes = kSentenceBytes}).span;
    error.sentence = example.context->substr(sentence.begin, sentence.end - sentence.begin);
  }
  error.f1 = 100.0 * score.f1;
  error.probability = probability;
  return error;
}

}  // namespace

bool WorstErrors::worse(const Entry& a, const Entry& b) {
  if (a.error.probability != b.error.probability) return a.error.probability > b.error.probability;
  return a.number < b.number;
}

void WorstErrors::add(const Example& example, const RunQaResult& result, const AnswerScore& score) {
  const std::size_t number = n_seen_++;
  if (capacity_ == 0 || score.f1 >= kWrongBelow) return;
  const double probability = probability_of(result);
  if (heap_.size() == capacity_) {
    if (probability <= heap_.front().error.probability) return;
    std::pop_heap(heap_.begin(), heap_.end(), worse);
    heap_.pop_back();
  }
  heap_.push_back({describe(example, result, score, probability), number});
  std::push_heap(heap_.begin(), heap_.end(), worse);
}

std::vector<WorstError> WorstErrors::take() {
  std::sort(heap_.begin(), heap_.end(), worse);
  std::vector<WorstError> out;
  out.reserve(heap_.size());
  for (Entry& entry : heap_) out.push_back(std::move(entry.error));
  heap_.clear();
  return out;
}

}  // namespace spanqa

#include "data/inspect.h"

#include "base/check.h"
#include "base/utf8.h"
#include "data/internal/text_measure.h"

namespace spanqa {

std::size_t LengthHistogram::at_rank(std::size_t rank) const {
  std::size_t n = 0;
  for (const auto& [length, count] : counts_) {
    n += count;
    if (rank < n) return length;
  }
  return counts_.rbegin()->first;
}

LengthSummary LengthHistogram::summary() const {
  LengthSummary summary;
  if (counts_.empty()) return summary;
  double sum = 0.0;
  for (const auto& [length, count] : counts_) {
    summary.n += count;
    sum += static_cast<double>(length) * static_cast<double>(count);
  }
  summary.min = counts_.begin()->first;
  summary.max = counts_.rbegin()->first;
  summary.mean = sum / static_cast<double>(summary.n);
  summary.median =
      (static_cast<double>(at_rank((summary.n - 1) / 2)) + static_cast<double>(at_rank(summary.n / 2))) / 2.0;
  summary.p95 = at_rank((summary.n * 95 + 99) / 100 - 1);
  return summary;
}

void DatasetInspector::Lengths::add(std::string_view text) {
  code_points.add(count_code_points(text));
  words.add(count_words(text));
}

void DatasetInspector::add(const Example& example) {
  SPANQA_CHECK(example.context != nullptr);
  ++counts_.n_questions;
  if (!example.answers.empty()) {
    ++counts_.n_answerable;
  } else if (example.has_answers_field) {
    ++counts_.n_unanswerable;
  } else {
    ++counts_.n_without_golds;
  }
  counts_.n_answers += example.answers.size();
  ++counts_.n_kinds[static_cast<std::size_t>(classify_question(example.question))];
  question_.add(example.question);
  for (const GoldAnswer& answer : example.answers) answer_.add(answer.text);
  if (!example.title.empty()) titles_.insert(text_key(example.title));
  if (example.context == last_context_) return;
  last_context_ = example.context;
  if (contexts_.insert(text_key(*example.context)).second) context_.add(*example.context);
}

DatasetStatistics DatasetInspector::statistics() const {
  DatasetStatistics statistics = counts_;
  statistics.n_contexts = contexts_.size();
  statistics.n_titles = titles_.size();
  statistics.question = question_.summary();
  statistics.context = context_.summary();
  statistics.answer = answer_.summary();
  return statistics;
}

}  // namespace spanqa

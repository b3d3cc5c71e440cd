#include "qa/squad_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>

#include "qa/metrics.h"

namespace spanqa {

void SquadV1Metrics::add(std::optional<std::string_view> prediction, const std::vector<std::string>& golds) {
  ++n_questions_;
  if (golds.empty()) ++n_without_golds_;
  if (!prediction) {
    ++n_unanswered_;
    return;
  }
  const AnswerScore score = score_v1(*prediction, golds);
  exact_ += score.exact;
  f1_ += score.f1;
}

Result<MetricValues> SquadV1Metrics::totals() const {
  if (n_questions_ == 0) return fail(ErrorCode::kInvalidArgument, "there are no questions to score");
  const double n = static_cast<double>(n_questions_);
  return MetricValues{{"exact_match", 100.0 * exact_ / n, false}, {"f1", 100.0 * f1_ / n, false}};
}

void SquadV2Metrics::Sums::add(double more_exact, double more_f1) {
  exact += more_exact;
  f1 += more_f1;
  ++n;
}

void SquadV2Metrics::add(std::optional<std::string_view> prediction, const std::vector<std::string>& golds,
                         double no_answer_score, std::optional<std::uint32_t> order) {
  const bool has_answer = !golds.empty();
  Sums& part = has_answer ? has_answer_ : no_answer_;
  if (!prediction) {
    ++n_missing_;
    all_.add(0.0, 0.0);
    part.add(0.0, 0.0);
    return;
  }
  if (std::isnan(no_answer_score)) no_answer_score = std::numeric_limits<double>::infinity();
  const AnswerScore raw = score_v2(*prediction, golds);
  records_.push_back({.no_answer_score = no_answer_score,
                      .f1 = raw.f1,
                      .order = order.value_or(static_cast<std::uint32_t>(records_.size())),
                      .exact = raw.exact > 0.0,
                      .has_answer = has_answer,
                      .is_answered = !prediction->empty()});
  if (!has_answer) ++n_unanswerable_;
  AnswerScore counted = raw;
  if (no_answer_score > options_.no_answer_threshold) counted.exact = counted.f1 = has_answer ? 0.0 : 1.0;
  all_.add(counted.exact, counted.f1);
  part.add(counted.exact, counted.f1);
}

double SquadV2Metrics::score_of(const Record& record, Score score) {
  switch (score) {
    case Score::kExact:
      return record.exact ? 1.0 : 0.0;
    case Score::kF1:
      return record.f1;
    case Score::kOracle:
      return 1.0;
  }
  return 0.0;
}

/// What a question adds to the sum when its prediction is let stand instead of "no answer".
double SquadV2Metrics::change_by_answering(const Record& record, Score score) {
  if (record.has_answer) return score_of(record, score);
  return record.is_answered ? -1.0 : 0.0;
}

/// Records in ascending order of no-answer score, equal ones as in the file they came from.
std::vector<std::uint32_t> SquadV2Metrics::by_no_answer_score() const {
  std::vector<std::uint32_t> order(records_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [this](std::uint32_t a, std::uint32_t b) {
    return std::tuple(records_[a].no_answer_score, records_[a].order, a) <
           std::tuple(records_[b].no_answer_score, records_[b].order, b);
  });
  return order;
}

/// find_best_thresh of the official script: starts from "no answer" everywhere and lets one prediction after another
/// stand.
SquadV2Metrics::Best SquadV2Metrics::best_official(const std::vector<std::uint32_t>& order, Score score) const {
  double current = static_cast<double>(n_unanswerable_);
  Best best{.score = current};
  for (const std::uint32_t i : order) {
    current += change_by_answering(records_[i], score);
    if (current > best.score) best = {current, records_[i].no_answer_score};
  }
  return best;
}

/// The same, looking at the sum only where a threshold can be: after the last of equal no-answer scores. With nothing
/// answered the threshold is one that no score falls under, 0 where that is one.
SquadV2Metrics::Best SquadV2Metrics::best_tie_safe(const std::vector<std::uint32_t>& order, Score score) const {
  double current = static_cast<double>(n_unanswerable_);
  Best best{.score = current};
  if (!order.empty() && records_[order.front()].no_answer_score <= 0.0) {
    best.threshold = std::nextafter(records_[order.front()].no_answer_score, -std::numeric_limits<double>::infinity());
  }
  for (std::size_t i = 0; i < order.size(); ++i) {
    const double threshold = records_[order[i]].no_answer_score;
    current += change_by_answering(records_[order[i]], score);
    if (i + 1 < order.size() && records_[order[i + 1]].no_answer_score == threshold) continue;
    if (current > best.score) best = {current, threshold};
  }
  return best;
}

/// make_precision_recall_eval of the official script: the area under the curve of stepwise thresholds, in percent.
double SquadV2Metrics::average_precision(const std::vector<std::uint32_t>& order, Score score) const {
  double true_positives = 0.0;
  double average = 0.0;
  double last_recall = 0.0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Record& record = records_[order[i]];
    if (record.has_answer) true_positives += score_of(record, score);
    if (i + 1 < order.size() && records_[order[i + 1]].no_answer_score == record.no_answer_score) continue;
    const double precision = true_positives / static_cast<double>(i + 1);
    const double recall = true_positives / static_cast<double>(has_answer_.n);
    average += precision * (recall - last_recall);
    last_recall = recall;
  }
  return 100.0 * average;
}

double SquadV2Metrics::percent(double sum) const { return 100.0 * sum / static_cast<double>(n_questions()); }

void SquadV2Metrics::append_best(MetricValues& values, const std::vector<std::uint32_t>& order) const {
  const Best exact = best_official(order, Score::kExact);
  const Best f1 = best_official(order, Score::kF1);
  values.push_back({"best_exact", percent(exact.score), false});
  values.push_back({"best_exact_thresh", exact.threshold, false});
  values.push_back({"best_f1", percent(f1.score), false});
  values.push_back({"best_f1_thresh", f1.threshold, false});
}

void SquadV2Metrics::append_tie_safe(MetricValues& values, const std::vector<std::uint32_t>& order) const {
  const Best exact = best_tie_safe(order, Score::kExact);
  const Best f1 = best_tie_safe(order, Score::kF1);
  values.push_back({"best_exact_tie_safe", percent(exact.score), false});
  values.push_back({"best_exact_thresh_tie_safe", exact.threshold, false});
  values.push_back({"best_f1_tie_safe", percent(f1.score), false});
  values.push_back({"best_f1_thresh_tie_safe", f1.threshold, false});
}

void SquadV2Metrics::append_average_precision(MetricValues& values, const std::vector<std::uint32_t>& order) const {
  if (has_answer_.n == 0) return;
  values.push_back({"pr_exact_ap", average_precision(order, Score::kExact), false});
  values.push_back({"pr_f1_ap", average_precision(order, Score::kF1), false});
  values.push_back({"pr_oracle_ap", average_precision(order, Score::kOracle), false});
}

Result<MetricValues> SquadV2Metrics::totals() const {
  if (n_questions() == 0) return fail(ErrorCode::kInvalidArgument, "there are no questions to score");
  if (options_.strict && n_missing_ > 0) {
    return fail(ErrorCode::kMismatch, fmt::format("{} of {} questions have no prediction; predict them all, or score "
                                                  "without strict, which counts them as wrong",
                                                  n_missing_, n_questions()));
  }
  MetricValues values;
  const auto append = [&values](const std::string& prefix, const Sums& sums) {
    if (sums.n == 0) return;
    const double n = static_cast<double>(sums.n);
    values.push_back({prefix + "exact", 100.0 * sums.exact / n, false});
    values.push_back({prefix + "f1", 100.0 * sums.f1 / n, false});
    values.push_back({prefix + "total", n, true});
  };
  append("", all_);
  append("HasAns_", has_answer_);
  append("NoAns_", no_answer_);
  const std::vector<std::uint32_t> order = by_no_answer_score();
  if (options_.best_thresholds) append_best(values, order);
  if (options_.average_precision) append_average_precision(values, order);
  if (options_.best_thresholds) append_tie_safe(values, order);
  return values;
}

}  // namespace spanqa

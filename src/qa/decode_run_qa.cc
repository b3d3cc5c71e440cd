#include "qa/decode_run_qa.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "qa/decode_common.h"

namespace spanqa {
namespace {

/// Positions of the `n` largest logits, largest first; equal ones in descending order of position. The whole sequence
/// takes part, question and special tokens included, as in the reference.
std::vector<std::uint32_t> top_positions(const float* logits, std::size_t n_tokens, std::size_t n) {
  std::vector<std::uint32_t> order(n_tokens);
  std::iota(order.begin(), order.end(), 0U);
  const auto better = [logits](std::uint32_t a, std::uint32_t b) {
    const float x = ordered(logits[a]);
    const float y = ordered(logits[b]);
    return x != y ? x > y : a > b;
  };
  n = std::min(n, n_tokens);
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n), order.end(), better);
  order.resize(n);
  return order;
}

template <typename T>
void set_probabilities(std::vector<NBestEntry>& entries, std::vector<T> scores) {
  const T highest = *std::max_element(scores.begin(), scores.end());
  for (T& score : scores) score = std::exp(score - highest);
  const T sum = numpy_sum(std::span<const T>(scores));
  for (std::size_t i = 0; i < entries.size(); ++i) entries[i].probability = static_cast<double>(scores[i] / sum);
}

/// Softmax over the list: in float32, or in float64 when the placeholder stands in it, as NumPy's promotion has it.
void set_probabilities(std::vector<NBestEntry>& entries) {
  std::vector<float> singles;
  std::vector<double> doubles;
  for (const NBestEntry& entry : entries) {
    singles.push_back(ordered(static_cast<float>(entry.start_logit) + static_cast<float>(entry.end_logit)));
    doubles.push_back(static_cast<double>(singles.back()));
  }
  if (entries.front().is_placeholder) {
    set_probabilities(entries, std::move(doubles));
  } else {
    set_probabilities(entries, std::move(singles));
  }
}

}  // namespace

Status check_options(const RunQaOptions& options) {
  if (options.n_best < 1) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("n_best_size must be at least 1 (got {})", options.n_best));
  }
  if (options.max_answer_tokens < 1) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("max_answer_length must be at least 1 (got {})", options.max_answer_tokens));
  }
  if (std::isnan(options.null_threshold)) {
    return fail(ErrorCode::kInvalidArgument, "null_score_diff_threshold must be a number (got NaN)");
  }
  return {};
}

RunQaDecoder::RunQaDecoder(std::string_view context, const TokenizedText& tokens, const RunQaOptions& options)
    : context_(context), tokens_(&tokens), options_(options) {
  check_tokens(context, tokens);
  SPANQA_CHECK(check_options(options).has_value());
}

void RunQaDecoder::add(const WindowLogits& window) {
  check_window(window, *tokens_);
  const Candidate null{
      .span = {}, .start_logit = window.start[0], .end_logit = window.end[0], .window = n_windows_, .is_null = true};
  if (n_windows_ == 0 || null_.score() > null.score()) null_ = null;

  const std::size_t n_best = static_cast<std::size_t>(options_.n_best);
  const std::vector<std::uint32_t> starts = top_positions(window.start, window.n_tokens, n_best);
  const std::vector<std::uint32_t> ends = top_positions(window.end, window.n_tokens, n_best);
  const auto in_context = [&](std::uint32_t position) {
    return position >= window.context_position && position < window.context_position + window.n_context;
  };
  const auto bytes_of = [&](std::uint32_t position) {
    return tokens_->spans[window.context_begin + position - window.context_position];
  };
  for (const std::uint32_t start : starts) {
    if (!in_context(start)) continue;
    for (const std::uint32_t end : ends) {
      if (!in_context(end) || end < start) continue;
      if (end - start >= static_cast<std::uint32_t>(options_.max_answer_tokens)) continue;
      candidates_.push_back({.span = {bytes_of(start).begin, bytes_of(end).end},
                             .start_logit = window.start[start],
                             .end_logit = window.end[end],
                             .window = n_windows_});
    }
  }
  keep_best();
  ++n_windows_;
}

/// Sorting after every window keeps what sorting once at the end would: the sort is stable and later windows come
/// later.
void RunQaDecoder::keep_best() {
  std::stable_sort(candidates_.begin(), candidates_.end(),
                   [](const Candidate& a, const Candidate& b) { return ordered(a.score()) > ordered(b.score()); });
  const std::size_t n_best = static_cast<std::size_t>(options_.n_best);
  if (candidates_.size() > n_best) candidates_.resize(n_best);
}

std::vector<NBestEntry> RunQaDecoder::make_entries() const {
  std::vector<NBestEntry> entries;
  for (const Candidate& candidate : candidates_) {
    entries.push_back({.text = slice(context_, candidate.span),
                       .span = candidate.span,
                       .start_logit = static_cast<double>(candidate.start_logit),
                       .end_logit = static_cast<double>(candidate.end_logit),
                       .window = candidate.window,
                       .is_null = candidate.is_null});
  }
  // A list without any text gets the reference's placeholder, to which the softmax gives a score of 0.
  if (entries.empty() || (entries.size() == 1 && entries.front().text.empty())) {
    entries.insert(entries.begin(), {.text = "empty", .span = {}, .is_placeholder = true});
  }
  set_probabilities(entries);
  return entries;
}

RunQaResult RunQaDecoder::finish() {
  RunQaResult result;
  result.null_score = null_.score();
  if (options_.version_2 && n_windows_ > 0) {
    candidates_.push_back(null_);
    keep_best();
    const auto is_null = [](const Candidate& candidate) { return candidate.is_null; };
    // The null entry always stays in the list, which may so have one entry more than n_best.
    if (std::none_of(candidates_.begin(), candidates_.end(), is_null)) candidates_.push_back(null_);
  }
  result.n_best = make_entries();
  if (!options_.version_2) {
    result.prediction = result.n_best.front().text;
    return result;
  }
  const auto chosen = std::find_if(result.n_best.begin(), result.n_best.end(),
                                   [](const NBestEntry& entry) { return !entry.text.empty(); });
  if (chosen == result.n_best.end()) {  // only spans without a byte; the reference raises an IndexError here
    result.no_answer = true;
    return result;
  }
  result.chosen = static_cast<std::size_t>(chosen - result.n_best.begin());
  result.score_diff =
      result.null_score - static_cast<float>(chosen->start_logit) - static_cast<float>(chosen->end_logit);
  result.no_answer = result.score_diff > options_.null_threshold;
  if (!result.no_answer) result.prediction = chosen->text;
  return result;
}

Decoded to_decoded(const RunQaResult& result, const RunQaOptions& options) {
  Decoded decoded{.answers = {}, .no_answer_score = static_cast<double>(result.null_score)};
  const auto append = [&decoded](const NBestEntry& entry) {
    if (entry.is_placeholder) return;
    decoded.answers.push_back({.text = entry.text,
                               .span = entry.span,
                               .score = entry.probability,
                               .start_logit = static_cast<float>(entry.start_logit),
                               .end_logit = static_cast<float>(entry.end_logit),
                               .window = entry.window,
                               .is_no_answer = entry.is_null});
  };
  const auto is_decision = [&](std::size_t i) {
    return result.no_answer ? result.n_best[i].is_null : i == result.chosen;
  };
  for (std::size_t i = 0; i < result.n_best.size(); ++i) {
    if (is_decision(i)) append(result.n_best[i]);
  }
  for (std::size_t i = 0; i < result.n_best.size(); ++i) {
    if (!is_decision(i)) append(result.n_best[i]);
  }
  if (decoded.answers.size() > static_cast<std::size_t>(options.n_best)) {
    decoded.answers.resize(static_cast<std::size_t>(options.n_best));
  }
  return decoded;
}

}  // namespace spanqa

#include "qa/decode_global.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <tuple>
#include <utility>

#include "qa/decode_common.h"

namespace spanqa {
namespace {

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

/// The first of [begin, end) that does not fulfil the condition; those that do stand in front.
template <typename Condition>
std::size_t first_without(std::size_t begin, std::size_t end, const Condition& condition) {
  while (begin < end) {
    const std::size_t middle = begin + (end - begin) / 2;
    if (condition(middle)) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

}  // namespace

Status check_options(const GlobalOptions& options) {
  if (options.top_k < 1) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("top_k must be at least 1 (got {})", options.top_k));
  }
  if (options.max_answer_tokens < 1) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("max_answer_tokens must be at least 1 (got {})", options.max_answer_tokens));
  }
  const double temperature = options.temperature.value_or(1.0);
  if (!(temperature > 0.0) || !std::isfinite(temperature)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("temperature must be a finite number above 0 (got {})", temperature));
  }
  if (!(options.no_answer_threshold >= 0.0 && options.no_answer_threshold <= 1.0)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("no_answer_threshold must be from 0 to 1 (got {})", options.no_answer_threshold));
  }
  return {};
}

GlobalDecoder::GlobalDecoder(std::string_view context, const TokenizedText& tokens, const GlobalOptions& options)
    : context_(context), tokens_(&tokens), options_(options) {
  check_tokens(context, tokens);
  SPANQA_CHECK(check_options(options).has_value());
}

/// Order of taking: the better margin; of equal ones the earlier, then the shorter span, then the earlier window.
bool GlobalDecoder::is_worse(const Finding& a, const Finding& b) {
  if (a.margin != b.margin) return a.margin < b.margin;
  return std::tie(a.first, a.last, a.kept) > std::tie(b.first, b.last, b.kept);
}

std::optional<ByteSpan> GlobalDecoder::TakenSpans::blocking(ByteSpan span) const {
  const auto behind = by_begin_.lower_bound(span.end);
  if (behind == by_begin_.begin()) return std::nullopt;
  const ByteSpan before = std::prev(behind)->second;
  return span.begin < before.end ? std::optional(before) : std::nullopt;
}

/// The best span whose tokens lie in [begin, end). Nothing when there is none with a comparable score.
std::optional<GlobalDecoder::Finding> GlobalDecoder::search(std::size_t kept, std::size_t begin,
                                                            std::size_t end) const {
  const Kept& window = kept_[kept];
  const auto span = window.spans.best(begin - window.begin, end - window.begin);
  if (!span) return std::nullopt;
  const Finding finding{.margin = span->sum - window.null_score,
                        .first = window.begin + span->first,
                        .last = window.begin + span->last,
                        .kept = kept,
                        .begin = begin,
                        .end = end};
  return finding.margin > -std::numeric_limits<double>::infinity() ? std::optional(finding) : std::nullopt;
}

void GlobalDecoder::add(const WindowLogits& window) {
  check_window(window, *tokens_);
  const float* const start = window.start + window.context_position;
  const float* const end = window.end + window.context_position;
  kept_.push_back({.number = n_windows_,
                   .begin = window.context_begin,
                   .spans = SpanSearch({start, start + window.n_context}, {end, end + window.n_context},
                                       static_cast<std::size_t>(options_.max_answer_tokens)),
                   .null_score = static_cast<double>(window.start[0]) + static_cast<double>(window.end[0])});
  ++n_windows_;
  const auto finding = search(kept_.size() - 1, window.context_begin, window.context_begin + window.n_context);
  if (!finding) {
    kept_.pop_back();
    return;
  }
  kept_.back().best = finding->margin;
  if (kept_.size() > 2 * n_kept_after_drop_ + 16) drop_hopeless();
}

/// Drops windows that can no longer contribute. Where 2 * top_k windows that share no word have better best spans than
/// a window, top_k answers are taken before it is looked at: a taken span can stand in the way of the best spans of at
/// most two of them, because it is no longer than its own window.
void GlobalDecoder::drop_hopeless() {
  const auto range = [&](const Kept& window) { return place(window.begin, window.begin + window.spans.size() - 1); };
  std::vector<std::size_t> order(kept_.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return kept_[a].best > kept_[b].best; });
  TakenSpans apart;
  double floor = -std::numeric_limits<double>::infinity();
  for (const std::size_t i : order) {
    const ByteSpan bytes = range(kept_[i]);
    if (bytes.begin == bytes.end || apart.blocking(bytes)) continue;
    apart.add(bytes);
    if (apart.size() < 2 * static_cast<std::size_t>(options_.top_k)) continue;
    floor = kept_[i].best;
    break;
  }
  std::erase_if(kept_, [floor](const Kept& window) { return window.best < floor; });
  n_kept_after_drop_ = kept_.size();
}

/// Bytes of tokens first to last, with the words at both ends completed over the whole context if so wanted.
ByteSpan GlobalDecoder::place(std::size_t first, std::size_t last) const {
  if (options_.align_to_words) {
    first = word_begin(*tokens_, first, 0);
    last = word_end(*tokens_, last, tokens_->size()) - 1;
  }
  return {tokens_->spans[first].begin, std::max(tokens_->spans[first].begin, tokens_->spans[last].end)};
}

/// Puts what is left of a finding's tokens, when those that would share a byte with `taken` are gone, into the queue.
void GlobalDecoder::search_beside(const Finding& finding, ByteSpan taken, std::vector<Finding>& queue) const {
  const std::size_t left_end = first_without(finding.begin, finding.end,
                                             [&](std::size_t token) { return place(token, token).end <= taken.begin; });
  const std::size_t right_begin =
      first_without(left_end, finding.end, [&](std::size_t token) { return place(token, token).begin < taken.end; });
  if (left_end == finding.end || right_begin == finding.begin) return;  // only where a token has no bytes
  const auto push = [&](std::size_t begin, std::size_t end) {
    if (begin >= end) return;
    const auto next = search(finding.kept, begin, end);
    if (!next) return;
    queue.push_back(*next);
    std::push_heap(queue.begin(), queue.end(), is_worse);
  };
  push(finding.begin, left_end);
  push(right_begin, finding.end);
}

/// Takes the best finding of all; one that shares a byte with a taken span is replaced by the best of either side.
std::vector<Answer> GlobalDecoder::select() const {
  std::vector<Finding> queue;
  for (std::size_t i = 0; i < kept_.size(); ++i) {
    const auto finding = search(i, kept_[i].begin, kept_[i].begin + kept_[i].spans.size());
    if (finding) queue.push_back(*finding);
  }
  std::make_heap(queue.begin(), queue.end(), is_worse);
  std::vector<Answer> answers;
  TakenSpans taken;
  while (!queue.empty() && answers.size() < static_cast<std::size_t>(options_.top_k)) {
    std::pop_heap(queue.begin(), queue.end(), is_worse);
    const Finding finding = queue.back();
    queue.pop_back();
    const Kept& window = kept_[finding.kept];
    const ByteSpan span = place(finding.first, finding.last);
    if (const auto blocking = taken.blocking(span)) {
      search_beside(finding, *blocking, queue);
      continue;
    }
    if (span.begin < span.end) {
      taken.add(span);
      answers.push_back({.text = slice(context_, span),
                         .span = span,
                         .score = sigmoid(finding.margin / options_.temperature.value_or(1.0)),
                         .start_logit = window.spans.start(finding.first - window.begin),
                         .end_logit = window.spans.end(finding.last - window.begin),
                         .margin = finding.margin,
                         .window = window.number});
    }
    search_beside(finding, span, queue);
  }
  return answers;
}

Decoded GlobalDecoder::finish() {
  Decoded decoded{.answers = select(), .no_answer_score = 1.0};
  double best = 0.0;
  if (!decoded.answers.empty()) {
    const Answer& answer = decoded.answers.front();
    best = answer.score;
    decoded.no_answer_score = 1.0 - best;
  }
  if (options_.no_answer_threshold > 0.0 && best <= options_.no_answer_threshold) {
    decoded.answers.insert(decoded.answers.begin(), no_answer(decoded.no_answer_score));
    if (decoded.answers.size() > static_cast<std::size_t>(options_.top_k)) decoded.answers.pop_back();
  }
  return decoded;
}

}  // namespace spanqa

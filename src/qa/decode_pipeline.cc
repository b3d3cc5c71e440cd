#include "qa/decode_pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "qa/decode_common.h"
#include "qa/python_text.h"

namespace spanqa {
namespace {

constexpr float kMasked = -10000.0F;  // the reference's logit of a forbidden position

/// Softmax as NumPy computes it in float32. In place.
void softmax(std::vector<float>& values) {
  float highest = values.front();
  for (const float v : values) highest = std::max(highest, v);
  for (float& v : values) v = std::exp(v - highest);
  const float sum = numpy_sum(std::span<const float>(values));
  for (float& v : values) v /= sum;
}

}  // namespace

Status check_options(const PipelineOptions& options) {
  if (options.top_k < 1) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("top_k parameter should be >= 1 (got {})", options.top_k));
  }
  if (options.max_answer_tokens < 1) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("max_answer_len parameter should be >= 1 (got {})", options.max_answer_tokens));
  }
  return {};
}

PipelineDecoder::PipelineDecoder(std::string_view context, const TokenizedText& tokens, const SpecialIds& specials,
                                 const PipelineOptions& options)
    : context_(context), tokens_(&tokens), specials_(specials), options_(options) {
  check_tokens(context, tokens);
  SPANQA_CHECK(check_options(options).has_value());
}

void PipelineDecoder::add(const WindowLogits& window) {
  check_window(window, *tokens_);
  fill_probabilities(window);
  no_answer_ = std::min(no_answer_, static_cast<double>(start_[0] * end_[0]));
  start_[0] = 0.0F;
  end_[0] = 0.0F;
  for (const Candidate& candidate : best_spans(window)) take(window, candidate);
  ++n_windows_;
}

/// Whether an answer may stand at `position`. [CLS] may: its probability is counted, then set to 0.
bool PipelineDecoder::is_allowed(const WindowLogits& window, std::size_t position) const {
  if (position == 0) return true;
  if (position < window.context_position || position >= window.context_position + window.n_context) return false;
  const std::size_t token = window.context_begin + position - window.context_position;
  return options_.compat != PipelineCompat::kSane || tokens_->ids[token] != specials_.cls;
}

void PipelineDecoder::fill_probabilities(const WindowLogits& window) {
  start_.assign(window.n_tokens, kMasked);
  end_.assign(window.n_tokens, kMasked);
  const auto copy = [&](std::size_t position) {
    if (!is_allowed(window, position)) return;
    start_[position] = ordered(window.start[position]);
    end_[position] = ordered(window.end[position]);
  };
  copy(0);
  for (std::size_t i = 0; i < window.n_context; ++i) copy(window.context_position + i);
  softmax(start_);
  softmax(end_);
}

/// The best spans of the band start <= end < start + max_answer_tokens, best first; equal scores in order of start,
/// then end. The reference sorts the whole n x n matrix; here a heap keeps the best few and rows that cannot reach it
/// are passed over.
std::vector<PipelineDecoder::Candidate> PipelineDecoder::best_spans(const WindowLogits& window) const {
  const bool over_fetch = options_.align_to_words && options_.compat != PipelineCompat::kHf452;
  const std::size_t top_k = static_cast<std::size_t>(options_.top_k);
  const std::size_t capacity = over_fetch ? 2 * top_k + 10 : top_k;
  const std::size_t max_tokens = static_cast<std::size_t>(options_.max_answer_tokens);
  const std::size_t begin = window.context_position;
  const std::size_t end = begin + window.n_context;
  const auto better = [](const Candidate& a, const Candidate& b) {
    if (a.score != b.score) return a.score > b.score;
    return std::pair(a.first, a.last) < std::pair(b.first, b.last);
  };
  float best_end = 0.0F;
  for (std::size_t j = begin; j < end; ++j) best_end = std::max(best_end, end_[j]);

  std::vector<Candidate> heap;  // its front is the worst of those kept
  float floor = 0.0F;           // a score must exceed this to get in
  for (std::size_t i = begin; i < end; ++i) {
    if (!(start_[i] * best_end > floor)) continue;
    const std::size_t row_end = std::min(end, i + max_tokens);
    for (std::size_t j = i; j < row_end; ++j) {
      const float score = start_[i] * end_[j];
      if (!(score > floor)) continue;
      if (heap.size() == capacity) {
        std::pop_heap(heap.begin(), heap.end(), better);
        heap.pop_back();
      }
      heap.push_back({score, static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j)});
      std::push_heap(heap.begin(), heap.end(), better);
      if (heap.size() == capacity) floor = heap.front().score;
    }
  }
  std::sort_heap(heap.begin(), heap.end(), better);
  if (options_.compat != PipelineCompat::kSane) append_zero_spans(window, capacity - heap.size(), heap);
  return heap;
}

/// The reference's leak: where fewer spans have a score than are wanted, cells of score 0 fill the list, and those
/// whose start and end are allowed positions, [CLS] among them, come through.
void PipelineDecoder::append_zero_spans(const WindowLogits& window, std::size_t n_wanted,
                                        std::vector<Candidate>& spans) const {
  const std::size_t max_tokens = static_cast<std::size_t>(options_.max_answer_tokens);
  for (std::size_t i = 0; i < window.n_tokens && n_wanted > 0; ++i) {
    for (std::size_t j = 0; j < window.n_tokens && n_wanted > 0; ++j) {
      const bool in_band = i <= j && j - i < max_tokens;
      if (in_band && start_[i] * end_[j] > 0.0F) continue;
      --n_wanted;
      if (!is_allowed(window, i) || !is_allowed(window, j)) continue;
      spans.push_back({0.0F, static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j)});
    }
  }
}

/// Bytes of a span. Words are completed within the window, as the reference does, which knows no more of the context.
ByteSpan PipelineDecoder::place(const WindowLogits& window, const Candidate& candidate) const {
  const std::size_t lowest = window.context_begin;
  const std::size_t highest = window.context_begin + window.n_context;
  const auto token = [&](std::uint32_t position) { return lowest + position - window.context_position; };
  ByteSpan span;
  if (candidate.first == 0 || candidate.last == 0) {  // [CLS] stands at (0, 0) and belongs to no word
    if (candidate.first != 0) span.begin = tokens_->spans[token(candidate.first)].begin;
    if (candidate.last != 0) span.end = tokens_->spans[token(candidate.last)].end;
  } else {
    std::size_t first = token(candidate.first);
    std::size_t last = token(candidate.last);
    if (options_.align_to_words && tokens_->words[first] >= 0 && tokens_->words[last] >= 0) {
      first = word_begin(*tokens_, first, lowest);
      last = word_end(*tokens_, last, highest) - 1;
    }
    span = {tokens_->spans[first].begin, tokens_->spans[last].end};
  }
  span.end = std::max(span.begin, span.end);
  return span;
}

void PipelineDecoder::take(const WindowLogits& window, const Candidate& candidate) {
  const ByteSpan span = place(window, candidate);
  std::string text = slice(context_, span);
  if (options_.compat == PipelineCompat::kSane && text.empty()) return;
  const float start_logit = window.start[candidate.first];
  const float end_logit = window.end[candidate.last];
  if (options_.compat != PipelineCompat::kHf452) {
    const auto [known, is_new] = by_text_.try_emplace(python_lower(text), answers_.size());
    if (!is_new) {
      Answer& answer = answers_[known->second];
      answer.score += static_cast<double>(candidate.score);
      if (candidate.score > best_[known->second]) {
        best_[known->second] = candidate.score;
        answer.start_logit = start_logit;
        answer.end_logit = end_logit;
      }
      return;
    }
  }
  answers_.push_back({.text = std::move(text),
                      .span = span,
                      .score = static_cast<double>(candidate.score),
                      .start_logit = start_logit,
                      .end_logit = end_logit,
                      .window = n_windows_});
  best_.push_back(candidate.score);
}

Decoded PipelineDecoder::finish() {
  Decoded decoded{.answers = std::move(answers_), .no_answer_score = no_answer_};
  if (options_.handle_impossible_answer) decoded.answers.push_back(no_answer(no_answer_));
  std::stable_sort(decoded.answers.begin(), decoded.answers.end(),
                   [](const Answer& a, const Answer& b) { return a.score > b.score; });
  const std::size_t top_k = static_cast<std::size_t>(options_.top_k);
  if (decoded.answers.size() > top_k) decoded.answers.resize(top_k);
  return decoded;
}

}  // namespace spanqa

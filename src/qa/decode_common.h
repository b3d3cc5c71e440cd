// What the decoders share. Not installed.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "base/check.h"
#include "qa/answer.h"
#include "text/tokenizer.h"

namespace spanqa {

/// Contract of every decoder's add(): the window lies within its logits and within the tokenised context.
inline void check_window(const WindowLogits& window, const TokenizedText& tokens) {
  SPANQA_CHECK(window.start != nullptr && window.end != nullptr && window.n_tokens > 0);
  SPANQA_CHECK(window.context_position > 0 && window.context_position + window.n_context <= window.n_tokens);
  SPANQA_CHECK(window.context_begin + window.n_context <= tokens.size());
}

/// Contract of every decoder's constructor: the tokens are those of the context.
inline void check_tokens(std::string_view context, const TokenizedText& tokens) {
  SPANQA_CHECK(tokens.spans.size() == tokens.size() && tokens.words.size() == tokens.size());
  SPANQA_CHECK(tokens.size() == 0 || tokens.spans.back().end <= context.size());
}

/// A broken model's NaN must not reach a comparison that sorts: it counts as the worst logit there is.
inline float ordered(float logit) { return std::isnan(logit) ? -std::numeric_limits<float>::infinity() : logit; }

inline std::string slice(std::string_view context, ByteSpan span) {
  return std::string(context.substr(span.begin, span.end - span.begin));
}

inline Answer no_answer(double score) {
  Answer answer;
  answer.score = score;
  answer.is_no_answer = true;
  return answer;
}

/// First token of the word that token `t` belongs to, looking no further back than `lowest`. A token of no word
/// (number below 0) stands alone.
inline std::size_t word_begin(const TokenizedText& tokens, std::size_t t, std::size_t lowest) {
  while (t > lowest && tokens.words[t] >= 0 && tokens.words[t - 1] == tokens.words[t]) --t;
  return t;
}

/// One past the last token of the word that token `t` belongs to, at most `highest`.
inline std::size_t word_end(const TokenizedText& tokens, std::size_t t, std::size_t highest) {
  while (t + 1 < highest && tokens.words[t] >= 0 && tokens.words[t + 1] == tokens.words[t]) ++t;
  return t + 1;
}

/// Sums in NumPy's order (eight running sums, halves above 128 values), so that float32 probabilities round as there.
template <typename T>
T numpy_sum(std::span<const T> values) {
  constexpr std::size_t kLanes = 8;
  constexpr std::size_t kBlock = 128;
  const std::size_t n = values.size();
  if (n > kBlock) {
    const std::size_t half = n / 2 - (n / 2) % kLanes;
    return numpy_sum(values.first(half)) + numpy_sum(values.subspan(half));
  }
  T sum = 0;
  std::size_t i = 0;
  if (n >= kLanes) {
    T r[kLanes];
    for (std::size_t k = 0; k < kLanes; ++k) r[k] = values[k];
    for (i = kLanes; i + kLanes <= n; i += kLanes) {
      for (std::size_t k = 0; k < kLanes; ++k) r[k] += values[i + k];
    }
    sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
  }
  for (; i < n; ++i) sum += values[i];
  return sum;
}

}  // namespace spanqa

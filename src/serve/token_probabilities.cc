#include "serve/token_probabilities.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace spanqa::serve {
namespace {

/// Probabilities of [CLS] and then of each context token.
std::vector<float> softmax(const std::vector<float>& logits, const KeptWindow& kept) {
  const auto ordered = [](float logit) { return std::isnan(logit) ? std::numeric_limits<float>::lowest() : logit; };
  std::vector<float> values = {ordered(logits.front())};
  for (std::size_t i = 0; i < kept.n_context; ++i) values.push_back(ordered(logits[kept.context_position + i]));
  const float most = *std::max_element(values.begin(), values.end());
  double sum = 0.0;
  for (float& value : values) {
    value = std::isinf(most) && value == most ? 1.0F : std::exp(value - most);
    sum += static_cast<double>(value);
  }
  for (float& value : values) value = static_cast<float>(static_cast<double>(value) / sum);
  return values;
}

}  // namespace

WindowProbabilities token_probabilities(const KeptWindow& kept, const TokenizedText& context, std::size_t document,
                                        std::size_t window) {
  SPANQA_CHECK(!kept.start.empty() && kept.end.size() == kept.start.size());
  SPANQA_CHECK(kept.context_position + kept.n_context <= kept.start.size());
  SPANQA_CHECK(kept.context_begin + kept.n_context <= context.size());
  const std::vector<float> start = softmax(kept.start, kept);
  const std::vector<float> end = softmax(kept.end, kept);
  WindowProbabilities result{.document = document,
                             .window = window,
                             .no_answer_start = start.front(),
                             .no_answer_end = end.front(),
                             .tokens = {}};
  for (std::size_t i = 0; i < kept.n_context; ++i) {
    result.tokens.push_back({.span = context.spans[kept.context_begin + i], .start = start[i + 1], .end = end[i + 1]});
  }
  return result;
}

}  // namespace spanqa::serve

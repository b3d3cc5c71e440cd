// Made-up contexts and logits for the decoders' tests. Not installed.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "qa/answer.h"
#include "qa/windows.h"
#include "text/tokenizer.h"

namespace spanqa::testing {

/// A context with the tokens a WordPiece tokenizer might make of it.
struct MadeContext {
  std::string text;
  TokenizedText tokens;
};

/// Adds one word, cut into the given pieces, after a space.
inline void add_word(MadeContext& context, const std::vector<std::string>& pieces) {
  if (!context.text.empty()) context.text.push_back(' ');
  const std::int32_t word = context.tokens.words.empty() ? 0 : context.tokens.words.back() + 1;
  for (const std::string& piece : pieces) {
    const auto begin = static_cast<std::uint32_t>(context.text.size());
    context.text += piece;
    context.tokens.ids.push_back(1000 + static_cast<std::int32_t>(context.tokens.ids.size()));
    context.tokens.spans.push_back({begin, static_cast<std::uint32_t>(context.text.size())});
    context.tokens.words.push_back(word);
  }
}

inline MadeContext make_context(const std::vector<std::vector<std::string>>& words) {
  MadeContext context;
  for (const auto& pieces : words) add_word(context, pieces);
  return context;
}

/// Words of 1 to 4 pieces from a small alphabet of both cases, so that equal texts come up at different places.
inline MadeContext random_context(std::size_t n_tokens, std::mt19937& random) {
  const std::vector<std::string> pieces = {"a", "b", "A", "B", "é", "É", "日", "xy"};
  MadeContext context;
  while (context.tokens.size() < n_tokens) {
    const std::size_t n = std::min<std::size_t>(1 + random() % 4, n_tokens - context.tokens.size());
    std::vector<std::string> word(n);
    for (std::string& piece : word) piece = pieces[random() % pieces.size()];
    add_word(context, word);
  }
  return context;
}

/// The windows of one made-up question over a context, with the logits a model might give for them.
struct MadeLogits {
  WindowPlan plan;
  std::vector<std::vector<float>> start;
  std::vector<std::vector<float>> end;

  WindowLogits window(std::size_t i) const {
    const Window& window = plan.windows[i];
    return {.start = start[i].data(),
            .end = end[i].data(),
            .n_tokens = plan.n_tokens(window),
            .context_position = plan.context_position(),
            .context_begin = window.context_begin,
            .n_context = window.n_context()};
  }
};

/// `step` > 0 rounds the logits to multiples of it, so that ties come up.
inline MadeLogits random_logits(WindowPlan plan, float spread, float step, std::mt19937& random) {
  MadeLogits made{.plan = std::move(plan), .start = {}, .end = {}};
  std::normal_distribution<float> normal(0.0F, spread);
  for (const Window& window : made.plan.windows) {
    for (auto* side : {&made.start, &made.end}) {
      std::vector<float>& logits = side->emplace_back(made.plan.n_tokens(window));
      for (float& logit : logits) {
        logit = normal(random);
        if (step > 0.0F) logit = std::round(logit / step) * step;
      }
    }
  }
  return made;
}

}  // namespace spanqa::testing

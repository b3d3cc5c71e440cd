// What the model saw in one window, as probabilities: the numbers behind the page's heat strip.
#pragma once

#include "qa/answer.h"
#include "serve/engine.h"
#include "serve/response_body.h"

namespace spanqa::serve {

/// Softmax of start and end logits over [CLS] and the window's context tokens, question and marks left out as the
/// pipeline does. `document` and `window` are the caller's numbers. Logits that are not a number count as the worst.
WindowProbabilities token_probabilities(const KeptWindow& kept, const TokenizedText& context, std::size_t document,
                                        std::size_t window);

}  // namespace spanqa::serve

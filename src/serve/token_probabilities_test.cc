#include "serve/token_probabilities.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

namespace spanqa::serve {
namespace {

/// [CLS] q [SEP] and the last two of three context tokens, then [SEP].
KeptWindow window_of(std::vector<float> start) {
  KeptWindow kept;
  kept.start = start;
  kept.end = std::move(start);
  kept.context_position = 3;
  kept.context_begin = 1;
  kept.n_context = 2;
  return kept;
}

TokenizedText three_tokens() { return {.ids = {1, 2, 3}, .spans = {{0, 1}, {2, 4}, {5, 9}}, .words = {0, 1, 2}}; }

TEST(TokenProbabilities, AreTheSoftmaxOverClsAndContextAlone) {
  const KeptWindow kept = window_of({std::log(1.0F), 50.0F, 50.0F, std::log(2.0F), std::log(5.0F), 50.0F});
  const WindowProbabilities seen = token_probabilities(kept, three_tokens(), 4, 7);
  EXPECT_EQ(seen.document, 4U);
  EXPECT_EQ(seen.window, 7U);
  EXPECT_NEAR(seen.no_answer_start, 1.0 / 8.0, 1e-6);
  ASSERT_EQ(seen.tokens.size(), 2U);
  EXPECT_EQ(seen.tokens[0].span, (ByteSpan{2, 4}));
  EXPECT_NEAR(seen.tokens[0].start, 2.0 / 8.0, 1e-6);
  EXPECT_NEAR(seen.tokens[1].end, 5.0 / 8.0, 1e-6);
}

TEST(TokenProbabilities, StayNumbersWhateverTheModelGives) {
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const std::vector<float>& logits : {std::vector<float>{nan, 0, 0, nan, nan, 0},
                                           {inf, 0, 0, 1, inf, 0},
                                           {-inf, 0, 0, -inf, -inf, 0},
                                           {1e38F, 0, 0, -1e38F, nan, 0}}) {
    const WindowProbabilities seen = token_probabilities(window_of(logits), three_tokens(), 0, 0);
    double sum = seen.no_answer_start;
    for (const TokenProbability& token : seen.tokens) sum += token.start;
    EXPECT_NEAR(sum, 1.0, 1e-6);
  }
}

}  // namespace
}  // namespace spanqa::serve

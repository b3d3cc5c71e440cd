// The `global` decoder: scores that can be compared across windows, documents and requests.
//
// score = sigmoid((start logit + end logit - its window's no-answer logit sum) / temperature)
// The no-answer logit sum is start[CLS] + end[CLS] of the same window, so the score is the model's own odds that the
// span answers the question against that nothing in the window does. The temperature is fitted per model (1 until one
// is).
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "qa/answer.h"
#include "qa/decode_pipeline.h"
#include "text/tokenizer.h"

namespace spanqa {

struct GlobalOptions {
  int top_k = 1;               // answers returned: exactly this many where so many distinct spans exist
  int max_answer_tokens = 30;  // longest span, in tokens, before words are completed
  double temperature = 1.0;    // > 0; larger makes scores less extreme
  bool align_to_words = true;
  /// "No answer" is returned first, as an empty answer, when the best score does not exceed this. 0: never.
  double no_answer_threshold = 0.0;
};

Status check_options(const GlobalOptions& options);

/// Overlapping spans are one finding: of two that share a byte of the context only the better one is kept.
/// Order of calls: add for each window in order, finish once. `context` and `tokens` must outlive the decoder.
class GlobalDecoder {
 public:
  GlobalDecoder(std::string_view context, const TokenizedText& tokens, const GlobalOptions& options);
  void add(const WindowLogits& window);
  Decoded finish();

 private:
  std::string_view context_;
  const TokenizedText* tokens_;
  GlobalOptions options_;
  std::vector<Answer> candidates_;
  std::size_t n_windows_ = 0;
};

}  // namespace spanqa

// The `pipeline` decoder: answers and scores of transformers' question-answering pipeline, 5.2 semantics.
//
// Per window: softmax of start and end logits over [CLS] and the context (everything else masked with -10000); a span's
// score is the product of its two probabilities; the best 2 * top_k + 10 spans are kept. Over windows: answers with
// equal text (ignoring case) are merged by adding their scores, so a score may exceed 1 and scores of different
// questions or documents are not comparable (the `global` decoder's are).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "qa/answer.h"
#include "text/tokenizer.h"

namespace spanqa {

enum class PipelineCompat : std::uint8_t {
  kSane,  // 5.2 scores and order; spans of score 0, empty texts and end-before-start never appear, and a literal [CLS]
          // in the context is no answer position
  kHf52,   // transformers 5.2 to the letter
  kHf452,  // transformers 4.52: as 5.2, but equal texts are not merged and only top_k spans are taken per window
};

struct PipelineOptions {
  int top_k = 1;                          // answers returned at most
  int max_answer_tokens = 15;             // longest span, in tokens, before words are completed
  bool handle_impossible_answer = false;  // "no answer" competes with its own score
  bool align_to_words = true;             // complete words cut at either end
  PipelineCompat compat = PipelineCompat::kSane;
};

/// The error texts are the reference's: "top_k parameter should be >= 1 (got 0)".
Status check_options(const PipelineOptions& options);

/// What a decoder found, best first.
struct Decoded {
  std::vector<Answer> answers;
  /// The decoder's own no-answer score: pipeline: the smallest p([CLS]) product over the windows; run_qa: the smallest
  /// null logit sum; global: 1 minus the best span's score.
  double no_answer_score = 0.0;
};

/// Decodes the windows of one question over one context. Order of calls: add for each window in order, finish once.
///
/// `context`, `tokens` and `specials` must outlive the decoder. Memory: O(top_k) a window, no matrix.
class PipelineDecoder {
 public:
  PipelineDecoder(std::string_view context, const TokenizedText& tokens, const SpecialIds& specials,
                  const PipelineOptions& options);
  void add(const WindowLogits& window);
  Decoded finish();

 private:
  std::string_view context_;
  const TokenizedText* tokens_;
  SpecialIds specials_;
  PipelineOptions options_;
  std::vector<Answer> answers_;  // merged so far, in order of first sight
  double no_answer_ = 1e6;       // smallest so far; the reference starts there too
  std::size_t n_windows_ = 0;
};

}  // namespace spanqa

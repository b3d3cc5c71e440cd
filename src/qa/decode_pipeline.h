// The `pipeline` decoder: answers and scores of transformers' question-answering pipeline, 5.2 semantics.
//
// Per window: softmax of start and end logits over [CLS] and the context (everything else masked with -10000); a span's
// score is the product of its two probabilities; the best 2 * top_k + 10 spans are kept. Over windows: answers with
// equal text (ignoring case) are merged by adding their scores, so a score may exceed 1 and scores of different
// questions or documents are not comparable (the `global` decoder's are).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "qa/answer.h"
#include "text/tokenizer.h"

namespace spanqa {

enum class PipelineCompat : std::uint8_t {
  kSane,   // 5.2 scores and order; spans of score 0, empty texts and end-before-start never appear, and a literal [CLS]
           // in the context is no answer position
  kHf52,   // transformers 5.2 to the letter. Spans of score 0 that fill a short list are taken in ascending order of
           // start and end (NumPy's order is unspecified); one that ends before it starts is an empty span
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
  struct Candidate {
    float score = 0.0F;
    std::uint32_t first = 0;  // positions in the window, both inclusive
    std::uint32_t last = 0;
  };
  bool is_allowed(const WindowLogits& window, std::size_t position) const;
  void fill_probabilities(const WindowLogits& window);
  std::vector<Candidate> best_spans(const WindowLogits& window) const;
  void append_zero_spans(const WindowLogits& window, std::size_t n_wanted, std::vector<Candidate>& spans) const;
  ByteSpan place(const WindowLogits& window, const Candidate& candidate) const;
  void take(const WindowLogits& window, const Candidate& candidate);

  std::string_view context_;
  const TokenizedText* tokens_;
  SpecialIds specials_;
  PipelineOptions options_;
  std::vector<float> start_;                              // probabilities of the window at hand; [n_tokens]
  std::vector<float> end_;                                // the same
  std::vector<Answer> answers_;                           // merged so far, in order of first sight
  std::vector<float> best_;                               // for each answer, the score of its best single occurrence
  std::unordered_map<std::string, std::size_t> by_text_;  // lower-cased text -> index into answers_
  double no_answer_ = 1e6;                                // smallest so far; the reference starts there too
  std::size_t n_windows_ = 0;
};

}  // namespace spanqa

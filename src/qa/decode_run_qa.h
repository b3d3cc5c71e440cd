// The `run_qa` decoder: n-best lists, probabilities and no-answer decision of run_qa.py (postprocess_qa_predictions).
//
// A span's score is the sum of its start and end logits (float32); candidates are the n_best starts times the n_best
// ends of each window; probabilities are the softmax over the final list.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "qa/answer.h"
#include "qa/decode_pipeline.h"
#include "text/tokenizer.h"

namespace spanqa {

struct RunQaOptions {
  int n_best = 20;              // starts and ends considered per window, and entries kept
  int max_answer_tokens = 30;   // longest span, in tokens
  bool version_2 = false;       // "no answer" (the null entry) takes part
  float null_threshold = 0.0F;  // no answer iff null score - best span's score > threshold (strictly)
};

Status check_options(const RunQaOptions& options);

/// One entry of the n-best list, as nbest_predictions.json holds it.
struct NBestEntry {
  std::string text;
  ByteSpan span;
  double start_logit = 0.0;
  double end_logit = 0.0;
  double probability = 0.0;  // computed in float32 like the reference, widened
  std::size_t window = 0;
  bool is_null = false;         // the "no answer" entry: text "", span at 0
  bool is_placeholder = false;  // the reference's "empty" entry, which is no part of the context
};

struct RunQaResult {
  std::string prediction;  // "" for no answer
  std::size_t chosen = 0;  // index into n_best; meaningless when no_answer
  bool no_answer = false;
  std::vector<NBestEntry> n_best;  // best first; never empty (the reference's "empty" placeholder)
  float score_diff = 0.0F;         // null score - best non-empty span's score; 0 unless version_2
  float null_score = 0.0F;         // smallest start + end logit of [CLS] over the windows, with version_2 or without
};

/// Order of calls: add for each window in order, finish once. `context` and `tokens` must outlive the decoder.
/// Ties: equal logits prefer the higher index (what reversing a stable ascending sort gives).
class RunQaDecoder {
 public:
  RunQaDecoder(std::string_view context, const TokenizedText& tokens, const RunQaOptions& options);
  void add(const WindowLogits& window);
  RunQaResult finish();

 private:
  struct Candidate {
    ByteSpan span;
    float start_logit = 0.0F;
    float end_logit = 0.0F;
    std::size_t window = 0;
    bool is_null = false;
    float score() const { return start_logit + end_logit; }
  };
  void keep_best();
  std::vector<NBestEntry> make_entries() const;

  std::string_view context_;
  const TokenizedText* tokens_;
  RunQaOptions options_;
  std::vector<Candidate> candidates_;  // the best n_best so far, best first
  Candidate null_;                     // of the window whose null score is smallest
  std::size_t n_windows_ = 0;
};

/// The same result as answers (score: the entry's probability), for callers that speak Decoded. The decision comes
/// first, the rest of the n-best list after it in its order; the "empty" placeholder is left out.
Decoded to_decoded(const RunQaResult& result, const RunQaOptions& options);

}  // namespace spanqa

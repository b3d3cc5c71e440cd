// The `global` decoder: scores that can be compared across windows, documents and requests.
//
// score = sigmoid((start logit + end logit - its window's no-answer logit sum) / temperature)
// The no-answer logit sum is start[CLS] + end[CLS] of the same window, so the score is the model's own odds that the
// span answers the question against that nothing in the window does. The temperature is fitted per model (1 until one
// is).
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "qa/answer.h"
#include "qa/decode_pipeline.h"
#include "qa/span_search.h"
#include "text/tokenizer.h"

namespace spanqa {

struct GlobalOptions {
  int top_k = 1;               // answers returned, "no answer" included: exactly this many where so many spans exist
  int max_answer_tokens = 30;  // longest span, in tokens, before words are completed
  /// > 0; larger makes scores less extreme. Unset: the Reader takes what was fitted for its model, a decoder alone 1.
  std::optional<double> temperature = {};
  bool align_to_words = true;
  /// "No answer" is returned first, as an empty answer, when the best score does not exceed this. 0: never.
  double no_answer_threshold = 0.0;
};

Status check_options(const GlobalOptions& options);

/// Overlapping spans are one finding: of two that share a byte of the context only the better one is kept (the scores
/// decide, then the earlier begin, then the shorter span, then the earlier window). The answers are what that rule
/// leaves of all spans of all windows, taken best first.
///
/// Order of calls: add for each window of plan_windows in order, finish once. `context` and `tokens` must outlive the
/// decoder.
/// Memory: logits of the windows that can still hold an answer (about 2 * top_k, times the windows that share a token);
/// the number of windows does not matter. Cost: O(tokens) a window, and O(log + max_answer_tokens) for each answer and
/// for each span that an answer stands in the way of, of which there are fewer than tokens: top_k may be any number.
class GlobalDecoder {
 public:
  GlobalDecoder(std::string_view context, const TokenizedText& tokens, const GlobalOptions& options);
  void add(const WindowLogits& window);
  Decoded finish();

 private:
  /// What is kept of a window: the logits of its context.
  struct Kept {
    std::size_t number = 0;  // of the window, from 0
    std::size_t begin = 0;   // first context token
    SpanSearch spans;
    double null_score = 0.0;
    double best = 0.0;  // margin of its best span
  };
  /// Spans of the context that share no byte and are not empty.
  class TakenSpans {
   public:
    /// One that shares a byte with `span`.
    std::optional<ByteSpan> blocking(ByteSpan span) const;
    void add(ByteSpan span) { by_begin_.emplace(span.begin, span); }
    std::size_t size() const { return by_begin_.size(); }

   private:
    std::map<std::uint32_t, ByteSpan> by_begin_;
  };
  /// The best span among tokens [begin, end) of a window.
  struct Finding {
    double margin = 0.0;  // start + end - null, before temperature and sigmoid
    std::size_t first = 0;
    std::size_t last = 0;  // inclusive; both are tokens of the context
    std::size_t kept = 0;  // index into kept_
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  static bool is_worse(const Finding& a, const Finding& b);
  std::optional<Finding> search(std::size_t kept, std::size_t begin, std::size_t end) const;
  void drop_hopeless();
  ByteSpan place(std::size_t first, std::size_t last) const;
  void search_beside(const Finding& finding, ByteSpan taken, std::vector<Finding>& queue) const;
  std::vector<Answer> select() const;

  std::string_view context_;
  const TokenizedText* tokens_;
  GlobalOptions options_;
  std::vector<Kept> kept_;
  std::size_t n_kept_after_drop_ = 0;
  std::size_t n_windows_ = 0;
};

}  // namespace spanqa

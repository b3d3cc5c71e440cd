// One question over one context on its way, window by window: for callers that mix the windows of many in a batch.
// Who wants to wait for the answer calls Reader::ask.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "base/result.h"
#include "nn/packed_batch.h"
#include "qa/reader.h"
#include "qa/windows.h"

namespace spanqa {

/// Tokenised and laid out in windows by start(); the caller takes windows into batches by append(), runs the model, and
/// gives the logits back by take(); finish() once all windows are taken.
///
/// Threads: append() and the constant members may run anywhere; take(), best() and finish() one at a time.
/// Memory:  the question's tokens, the context's shared with the reader's cache, what the decoder keeps, and copies of
///          logits that came before those of an earlier window.
class Reading {
 public:
  /// The errors of Reader::ask for this question. The question's texts must outlive the reading; the reader need not.
  /// `context`: its tokens where the caller has them (another reading's of the same text); null: from the reader's
  /// cache.
  static Result<Reading> start(const Reader& reader, const Question& question, const AskOptions& options,
                               std::shared_ptr<const TokenizedText> context = nullptr);
  ~Reading();
  Reading(Reading&&) noexcept;
  Reading& operator=(Reading&&) noexcept;

  const WindowPlan& plan() const;
  const std::shared_ptr<const TokenizedText>& context() const;
  std::size_t n_windows() const;
  /// Of one window, special tokens included.
  std::size_t n_tokens(std::size_t window) const;
  /// Of all windows.
  std::size_t n_tokens() const;

  /// Adds one window to a batch.
  void append(std::size_t window, PackedBatch& batch) const;
  /// A window's logits, in model order [n_tokens(window)], as a decoder reads them. Views of `start` and `end`.
  WindowLogits logits(std::size_t window, const float* start, const float* end) const;

  /// Each window once, in any order: the decoder reads them in order, those that come early wait as copies.
  void take(std::size_t window, const float* start, const float* end);
  /// Windows that the decoder has read: the first so many.
  std::size_t n_read() const;
  /// The best answer of the windows read so far; nothing where there is none. Cost: what the decoder keeps is copied.
  std::optional<Answer> best() const;

  /// After every window was taken, once.
  Answers finish();

 private:
  struct Impl;
  explicit Reading(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace spanqa

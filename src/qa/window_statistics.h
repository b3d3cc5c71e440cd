// What a tokenizer makes of a data set: tokens, windows, and answers that fall beyond every window.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/utf8.h"
#include "data/example.h"
#include "qa/windows.h"
#include "text/tokenizer.h"

namespace spanqa {

/// Counts over a stream of examples. Threads: one. Memory: constant, but for the listed findings.
class WindowStatistics {
 public:
  /// `tokenizer` must outlive the object.
  WindowStatistics(const Tokenizer& tokenizer, const WindowOptions& options);

  /// Fails when the question does not fit the windows; counted apart by the caller.
  Status add(const Example& example);

  std::size_t n_examples = 0;
  std::size_t n_windows = 0;
  std::size_t n_tokens = 0;              // over all windows, specials included
  std::size_t n_answerable_windows = 0;  // windows whose start label is not 0
  std::size_t n_unknown = 0;             // [UNK] tokens of questions and contexts, each context of a row once
  std::size_t n_text_tokens = 0;         // tokens of questions and contexts, each context of a row once
  std::size_t longest_question = 0;      // tokens
  /// Questions with 1, 2, … windows; the last entry holds 8 and more.
  std::array<std::size_t, 8> by_window_count{};
  /// Windows by length in tokens, in steps of 32; the last entry holds 512 and more.
  std::array<std::size_t, 17> by_window_length{};
  /// Questions with a first gold answer that lies wholly in no window ("rows.jsonl:17").
  std::vector<std::string> beyond_windows;

 private:
  const Tokenizer* tokenizer_;
  WindowOptions options_;
  std::shared_ptr<const std::string> context_;  // of the example before, so that a paragraph is tokenised once
  TokenizedText context_tokens_;
};

/// A gold answer as bytes of the indexed context; nullopt when its start is unknown, or its place is not all in the
/// context. Whether its text stands there is not asked.
std::optional<ByteSpan> answer_span(const GoldAnswer& gold, const TextIndex& index);
/// The first gold answer of an example as bytes of its context; nullopt when there is none, or its start is unknown or
/// outside the context.
std::optional<ByteSpan> first_answer_span(const Example& example);

}  // namespace spanqa

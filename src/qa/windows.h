// From a tokenised question and context to the windows a model reads: [CLS] question [SEP] context part [SEP].
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "nn/model_config.h"
#include "nn/qa_model.h"
#include "text/tokenizer.h"

namespace spanqa {

/// What to do with a question too long for a window.
enum class LongQuestion : std::uint8_t {
  kError,     // say so, with the numbers (as the reference does)
  kTruncate,  // keep its first max_question_length tokens
  /// As kTruncate, and where windows still would not fit: the question gives way to the overlap and one token more,
  /// but keeps half a window; then the overlap is lowered to half the room. For services, which answer whatever they
  /// are asked: it fails only where max_length leaves no token beside the special ones. What fits stays as it is.
  kFit,
};

struct WindowOptions {
  std::size_t max_length = 384;          // tokens of a window, the question and three special tokens included
  std::size_t overlap = 128;             // tokens that consecutive windows share ("doc_stride" of the Python stack)
  std::size_t max_question_length = 64;  // read only with kTruncate and kFit
  LongQuestion long_question = LongQuestion::kError;
};

/// The options in force for a model: max_length lowered to what it and its tokenizer read, and where that lowers it,
/// the overlap to half a window, as the reference's default has it.
WindowOptions fit_windows(const WindowOptions& options, const ModelConfig& config, const Tokenizer& tokenizer);

/// The check of the Python pipeline, in its words: kInvalidArgument when the overlap is larger than a window. Weaker
/// than that of plan_windows, and made whether or not a context needs a second window.
Status check_pipeline_windows(const WindowOptions& options);

/// One window: a half-open range of context tokens. The last one is short, not shifted back.
struct Window {
  std::uint32_t context_begin = 0;
  std::uint32_t context_end = 0;
  std::size_t n_context() const { return context_end - context_begin; }
};

/// How the windows of one question over one context are laid out. A window of n context tokens is, in model order,
/// [CLS], n_question tokens, [SEP], n tokens, [SEP]; context token t of window w stands at position
/// context_position() + t - w.context_begin.
struct WindowPlan {
  std::size_t n_question = 0;  // question tokens kept
  bool question_truncated = false;
  std::vector<Window> windows;  // at least one, even over an empty context

  std::size_t context_position() const { return n_question + 2; }
  std::size_t n_tokens(const Window& window) const { return n_question + 3 + window.n_context(); }
};

/// Fails with kInvalidArgument, naming the numbers, when the question leaves no room, or when the context needs several
/// windows and the overlap is not smaller than the room for context. Holds: the windows cover every context token,
/// consecutive ones share exactly `overlap` tokens.
Result<WindowPlan> plan_windows(std::size_t n_question, std::size_t n_context, const WindowOptions& options);

/// Appends the ids and types of one window to a batch.
void append_window(const WindowPlan& plan, const Window& window, const TokenizedText& question,
                   const TokenizedText& context, const SpecialIds& specials, PackedBatch& batch);

/// Token labels of a gold answer within one window, as training wants them: sequence positions, both inclusive;
/// 0 and 0 (the [CLS] token) when the answer is not wholly inside the window.
struct WindowLabels {
  std::uint32_t start = 0;
  std::uint32_t end = 0;
  friend bool operator==(const WindowLabels&, const WindowLabels&) = default;
};

/// `answer` in bytes of the context; an empty one is no answer and gives 0 and 0. With `last_token_bug` the start label
/// of an answer that begins at the window's last context token lands on the final [SEP], as run_qa.py does; by default
/// it is clamped to the context.
WindowLabels label_window(const WindowPlan& plan, const Window& window, const TokenizedText& context, ByteSpan answer,
                          bool last_token_bug = false);

}  // namespace spanqa

// The reader: a checkpoint opened once, asked from many threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/utf8.h"
#include "nn/qa_model.h"
#include "qa/answer.h"
#include "qa/decode_global.h"
#include "qa/decode_pipeline.h"
#include "qa/decode_run_qa.h"
#include "qa/qa_settings.h"
#include "qa/windows.h"
#include "text/tokenizer.h"

namespace spanqa {

/// Tokens of one packed batch. Large enough that a matmul tile is full and a primitive call costs nothing beside its
/// work, small enough that the activations of a layer stay in a core's share of the last-level cache
/// (docs/performance.md).
constexpr std::size_t kPackedBatchTokens = 1024;

/// Which decoder answers, with its options. The three are different contracts: see their headers.
using DecoderOptions = std::variant<PipelineOptions, RunQaOptions, GlobalOptions>;
/// "pipeline", "run_qa", "global".
const char* decoder_name(const DecoderOptions& options);

struct ReaderOptions {
  int n_threads = 0;                                        // of one call; 0: all usable cores
  std::size_t context_cache_bytes = std::size_t{32} << 20;  // tokenised contexts kept; 0: none
  TokenizerOverrides tokenizer = {};
  Precision precision = Precision::kFloat32;  // as QaModel::open takes it
};

/// One window as the model read it, on its way to the decoder. Views that hold during the call.
struct ReadWindow {
  std::size_t question = 0;  // index among those of the call
  std::size_t number = 0;    // of the window: plan->windows[number]
  const WindowPlan* plan = nullptr;
  const TokenizedText* context = nullptr;
  WindowLogits logits;
};
/// A figure of one window, such as its loss.
using WindowMeasure = std::function<double(const ReadWindow&)>;

struct AskOptions {
  /// The default decoder compares answers over all windows of a document; PipelineOptions gives the Python pipeline's.
  DecoderOptions decoder = GlobalOptions{};
  WindowOptions windows = {};  // max_length is lowered to what the model and its tokenizer allow
  SpecialsInText specials_in_text = SpecialsInText::kText;
  /// Called with every window before the decoder reads it: windows in order, one thread at a time in each call of ask
  /// or ask_all, several at once where calls are. What it returns is added up in Answers::measured. Whatever it costs
  /// stands between two forward passes; without it nothing is spent.
  WindowMeasure measure = {};
};

/// kInvalidArgument for what the options alone make impossible, whatever is asked.
Status check_ask(const AskOptions& options);

/// One question over one context. Views: the texts must outlive the call.
struct Question {
  std::string_view question;
  std::string_view context;
};

/// Everything known about one answered question.
struct Answers {
  std::vector<Answer> answers;   // best first; empty when the context holds no token, or every score is 0
  double no_answer_score = 0.0;  // the decoder's own (see Decoded)
  RunQaResult run_qa;            // filled by the run_qa decoder only
  double measured = 0.0;         // sum of AskOptions::measure over the windows, added in their order
  std::size_t n_windows = 0;
  std::size_t n_tokens = 0;  // read by the model, specials included
  bool question_truncated = false;
};

/// How often tokenised contexts were found in the reader's cache, and what it holds.
struct CacheCounts {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::size_t bytes = 0;
};

/// Called as windows are done, by one thread at a time: windows done, windows in all.
using WindowProgress = std::function<void(std::size_t done, std::size_t total)>;

/// Threads: every call may run concurrently; each borrows a workspace from a pool of the reader's own.
/// Memory:  one copy of the linear layers, a workspace per concurrent caller and thread, the context cache.
class Reader {
 public:
  /// Reads model and tokenizer of a Hugging Face folder and checks that they fit each other.
  static Result<std::shared_ptr<const Reader>> open(const std::filesystem::path& folder,
                                                    const ReaderOptions& options = {});
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// Answers one question. A question or context that is empty (not merely blank) is an error, as in the reference.
  Result<Answers> ask(std::string_view question, std::string_view context, const AskOptions& options = {},
                      const WindowProgress& progress = {}) const;

  /// Answers several in one packed batch after another; the results stand in the order of the questions. A question
  /// that cannot be answered (empty, too long for the windows) is an error in its own place and does not touch the
  /// others. `n_threads` 0: the reader's own number; 1: all on the calling thread.
  std::vector<Result<Answers>> ask_all(std::span<const Question> questions, const AskOptions& options = {},
                                       int n_threads = 0, const WindowProgress& progress = {}) const;

  const QaModel& model() const;
  const Tokenizer& tokenizer() const;
  const std::filesystem::path& folder() const;
  /// What a person should know before trusting the answers: the tokenizer's notes, and how it fits the model.
  const std::vector<std::string>& notes() const;
  /// What was fitted for this model and stored beside it: temperature, no-answer thresholds.
  const QaSettings& settings() const;
  int n_threads() const;
  /// fit_windows for this model.
  WindowOptions effective(const WindowOptions& options) const;
  /// Tokenises through the cache.
  std::shared_ptr<const TokenizedText> tokenize_context(std::string_view context, SpecialsInText specials) const;
  CacheCounts context_cache_counts() const;

 private:
  struct Impl;
  explicit Reader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace spanqa

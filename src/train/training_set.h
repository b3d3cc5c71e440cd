// From files of examples to the windows with labels that a model is trained on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/example.h"
#include "nn/packed_batch.h"
#include "qa/windows.h"
#include "text/tokenizer.h"
#include "train/options.h"

namespace spanqa {

/// Questions that were passed over for one reason.
struct SkippedQuestions {
  std::size_t n = 0;
  std::vector<std::string> first;  // where the first few stand ("rows.jsonl:17")
};

/// What was made of the files. Every question read is used or counted as skipped.
struct TrainingSetCounts {
  std::size_t n_questions = 0;     // used
  std::size_t n_unanswerable = 0;  // of those
  std::size_t n_contexts = 0;      // distinct, of those used and skipped
  std::size_t n_windows = 0;
  std::size_t n_answer_windows = 0;  // windows whose start label is not 0
  std::size_t n_tokens = 0;          // over all windows, specials included
  SkippedQuestions misplaced;        // the first gold does not stand at its place, or has none
  SkippedQuestions long_questions;   // leave too little room in a window
  SkippedQuestions unanswerable;     // without squad_v2
  SkippedQuestions without_golds;    // the file says nothing of answers
  double seconds_reading = 0.0;      // of files
  double seconds_tokenising = 0.0;   // and of all that follows: windows and labels

  std::size_t n_skipped() const { return misplaced.n + long_questions.n + unanswerable.n + without_golds.n; }
};

/// How windows and labels are made.
struct TrainingSetOptions {
  WindowOptions windows = {};
  bool squad_v2 = false;        // questions without an answer are used
  bool last_token_bug = false;  // label_window
  int n_threads = 1;
};

/// Windows with labels. Contexts (equal ones once) and questions are kept as ids; windows are references into them.
///
/// The label is made of the first gold alone, as run_qa.py does. Blanks at the ends of a question make no tokens.
/// Memory: 4 bytes a token of the texts and 28 a window. Threads: immutable once made; what it holds does not depend on
/// the number of threads. Cost: the tokenizer's, for each distinct context once.
class TrainingSet {
 public:
  /// Reads all files of `options.train`. `windows` are the options in force for the model. The tokenizer is not kept.
  /// Fails when a file cannot be read or holds no examples, the windows leave no room for any question, or no question
  /// is left to train on; the last with the counts of the skipped ones.
  static Result<TrainingSet> load(const TrainOptions& options, const Tokenizer& tokenizer, const WindowOptions& windows,
                                  int n_threads);
  /// The same from memory, with weight 1; a set without questions is no error here.
  static Result<TrainingSet> from_examples(std::span<const Example> examples, const Tokenizer& tokenizer,
                                           const TrainingSetOptions& options);

  std::size_t n_windows() const { return windows_.size(); }
  std::size_t n_questions() const { return questions_.size(); }
  /// Tokens of each window, specials included. [n_windows]
  std::span<const std::uint32_t> lengths() const { return lengths_; }
  std::size_t n_tokens(std::size_t window) const { return lengths_[window]; }
  /// The question of a window, counted from 0 in the order read; windows of a question stand one after another.
  std::size_t question(std::size_t window) const { return windows_[window].question; }
  WindowLabels labels(std::size_t window) const { return windows_[window].labels; }
  /// In the loss: the file's.
  float weight(std::size_t window) const { return questions_[windows_[window].question].weight; }

  /// Appends one window to a batch, and its labels: positions within the window.
  void append(std::size_t window, PackedBatch& batch, std::vector<WindowLabels>& labels) const;

  const TrainingSetCounts& counts() const { return counts_; }

 private:
  struct Question {
    std::uint32_t text = 0;
    std::uint32_t context = 0;
    std::uint32_t n_tokens = 0;  // kept of the question
    float weight = 1.0F;
  };
  struct LabelledWindow {
    std::uint32_t question = 0;
    Window window;
    WindowLabels labels;
  };
  class Builder;

  SpecialIds specials_;
  std::vector<TokenizedText> texts_;  // contexts and questions; ids only
  std::vector<Question> questions_;
  std::vector<LabelledWindow> windows_;
  std::vector<std::uint32_t> lengths_;
  TrainingSetCounts counts_;
};

}  // namespace spanqa

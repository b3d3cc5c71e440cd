// One list of answers from several documents.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "qa/reader.h"

namespace spanqa {

/// What was found for one question in one document.
struct DocumentAnswers {
  std::size_t document = 0;
  const Answers* answers = nullptr;
};

struct MergeOptions {
  /// Scores of different documents may be compared (the global decoder's). Otherwise nothing is ranked or decided:
  /// each document's first top_k answers stand in its turn.
  bool comparable = true;
  int top_k = 1;                     // "no answer" included
  double no_answer_threshold = 0.0;  // "no answer" comes first when the best score does not exceed it; 0: never
};

/// An answer and the document that it stands in; of "no answer" the document means nothing.
struct PlacedAnswer {
  Answer answer;
  std::size_t document = 0;
};

struct MergedAnswers {
  std::vector<PlacedAnswer> answers;  // best first where scores compare
  bool no_answer = false;             // the first entry says so, or there is none
  double no_answer_score = 0.0;       // comparable: 1 less the best score; else the smallest of the documents' own
  std::size_t n_windows = 0;
  std::size_t n_tokens = 0;
  bool question_truncated = false;
};

/// Equal scores keep the order of the documents. Where scores compare, the documents were decoded without a no-answer
/// threshold (their lists hold spans only). `documents` may be empty: nothing was found.
MergedAnswers merge_answers(std::span<const DocumentAnswers> documents, const MergeOptions& options);

}  // namespace spanqa

// What is asked, in types: questions, documents, and which question is asked of which document. No JSON, no HTTP.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "qa/reader.h"

namespace spanqa {

/// A text that may hold the answer.
struct Document {
  std::string id;  // the caller's name for it; may be empty
  std::string text;
};

/// One question over one document: indices into AnswerRequest.
struct QuestionPair {
  std::size_t question = 0;
  std::size_t document = 0;
  friend bool operator==(const QuestionPair&, const QuestionPair&) = default;
};

/// Holds its texts: nothing else has to outlive it.
struct AnswerRequest {
  std::vector<std::string> questions;
  std::vector<Document> documents;
  std::vector<QuestionPair> pairs;  // in the order of the answers: all pairs of a question one after another
  /// Of every pair. GlobalOptions::no_answer_threshold is left at 0: the decision falls once, over all documents of a
  /// question, when they are merged.
  AskOptions options;
  /// Of the global decoder: "no answer" comes first when the best score does not exceed it; at 0 and below never. Of
  /// run_qa with version_2: its null threshold. Unset: what was fitted for the model. The pipeline has none.
  std::optional<double> no_answer_threshold;

  /// Every question of every document.
  void pair_all();
};

}  // namespace spanqa

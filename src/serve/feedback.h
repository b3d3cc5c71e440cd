// What people say of answers, kept to learn from.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"
#include "serve/request_body.h"

namespace spanqa::serve {

/// A file of JSONL that only grows: rows as `data` reads them ("id", "question", "context", "answers"), and beside them
/// "verdict", "model", "time", and for a wrong answer "judged". A right or corrected answer is the row's gold answer
/// (none: unanswerable); a row whose answer was wrong has no golds, so that training passes it over.
///
/// Threads: every call may run concurrently. append() writes a line with one write() and, once a second at most, waits
/// for the disk: not for a thread that others wait for. What append() has taken outlives the process; a power cut may
/// cost the last second before the next row.
class FeedbackStore {
 public:
  /// Makes the file where there is none. A last line that a power cut tore is cut away; kCorrupt where the file holds
  /// other than lines of JSON there.
  static Result<std::unique_ptr<FeedbackStore>> open(const std::filesystem::path& file);
  ~FeedbackStore();
  FeedbackStore(const FeedbackStore&) = delete;
  FeedbackStore& operator=(const FeedbackStore&) = delete;

  /// `call` as parse_feedback_body() gave it: its answer stands at its place.
  Status append(const FeedbackCall& call);

  /// The rows that have golds as SQuAD 2.0. Memory: the text. Cost: reads the file.
  Result<std::string> squad() const;

 private:
  struct Impl;
  explicit FeedbackStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace spanqa::serve

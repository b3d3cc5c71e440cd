// The wrong predictions a model was surest of, a bounded number of them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data/example.h"
#include "qa/decode_run_qa.h"
#include "qa/metrics.h"

namespace spanqa {

/// A wrong prediction the model was sure of.
struct WorstError {
  std::string id;
  std::string question;
  std::string prediction;  // "" for no answer
  std::vector<std::string> golds;
  std::string sentence;      // of the context around the prediction; empty for no answer
  double f1 = 0.0;           // percent
  double probability = 0.0;  // of the prediction within the n-best list
};

/// Keeps the `capacity` worst of what it is shown: F1 below one half, most probable first; of equals the first seen.
/// Threads: one. Memory: O(capacity).
class WorstErrors {
 public:
  explicit WorstErrors(std::size_t capacity) : capacity_(capacity) {}
  void add(const Example& example, const RunQaResult& result, const AnswerScore& score);
  /// Worst first.
  std::vector<WorstError> take();

 private:
  struct Entry {
    WorstError error;
    std::size_t number = 0;
  };
  static bool worse(const Entry& a, const Entry& b);
  std::size_t capacity_;
  std::size_t n_seen_ = 0;
  std::vector<Entry> heap_;  // the least bad on top
};

}  // namespace spanqa

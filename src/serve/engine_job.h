// One request inside the engine: its pairs' windows in one row, and what has come of them. No thread, no queue.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "nn/packed_batch.h"
#include "qa/reading.h"
#include "serve/answer_cache.h"
#include "serve/engine.h"

namespace spanqa::serve {

/// When a request was waiting and when it was read; several passes may read it at once.
class StageClock {
 public:
  void tokenized(Clock::time_point begin, Clock::time_point end);
  void pass_begins(Clock::time_point now);
  void pass_ends(Clock::time_point now);
  /// Once no pass is open. Queue: all the time since it was tokenised in which no pass read it.
  EngineTimes times() const;

 private:
  std::chrono::nanoseconds tokenize_{};
  std::chrono::nanoseconds inference_{};
  Clock::time_point waits_since_;  // its tokens are there
  Clock::time_point last_end_;
  Clock::time_point busy_since_;
  int n_passes_ = 0;
};

/// Its windows are numbered through all pairs that have to be read, in the order of the pairs; pairs whose answers the
/// cache has have none.
///
/// Threads: model(), deadline(), window_tokens(), n_tokens() and append() may run anywhere; the rest one at a time.
class EngineJob {
 public:
  /// Looks into the cache: null or off for none, and not where windows are to be kept. Of options the measure is left
  /// out, and run_qa's null threshold is the request's, else what was fitted for the model.
  EngineJob(EngineRequest request, std::shared_ptr<AnswerCache> cache);
  EngineJob(const EngineJob&) = delete;
  EngineJob& operator=(const EngineJob&) = delete;

  /// Of the question and the context of each pair that has to be read.
  std::size_t n_bytes() const;
  /// Of all contexts, each counted once.
  std::size_t n_context_bytes() const;
  /// Tokenises each context once; whatever is below comes after it. kInvalidField where the reader refuses a pair.
  std::optional<ApiError> tokenize();

  const std::shared_ptr<const LoadedModel>& model() const { return asked_.model; }
  Clock::time_point deadline() const { return asked_.deadline; }
  /// Of each window, special tokens included; empty where nothing is to be read.
  std::vector<std::uint32_t> window_tokens() const;
  std::size_t n_tokens() const { return n_tokens_; }

  void append(std::size_t window, PackedBatch& batch) const;
  /// Logits of one window, in model order; each window once, in any order.
  void take(std::size_t window, const float* start, const float* end);
  bool is_complete() const { return n_taken_ == n_windows_; }
  /// After a take(): the pair is that of the last one.
  EngineProgress progress() const;
  /// Once complete, once. The answers go into the cache; `times.cached` is told here.
  EngineAnswer finish(EngineTimes times);

 private:
  struct Pair {
    std::optional<Reading> reading;         // of pairs that are read
    std::shared_ptr<const Answers> cached;  // of the others
    AnswerKey key = {};                     // while the cache is on
    std::size_t first_window = 0;
    std::vector<KeptWindow> kept = {};
  };
  void look_up_pairs();
  Status start_pairs();
  Status start_reading(const QuestionPair& place, Pair& pair);
  std::size_t pair_of(std::size_t window) const;

  EngineRequest asked_;
  std::shared_ptr<AnswerCache> cache_;  // null: none
  std::vector<Pair> pairs_;
  std::vector<std::shared_ptr<const TokenizedText>> contexts_;  // by document, of those that have been tokenised
  std::size_t n_windows_ = 0;                                   // to be read
  std::size_t n_cached_windows_ = 0;
  std::size_t n_tokens_ = 0;
  std::size_t n_taken_ = 0;
  std::size_t last_pair_ = 0;
};

}  // namespace spanqa::serve

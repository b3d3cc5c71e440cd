// The engine: requests of many clients read together, on compute threads of its own. docs/server.md has the reasons.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "serve/answer_cache.h"
#include "serve/engine.h"
#include "serve/metrics.h"

namespace spanqa::serve {

struct BatchingOptions {
  int n_threads = 0;       // compute threads; 0: all usable cores
  int n_wide_threads = 0;  // OpenMP threads of a wide pass; 0: as many as there are compute threads
  /// Of a pass at most; fewer where they would take more than an eighth of the deadline.
  std::size_t batch_tokens = kPackedBatchTokens;
  std::size_t queue_tokens = 2'000'000;  // see AdmissionOptions
  /// That requests have, from their arrival: what seconds_to_wait() supposes, and what makes contexts too long.
  std::chrono::nanoseconds deadline = std::chrono::seconds(55);
  /// Of one core, until the first passes tell: those of a warm-up, whatever this says.
  double tokens_per_second = 10'000.0;
  std::shared_ptr<AnswerCache> cache = nullptr;
  /// Called after each pass by the thread that ran it, several at once; must not block.
  std::function<void(const BatchFacts&)> batch_done = {};
  /// Told of faults of our own, which end in kInternal.
  std::function<void(std::string_view)> log = {};
};

/// Compute threads at nice +2, so that a refusal does not wait for a pass. A thread that is free takes what there is:
/// where nothing is being read and little waits, the first of them with all cores inside the kernels (a wide pass, the
/// only kind that enters OpenMP: the process has one team), else each a batch of its own on one core.
///
/// Deadlines are looked at between passes and before an answer goes out: kDeadlineExceeded comes at most one pass late,
/// an answer never. Where several requests wait, one that would be late by the speed of the last passes is refused when
/// its turn comes, and costs no reading.
///
/// Threads: as Engine says; callbacks may call the engine. The destructor ends the passes under way and answers what
/// waits with kShuttingDown; nobody may be in a call by then.
/// Memory:  a workspace for each thread and one for wide passes; of a request its texts, tokens and what Reading keeps.
/// Cost:    the lock is taken once by submit(), twice by each pass and once by each answer, for microseconds.
class BatchingEngine final : public Engine {
 public:
  explicit BatchingEngine(BatchingOptions options);
  ~BatchingEngine() override;

  Ticket submit(EngineRequest request, Done done, Progress progress) override;
  void cancel(Ticket ticket) override;
  std::optional<int> seconds_to_wait(std::size_t n_tokens) const override;

  /// Tokens that wait.
  std::size_t queue_tokens() const;
  /// As measured, of all cores.
  double tokens_per_second() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace spanqa::serve

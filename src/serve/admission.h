// Would a request be answered in time? Said before work is spent on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "serve/window_queue.h"

namespace spanqa::serve {

struct AdmissionOptions {
  int n_cores = 1;
  std::size_t queue_tokens = 2'000'000;  // bound of memory: ids and logits take about 20 bytes a token
  double deadline = 55.0;                // seconds that a request has
  /// Of the time to the deadline that the expected wait may take. The speed varies by a tenth from batch to batch; a
  /// late answer is worth nothing, a refusal in time is worth a retry.
  double share = 0.8;
};

enum class RefusalReason : std::uint8_t {
  kBusy,     // what was there before takes too long, or all the room
  kTooLong,  // however little there is to do
  kLate,     // its deadline is over
};

/// Why a request is not taken.
struct Refusal {
  RefusalReason reason = RefusalReason::kBusy;
  int seconds = 1;  // of kBusy: after which to ask again, at least 1
};

/// Tokens a second of one core.
struct CoreSpeed {
  double by_clock = 0.0;  // while it shares the machine with whatever else runs there
  double by_cpu = 0.0;    // in the time that it runs for us
};
/// Of a pass on so many threads. `cpu_seconds`: of one of them; the clock's where the system does not tell.
CoreSpeed core_speed(std::size_t n_tokens, int n_threads, double seconds, double cpu_seconds);

/// Keeps the speed and predicts by it. Threads: none of its own; the caller's lock covers every call.
class Admission {
 public:
  /// `speed`: as the warm-up measured it; above 0.
  Admission(const AdmissionOptions& options, const CoreSpeed& speed);

  /// A pass over `n_tokens` was as quick. Small passes are slower for each token, and when it matters passes are full:
  /// one that is slower than expected is left out.
  void record(std::size_t n_tokens, const CoreSpeed& speed);
  /// Of all cores, by the clock.
  double tokens_per_second() const;
  /// That one pass takes on so many threads, and what it reads in a time.
  double seconds_for(std::size_t n_tokens, int n_threads) const;
  std::size_t tokens_in(double seconds, int n_threads) const;

  /// Of a request, whatever the machine has to do just now: what the cores would read within a request's time if they
  /// did nothing else, at most what the queue holds, at least one batch.
  std::size_t most_tokens() const;

  /// nullopt: take it, as what finds nothing before it always is: it costs nobody anything, and its passes tell the
  /// speed. `n_tokens` of the request, `n_in_flight` being read just now, `seconds_left` to its deadline.
  std::optional<Refusal> refuse(const WindowQueue& queue, std::size_t n_in_flight, std::size_t n_tokens,
                                double seconds_left) const;

 private:
  AdmissionOptions options_;
  CoreSpeed speed_;  // moving averages
};

}  // namespace spanqa::serve

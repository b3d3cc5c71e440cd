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
  /// Of the time to the deadline that the expected wait may take. The speed varies by a tenth from batch to batch; a
  /// late answer is worth nothing, a refusal in time is worth a retry.
  double share = 0.8;
};

/// Why a request is not taken.
struct Refusal {
  bool never = false;  // it is too long for its deadline even alone
  int seconds = 1;     // after which to ask again, at least 1; of no meaning with `never`
};

/// Keeps the speed and predicts by it. Threads: none of its own; the caller's lock covers every call.
class Admission {
 public:
  /// `tokens_per_second` of one core, as the warm-up measured it; above 0.
  Admission(const AdmissionOptions& options, double tokens_per_second);

  /// A pass over `n_tokens` took so long on so many threads. Small passes are left out: they are slower for each token,
  /// and when it matters passes are full.
  void record(std::size_t n_tokens, double seconds, int n_threads);
  /// Of all cores.
  double tokens_per_second() const;

  /// nullopt: take it. `n_tokens` of the request, `n_in_flight` being read just now, `seconds_left` to its deadline.
  std::optional<Refusal> refuse(const WindowQueue& queue, std::size_t n_in_flight, std::size_t n_tokens,
                                double seconds_left) const;

 private:
  AdmissionOptions options_;
  double core_speed_;  // tokens a second of one core, moving average
};

}  // namespace spanqa::serve

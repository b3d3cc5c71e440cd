#include "serve/admission.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "qa/reader.h"

namespace spanqa::serve {
namespace {

// About the last 32 passes count: half a second of two cores, long enough to be steady.
constexpr double kNewest = 1.0 / 32.0;
constexpr double kMostSeconds = 3600.0;
// A pass with fewer does not tell: what each pass costs whatever its size weighs too much.
constexpr std::size_t kLeastTokens = 256;

void follow(double& mean, double speed, std::size_t n_tokens) {
  if (n_tokens < kLeastTokens && speed < mean) return;
  mean += (speed - mean) * kNewest;
}

}  // namespace

CoreSpeed core_speed(std::size_t n_tokens, int n_threads, double seconds, double cpu_seconds) {
  SPANQA_CHECK(n_threads > 0);
  if (n_tokens == 0 || !(seconds > 0.0)) return {};
  const double speed = static_cast<double>(n_tokens) / (seconds * n_threads);
  const bool is_told = cpu_seconds > 0.0 && cpu_seconds < seconds;
  return {.by_clock = speed, .by_cpu = is_told ? speed * (seconds / cpu_seconds) : speed};
}

Admission::Admission(const AdmissionOptions& options, const CoreSpeed& speed) : options_(options), speed_(speed) {
  SPANQA_CHECK(options.n_cores > 0 && speed.by_clock > 0.0 && speed.by_cpu > 0.0);
}

void Admission::record(std::size_t n_tokens, const CoreSpeed& speed) {
  if (!(speed.by_clock > 0.0)) return;
  follow(speed_.by_clock, speed.by_clock, n_tokens);
  follow(speed_.by_cpu, speed.by_cpu, n_tokens);
}

double Admission::tokens_per_second() const { return speed_.by_clock * options_.n_cores; }

double Admission::seconds_for(std::size_t n_tokens, int n_threads) const {
  return static_cast<double>(n_tokens) / (speed_.by_clock * n_threads);
}

std::size_t Admission::tokens_in(double seconds, int n_threads) const {
  return static_cast<std::size_t>(seconds * speed_.by_clock * n_threads);
}

std::size_t Admission::most_tokens() const {
  const double in_time = speed_.by_cpu * options_.n_cores * options_.deadline;
  const auto most = static_cast<std::size_t>(std::min(in_time, static_cast<double>(options_.queue_tokens)));
  return std::max(most, kPackedBatchTokens);
}

std::optional<Refusal> Admission::refuse(const WindowQueue& queue, std::size_t n_in_flight, std::size_t n_tokens,
                                         double seconds_left) const {
  if (n_tokens > most_tokens()) return Refusal{.reason = RefusalReason::kTooLong};
  if (seconds_left <= 0.0) return Refusal{.reason = RefusalReason::kLate};
  const std::size_t backlog = queue.n_tokens() + n_in_flight;
  if (backlog == 0) return std::nullopt;
  const double wait = seconds_for(queue.tokens_before(n_tokens) + n_in_flight, options_.n_cores);
  const bool has_room = queue.n_tokens() + n_tokens <= options_.queue_tokens;
  if (has_room && wait <= options_.share * seconds_left) return std::nullopt;
  const double seconds = std::clamp(std::ceil(seconds_for(backlog, options_.n_cores)), 1.0, kMostSeconds);
  return Refusal{.reason = RefusalReason::kBusy, .seconds = static_cast<int>(seconds)};
}

}  // namespace spanqa::serve

#include "serve/admission.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace spanqa::serve {
namespace {

// About the last 32 passes count: half a second of two cores, long enough to be steady.
constexpr double kNewest = 1.0 / 32.0;
constexpr double kMostSeconds = 3600.0;
// A pass with fewer does not tell: what each pass costs whatever its size weighs too much.
constexpr std::size_t kLeastTokens = 256;

}  // namespace

Admission::Admission(const AdmissionOptions& options, double tokens_per_second)
    : options_(options), core_speed_(tokens_per_second) {
  SPANQA_CHECK(options.n_cores > 0 && tokens_per_second > 0.0);
}

void Admission::record(std::size_t n_tokens, double seconds, int n_threads) {
  if (n_tokens < kLeastTokens || !(seconds > 0.0) || n_threads < 1) return;
  const double speed = static_cast<double>(n_tokens) / (seconds * n_threads);
  core_speed_ += (speed - core_speed_) * kNewest;
}

double Admission::tokens_per_second() const { return core_speed_ * options_.n_cores; }

std::optional<Refusal> Admission::refuse(const WindowQueue& queue, std::size_t n_in_flight, std::size_t n_tokens,
                                         double seconds_left) const {
  const double speed = tokens_per_second();
  if (static_cast<double>(n_tokens) / speed > seconds_left) return Refusal{.never = true};
  const std::size_t backlog = queue.n_tokens() + n_in_flight;
  const double wait = static_cast<double>(queue.tokens_before(n_tokens) + n_in_flight) / speed;
  const bool is_alone = backlog == 0;
  const bool in_time = is_alone || wait <= options_.share * seconds_left;
  const bool has_room = is_alone || queue.n_tokens() + n_tokens <= options_.queue_tokens;
  if (in_time && has_room) return std::nullopt;
  const double seconds = std::clamp(std::ceil(static_cast<double>(backlog) / speed), 1.0, kMostSeconds);
  return Refusal{.never = false, .seconds = static_cast<int>(seconds)};
}

}  // namespace spanqa::serve

#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.h"

namespace spanqa {
namespace {

double at_least_one(std::size_t n) { return static_cast<double>(std::max<std::size_t>(n, 1)); }

std::size_t rounded_up(double n) { return static_cast<std::size_t>(std::ceil(n)); }

}  // namespace

std::size_t steps_per_epoch(std::size_t n_batches, std::size_t accumulation_steps) {
  SPANQA_CHECK(accumulation_steps >= 1);
  return n_batches / accumulation_steps + (n_batches % accumulation_steps > 0 ? 1 : 0);
}

std::size_t count_steps(const TrainOptions& options, std::size_t epoch_steps) {
  if (options.max_steps > 0 && epoch_steps > 0) return options.max_steps;
  return rounded_up(options.epochs * static_cast<double>(epoch_steps));
}

std::size_t count_warmup_steps(const TrainOptions& options, std::size_t n_steps) {
  if (options.warmup_steps > 0) return options.warmup_steps;
  return rounded_up(options.warmup_ratio * static_cast<double>(n_steps));
}

RunLength run_length(const TrainOptions& options, std::size_t n_batches) {
  RunLength length;
  length.steps_in_epoch = steps_per_epoch(n_batches, options.accumulation_steps);
  length.n_steps = count_steps(options, length.steps_in_epoch);
  length.n_warmup_steps = count_warmup_steps(options, length.n_steps);
  return length;
}

double Schedule::factor(std::size_t step) const {
  const auto s = static_cast<double>(step);
  const auto n = static_cast<double>(n_steps_);
  const auto w = static_cast<double>(n_warmup_steps_);
  if (step < n_warmup_steps_) return s / at_least_one(n_warmup_steps_);
  const double rest = at_least_one(n_steps_ > n_warmup_steps_ ? n_steps_ - n_warmup_steps_ : 0);
  switch (kind_) {
    case ScheduleKind::kLinear:
      return std::max(0.0, (n - s) / rest);
    case ScheduleKind::kCosine:
      return step >= n_steps_ ? 0.0 : 0.5 * (1.0 + std::cos(std::numbers::pi * (s - w) / rest));
    case ScheduleKind::kConstant:
      return 1.0;
  }
  return 1.0;
}

}  // namespace spanqa

// For tests: runs a check once for each instruction set that this CPU has.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

#include "hwy/targets.h"
#include "nn/kernels/isa.h"

namespace spanqa {

/// Calls `check()` with every Highway target chosen in turn, down to the scalar one.
template <typename Check>
void for_each_target(const Check& check) {
  if (isa_limit() == Isa::kRef) GTEST_SKIP() << "SPANQA_ISA=ref: there is nothing to compare";
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
    ASSERT_STREQ(kernel_target_name(), hwy::TargetName(target));
    SCOPED_TRACE(hwy::TargetName(target));
    check();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

/// Random floats with a seed that a failing test prints.
class RandomFloats {
 public:
  explicit RandomFloats(std::uint32_t seed) : generator_(seed) {}
  std::vector<float> normal(std::size_t n, float spread = 1.0F) {
    std::normal_distribution<float> distribution(0.0F, spread);
    std::vector<float> values(n);
    for (float& value : values) value = distribution(generator_);
    return values;
  }
  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(generator_); }

 private:
  std::mt19937 generator_;
};

}  // namespace spanqa

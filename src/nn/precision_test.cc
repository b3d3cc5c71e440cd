#include "nn/precision.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/cpu.h"
#include "nn/kernels/isa.h"

namespace spanqa {
namespace {

TEST(Precision, NamesAreReadBack) {
  for (const Precision precision : {Precision::kFloat32, Precision::kBFloat16, Precision::kInt8}) {
    EXPECT_EQ(parse_precision(precision_name(precision)), precision);
  }
  EXPECT_EQ(precision_name(Precision::kBFloat16), std::string_view("bfloat16"));
  EXPECT_EQ(parse_precision("float16"), std::nullopt);
  EXPECT_EQ(parse_precision(""), std::nullopt);
}

TEST(Precision, FastBfloat16NeedsTheCpuAndLeaveToUseIt) {
  const std::vector<std::string> features = cpu_info().features;
  const bool has_feature = std::find(features.begin(), features.end(), "avx512_bf16") != features.end() ||
                           std::find(features.begin(), features.end(), "amx_bf16") != features.end();
  const bool may_use = isa_limit() == Isa::kAvx512 || isa_limit() == Isa::kBest;
  if (std::getenv("ONEDNN_MAX_CPU_ISA") != nullptr && has_feature && may_use) GTEST_SKIP() << "limited further";
  EXPECT_EQ(has_fast_bfloat16(), has_feature && may_use);
}

}  // namespace
}  // namespace spanqa

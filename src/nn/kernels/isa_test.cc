#include "nn/kernels/isa.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace spanqa {
namespace {

TEST(Isa, NamesAreRead) {
  EXPECT_EQ(parse_isa("ref"), Isa::kRef);
  EXPECT_EQ(parse_isa("sse4"), Isa::kSse4);
  EXPECT_EQ(parse_isa("avx2"), Isa::kAvx2);
  EXPECT_EQ(parse_isa("avx512"), Isa::kAvx512);
  EXPECT_EQ(parse_isa(""), std::nullopt);
  EXPECT_EQ(parse_isa("AVX2"), std::nullopt);
}

TEST(Isa, AnUnknownLimitIsNamedWithTheKnownOnes) {
  const char* const before = std::getenv("SPANQA_ISA");
  const std::string limit = before == nullptr ? "" : before;
  for (const char* good : {"ref", "avx512", ""}) {
    setenv("SPANQA_ISA", good, 1);
    EXPECT_TRUE(check_isa_limit()) << good;
  }
  setenv("SPANQA_ISA", "avx3", 1);
  const Status refused = check_isa_limit();
  setenv("SPANQA_ISA", limit.c_str(), 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused.error().message,
            "SPANQA_ISA is set to 'avx3'; it takes one of ref, sse4, avx2, avx512, or is not set");
}

// Each in a process of its own, since the limit is read once.
void exit_with_target(const char* limit, std::string_view known) {
  setenv("SPANQA_ISA", limit, 1);
  const std::string_view chosen = kernel_target_name();
  std::exit(known.find(chosen) != std::string_view::npos ? 0 : 1);
}

TEST(IsaDeathTest, TheLimitHolds) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(exit_with_target("ref", "ref"), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(exit_with_target("sse4", "SSE4 SSSE3 EMU128 SCALAR"), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(exit_with_target("avx2", "AVX2 SSE4 SSSE3 EMU128 SCALAR"), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace spanqa

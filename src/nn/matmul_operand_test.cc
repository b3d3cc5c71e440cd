#include "nn/matmul_operand.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "nn/kernels/elementwise.h"
#include "nn/kernels/target_loop.h"

namespace spanqa {
namespace {

std::vector<float> rounded(Arithmetic arithmetic, const std::vector<float>& x) {
  std::vector<float> result(x.size());
  if (arithmetic != Arithmetic::kBFloat16) {
    to_operand(arithmetic, x.data(), x.size(), result.data());
    return result;
  }
  std::vector<std::uint16_t> halves(x.size());
  to_operand(arithmetic, x.data(), x.size(), halves.data());
  to_float32_ref(halves.data(), DType::kBFloat16, halves.size(), result.data());
  return result;
}

TEST(MatmulOperand, RoundsToTheNearestBfloat16AndTiesToEven) {
  const float up = std::bit_cast<float>(0x3F80C000U);        // three quarters of the way to the next
  const float tie_even = std::bit_cast<float>(0x3F808000U);  // between 0x3F80 and 0x3F81
  const float tie_odd = std::bit_cast<float>(0x3F818000U);   // between 0x3F81 and 0x3F82
  const float below_tie = std::bit_cast<float>(0x3F807FFFU);
  const std::vector<float> x = {0.0F, -2.5F, up, tie_even, tie_odd, below_tie, 3e38F};
  for (const Arithmetic arithmetic : {Arithmetic::kBFloat16, Arithmetic::kRoundedFloat32}) {
    const std::vector<float> y = rounded(arithmetic, x);
    EXPECT_EQ(y[0], 0.0F);
    EXPECT_EQ(y[1], -2.5F);
    EXPECT_EQ(std::bit_cast<std::uint32_t>(y[2]), 0x3F810000U);
    EXPECT_EQ(std::bit_cast<std::uint32_t>(y[3]), 0x3F800000U);
    EXPECT_EQ(std::bit_cast<std::uint32_t>(y[4]), 0x3F820000U);
    EXPECT_EQ(std::bit_cast<std::uint32_t>(y[5]), 0x3F800000U);
    EXPECT_NEAR(y[6], 3e38F, 3e38F / 256);
  }
}

TEST(MatmulOperand, KeepsWhatIsNotANumber) {
  const float nan = std::bit_cast<float>(0x7F800001U);  // whose upper half alone would be an infinity
  const float infinity = std::numeric_limits<float>::infinity();
  for (const Arithmetic arithmetic : {Arithmetic::kBFloat16, Arithmetic::kRoundedFloat32}) {
    const std::vector<float> y = rounded(arithmetic, {nan, -nan, infinity, -infinity});
    EXPECT_TRUE(std::isnan(y[0]));
    EXPECT_TRUE(std::isnan(y[1]));
    EXPECT_EQ(y[2], infinity);
    EXPECT_EQ(y[3], -infinity);
  }
}

TEST(MatmulOperand, BothRoundingFormsAgreeAtEveryLength) {
  const std::uint32_t seed = 7;
  SCOPED_TRACE(seed);
  RandomFloats random(seed);
  for (const std::size_t n : {0U, 1U, 15U, 33U, 511U, 512U, 1100U}) {
    const std::vector<float> x = random.normal(n);
    EXPECT_EQ(rounded(Arithmetic::kBFloat16, x), rounded(Arithmetic::kRoundedFloat32, x)) << n;
    EXPECT_EQ(rounded(Arithmetic::kFloat32, x), x) << n;
  }
}

TEST(MatmulOperand, Float32IsWhatItSays) {
  EXPECT_EQ(arithmetic_of(Precision::kFloat32), Arithmetic::kFloat32);
  EXPECT_EQ(arithmetic_of(Precision::kBFloat16),
            has_fast_bfloat16() ? Arithmetic::kBFloat16 : Arithmetic::kRoundedFloat32);
  EXPECT_EQ(operand_size(Arithmetic::kBFloat16), 2U);
  EXPECT_EQ(operand_size(Arithmetic::kRoundedFloat32), 4U);
}

}  // namespace
}  // namespace spanqa

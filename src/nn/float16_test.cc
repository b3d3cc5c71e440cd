#include "nn/float16.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "nn/kernels/elementwise.h"

namespace spanqa {
namespace {

/// The value of a float16, exactly, worked out from its fields.
double value_of(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int mantissa = bits & 1023;
  const double magnitude = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

float next(float x, float towards) { return std::nextafter(x, towards); }

TEST(ToFloat16, EveryFiniteNumberOfTheFormatComesBack) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    if ((half & 0x7C00) == 0x7C00) continue;
    EXPECT_EQ(to_float16(static_cast<float>(value_of(half))), half) << bits;
  }
}

TEST(ToFloat16, RoundsToTheNearestAndTiesToEven) {
  for (std::uint16_t low = 0; low < 0x7BFF; ++low) {
    const auto high = static_cast<std::uint16_t>(low + 1);
    const auto middle = static_cast<float>((value_of(low) + value_of(high)) / 2);  // exact: float32 has 13 bits more
    EXPECT_EQ(to_float16(middle), low % 2 == 0 ? low : high) << low;
    EXPECT_EQ(to_float16(next(middle, 0.0F)), low) << low;
    EXPECT_EQ(to_float16(next(middle, 1e9F)), high) << low;
    EXPECT_EQ(to_float16(-middle), (low % 2 == 0 ? low : high) | 0x8000) << low;
  }
}

TEST(ToFloat16, BeyondTheRangeIsInfinite) {
  EXPECT_EQ(to_float16(65504.0F), 0x7BFF);
  EXPECT_EQ(to_float16(next(65520.0F, 0.0F)), 0x7BFF);
  EXPECT_EQ(to_float16(65520.0F), 0x7C00);
  EXPECT_EQ(to_float16(-1e30F), 0xFC00);
  EXPECT_EQ(to_float16(std::numeric_limits<float>::infinity()), 0x7C00);
  EXPECT_EQ(to_float16(1e-30F), 0);
  EXPECT_EQ(to_float16(-0.0F), 0x8000);
  EXPECT_EQ(to_float16(std::bit_cast<float>(0x7F800001U)) & 0x7E00, 0x7E00);
}

TEST(ToFloat16, IsWhatTheReaderReadsBack) {
  std::vector<float> values;
  for (int i = -500; i < 500; ++i) values.push_back(static_cast<float>(i) * 0.37F);
  std::vector<std::uint16_t> narrow(values.size());
  ASSERT_EQ(to_float16(values, narrow.data()), values.size());
  std::vector<float> wide(values.size());
  to_float32(reinterpret_cast<const std::byte*>(narrow.data()), DType::kFloat16, values.size(), wide.data());
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(wide[i], values[i], std::abs(values[i]) / 2048) << i;
}

TEST(ToFloat16, NamesTheFirstThatDoesNotFit) {
  const std::vector<float> values = {1.0F, 70000.0F, std::nanf("")};
  std::vector<std::uint16_t> narrow(values.size());
  EXPECT_EQ(to_float16(values, narrow.data()), 1U);
  EXPECT_EQ(narrow[0], 0x3C00);
  EXPECT_EQ(to_float16(std::span(values).subspan(2), narrow.data()), 0U);
}

}  // namespace
}  // namespace spanqa

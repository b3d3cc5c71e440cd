#include "nn/kernels/dropout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "nn/kernels/target_loop.h"

namespace spanqa {
namespace {

using Block = std::array<std::uint32_t, 4>;
constexpr std::uint32_t kOnes = 0xFFFFFFFFU;

// Known answers of Random123's kat_vectors.
TEST(Philox, GivesThePublishedAnswers) {
  const Block pi = {0x243F6A88U, 0x85A308D3U, 0x13198A2EU, 0x03707344U};
  const std::array<std::uint32_t, 2> pi_key = {0xA4093822U, 0x299F31D0U};
  EXPECT_EQ(philox4x32<7>({}, {}), (Block{0x5F6FB709U, 0x0D893F64U, 0x4F121F81U, 0x4F730A48U}));
  EXPECT_EQ(philox4x32<7>({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Block{0x5207DDC2U, 0x45165E59U, 0x4D8EE751U, 0x8C52F662U}));
  EXPECT_EQ(philox4x32<7>(pi, pi_key), (Block{0x4DFCCABAU, 0x190A87F0U, 0xC47362BAU, 0xB6B5242AU}));
  EXPECT_EQ(philox4x32<10>({}, {}), (Block{0x6627E8D5U, 0xE169C58DU, 0xBC57AC4CU, 0x9B00DBD8U}));
  EXPECT_EQ(philox4x32<10>({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Block{0x408F276DU, 0x41C83B0EU, 0xA20BC7C6U, 0x6D5451FDU}));
  EXPECT_EQ(philox4x32<10>(pi, pi_key), (Block{0xD16CFE09U, 0x94FDCCEBU, 0x5001E420U, 0x24126EA1U}));
}

TEST(MakeDropout, RoundsTheRateAndKeepsTheMean) {
  EXPECT_TRUE(make_dropout(0.0F, 1, 2).is_off());
  EXPECT_EQ(make_dropout(0.0F, 1, 2).scale, 1.0F);
  const Dropout tenth = make_dropout(0.1F, 1, 2);
  EXPECT_EQ(tenth.threshold, 6554);
  EXPECT_FLOAT_EQ(tenth.scale, 65536.0F / 58982.0F);
  EXPECT_EQ(make_dropout(0.9F, 1, 2).threshold, 58982);
}

TEST(IsKept, ReadsTheWordsOfTheDocumentedBlock) {
  const Dropout drop{.seed = 0x299F31D0A4093822U, .stream = 0x0370734413198A2EU, .threshold = 0xC473, .scale = 1.0F};
  const auto block = philox4x32<7>({8 * 16 + 5, 77, 0x13198A2EU, 0x03707344U}, {0xA4093822U, 0x299F31D0U});
  for (std::uint32_t k = 0; k < 8; ++k) {
    const std::uint32_t number = k % 2 == 0 ? block[k / 2] & 0xFFFFU : block[k / 2] >> 16U;
    EXPECT_EQ(is_kept(drop, 77, 8 * 128 + k * 16 + 5), number >= 0xC473U) << k;
  }
}

TEST(Dropout, AgreesWithTheDefinitionOnRandomShapes) {
  const std::uint32_t seed = 4071;
  SCOPED_TRACE(seed);
  for_each_target([&] {
    RandomFloats random(seed);
    for (const std::size_t width : {1U, 3U, 4U, 15U, 16U, 17U, 31U, 100U, 127U, 128U, 129U, 384U, 500U, 1536U}) {
      for (const float p : {0.0F, 0.1F, 0.5F, 0.9F}) {
        const std::size_t rows = random.below(4);
        const std::size_t first_row = random.below(std::size_t{1} << 31U);
        SCOPED_TRACE(testing::Message() << rows << " x " << width << " from " << first_row << ", p " << p);
        const Dropout drop = make_dropout(p, random.below(~std::size_t{0}), random.below(~std::size_t{0}));
        const std::vector<float> x = random.normal(rows * width);
        std::vector<float> ref(x.size());
        std::vector<float> fast(x.size() + 1, -123.0F);
        dropout_ref(drop, first_row, rows, width, x.data(), ref.data());
        dropout(drop, first_row, rows, width, x.data(), fast.data());
        ASSERT_EQ(fast.back(), -123.0F);
        fast.pop_back();
        ASSERT_EQ(fast, ref);
        std::vector<float> in_place = x;
        dropout(drop, first_row, rows, width, in_place.data(), in_place.data());
        ASSERT_EQ(in_place, ref);
      }
    }
  });
}

TEST(Dropout, DropsToZeroWhateverStoodThere) {
  for_each_target([] {
    const Dropout drop = make_dropout(0.5F, 1, 1);
    std::vector<float> x(300, std::numeric_limits<float>::quiet_NaN());
    dropout(drop, 0, 1, x.size(), x.data(), x.data());
    for (std::uint32_t c = 0; c < x.size(); ++c) ASSERT_EQ(std::isnan(x[c]), is_kept(drop, 0, c)) << c;
  });
}

std::vector<float> factors(const Dropout& drop, std::size_t rows, std::size_t width) {
  std::vector<float> x(rows * width, 1.0F);
  dropout(drop, 0, rows, width, x.data(), x.data());
  return x;
}

// Share of zeros in `a`, and of places where `a` and `b` both are zero.
double share_dropped(const std::vector<float>& a, const std::vector<float>& b) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < a.size(); ++i) n += static_cast<std::size_t>(a[i] == 0.0F && b[i] == 0.0F);
  return static_cast<double>(n) / static_cast<double>(a.size());
}

// Five standard deviations of a share of `n` independent draws.
double five_deviations(double p, double n) { return 5.0 * std::sqrt(p * (1.0 - p) / n); }

TEST(Dropout, DropsTheRateThatIsAskedForInEveryRowColumnAndStream) {
  constexpr std::size_t kRows = 1000;
  constexpr std::size_t kWidth = 384;
  for (const float p : {0.1F, 0.25F, 0.5F}) {
    SCOPED_TRACE(p);
    const std::vector<float> x = factors(make_dropout(p, 42, 7), kRows, kWidth);
    const double rate = static_cast<double>(p);
    const double n = static_cast<double>(x.size());
    EXPECT_NEAR(share_dropped(x, x), rate, five_deviations(rate, n));
    std::vector<float> next_column = x;
    std::rotate(next_column.begin(), next_column.begin() + 1, next_column.end());
    std::vector<float> next_row = x;
    std::rotate(next_row.begin(), next_row.begin() + kWidth, next_row.end());
    const double both = rate * rate;
    EXPECT_NEAR(share_dropped(x, next_column), both, five_deviations(both, n));
    EXPECT_NEAR(share_dropped(x, next_row), both, five_deviations(both, n));
    EXPECT_NEAR(share_dropped(x, factors(make_dropout(p, 42, 8), kRows, kWidth)), both, five_deviations(both, n));
    EXPECT_NEAR(share_dropped(x, factors(make_dropout(p, 43, 7), kRows, kWidth)), both, five_deviations(both, n));
    for (std::size_t c = 0; c < kWidth; ++c) {
      std::size_t dropped = 0;
      for (std::size_t r = 0; r < kRows; ++r) dropped += static_cast<std::size_t>(x[r * kWidth + c] == 0.0F);
      ASSERT_NEAR(static_cast<double>(dropped) / kRows, rate, five_deviations(rate, kRows)) << c;
    }
  }
}

TEST(Dropout, DoesNotDependOnHowRowsAreSplit) {
  const Dropout drop = make_dropout(0.1F, 5, 6);
  const std::vector<float> whole = factors(drop, 10, 200);
  std::vector<float> x(whole.size(), 1.0F);
  dropout(drop, 0, 3, 200, x.data(), x.data());
  float* const fourth_row = x.data() + std::size_t{3} * 200;
  dropout(drop, 3, 7, 200, fourth_row, fourth_row);
  EXPECT_EQ(x, whole);
}

}  // namespace
}  // namespace spanqa

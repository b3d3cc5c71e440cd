#include "nn/kernels/int8_product.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string_view>
#include <vector>

#include "nn/kernels/target_loop.h"

namespace spanqa {
namespace {

// Bytes over their full range, the ends more often than chance has them: there sums of pairs would saturate.
class RandomBytes {
 public:
  explicit RandomBytes(std::uint32_t seed) : generator_(seed) {}
  template <typename Byte>
  std::vector<Byte> bytes(std::size_t n) {
    std::vector<Byte> values(n);
    for (Byte& value : values) {
      const auto bits = static_cast<std::uint32_t>(generator_());
      value = static_cast<Byte>((bits & 0x700U) != 0 ? bits : (bits & 0x800U) != 0 ? 0x80U : 0x7FU);
      if (sizeof(Byte) == 1 && Byte(-1) > 0 && (bits & 0x7000U) == 0) value = static_cast<Byte>(0xFFU);
    }
    return values;
  }

 private:
  std::mt19937 generator_;
};

struct Operands {
  Operands(std::size_t rows, std::size_t n, std::size_t k, std::uint32_t seed)
      : n_rows(rows), stride((k + kInt8Group - 1) / kInt8Group * kInt8Group + seed % 3) {
    RandomBytes random(seed);
    matrix = random.bytes<std::int8_t>(n * k);
    x = random.bytes<std::uint8_t>(rows * stride);  // what stands behind k must not count
  }
  Int8Rows rows() const { return {.values = x.data(), .n = n_rows, .stride = stride}; }
  std::size_t n_rows;
  std::size_t stride;
  std::vector<std::int8_t> matrix;
  std::vector<std::uint8_t> x;
};

using Product = void (*)(const Int8Rows&, const Int8Weights&, std::size_t, std::int32_t*);

// All panels side by side, [n_panels, rows, 64], among guards that no product may touch.
std::vector<std::int32_t> product_of(Product product, const Operands& operands, const Int8Weights& weights) {
  constexpr std::int32_t kGuard = -123456789;
  const std::size_t size = operands.n_rows * kInt8Panel;
  std::vector<std::int32_t> all;
  AlignedBuffer memory;
  auto* const sums = reinterpret_cast<std::int32_t*>(memory.at_least(size + kInt8Panel));
  for (std::size_t panel = 0; panel < weights.n_panels(); ++panel) {
    std::fill_n(sums, size + kInt8Panel, kGuard);
    product(operands.rows(), weights, panel, sums);
    for (std::size_t i = 0; i < kInt8Panel; ++i) EXPECT_EQ(sums[size + i], kGuard);
    all.insert(all.end(), sums, sums + size);
  }
  return all;
}

// The formula on the matrix as it was given, whatever the layout.
std::vector<std::int32_t> formula(const Operands& operands, const Int8Weights& weights) {
  std::vector<std::int32_t> all(weights.n_panels() * operands.n_rows * kInt8Panel);
  for (std::size_t r = 0; r < operands.n_rows; ++r) {
    for (std::size_t c = 0; c < weights.n(); ++c) {
      std::int32_t sum = 0;
      for (std::size_t i = 0; i < weights.k(); ++i) {
        sum += operands.x[r * operands.stride + i] * operands.matrix[c * weights.k() + i];
      }
      all[(c / kInt8Panel * operands.n_rows + r) * kInt8Panel + c % kInt8Panel] = sum;
    }
  }
  return all;
}

void expect_equal_on_all_shapes(Product product) {
  const std::uint32_t seed = 20260611;
  SCOPED_TRACE(seed);
  std::mt19937 shapes(seed);
  const auto below = [&](std::uint32_t n) { return static_cast<std::size_t>(shapes() % n); };
  for (std::uint32_t i = 0; i < 60; ++i) {
    const std::size_t rows = i < 27 ? i : 1 + below(40);  // every tail of a block
    const std::size_t n = 1 + below(200);
    const std::size_t k = i < 20 ? 1 + i : 1 + below(i % 10 == 0 ? 3000 : 300);
    SCOPED_TRACE(testing::Message() << rows << " rows, n " << n << ", k " << k);
    const Operands operands(rows, n, k, seed + i);
    const Int8Weights weights(operands.matrix.data(), n, k);
    ASSERT_EQ(product_of(product, operands, weights), formula(operands, weights));
  }
}

TEST(Int8Product, RefIsTheFormula) { expect_equal_on_all_shapes(int8_product_ref); }

TEST(Int8Product, PairsEqualTheFormulaOnEveryTarget) {
  for_each_target([] { expect_equal_on_all_shapes(int8_product_pairs); });
}

TEST(Int8Product, VnniEqualsTheFormula) {
  if (!has_vnni()) GTEST_SKIP() << "no AVX-512 VNNI here, or SPANQA_ISA forbids it";
  expect_equal_on_all_shapes(int8_product_vnni);
}

TEST(Int8Product, TheChosenOneEqualsTheFormula) { expect_equal_on_all_shapes(int8_product); }

// The longest row with the largest bytes: 32 bits hold its sum, and no step on the way saturates.
TEST(Int8Product, TheLargestSumsAreExact) {
  const auto check = [](Product product) {
    for (const std::int8_t weight : {std::int8_t{-128}, std::int8_t{127}}) {
      Operands operands(3, 2, kInt8MaxK, 0);
      std::fill(operands.matrix.begin(), operands.matrix.end(), weight);
      std::fill(operands.x.begin(), operands.x.end(), std::uint8_t{255});
      const Int8Weights weights(operands.matrix.data(), 2, kInt8MaxK);
      EXPECT_EQ(weights.column_sums(0)[1], weight * 65536);
      EXPECT_EQ(product_of(product, operands, weights)[kInt8Panel + 1], 255 * 65536 * weight);
    }
  };
  check(int8_product);
  for_each_target([&] { check(int8_product_pairs); });
}

TEST(Int8Weights, KeepsShapeAndColumnSums) {
  const std::vector<std::int8_t> matrix = {1, 2, 3, 4, 5, -6, -7, -8, -9, -128};
  const Int8Weights weights(matrix.data(), 2, 5);
  EXPECT_EQ(weights.n(), 2U);
  EXPECT_EQ(weights.k(), 5U);
  EXPECT_EQ(weights.n_groups(), 2U);
  EXPECT_EQ(weights.n_panels(), 1U);
  EXPECT_EQ(weights.column_sums(0)[0], 15);
  EXPECT_EQ(weights.column_sums(0)[1], -158);
  EXPECT_EQ(weights.column_sums(0)[2], 0);
}

TEST(Int8Weights, ARowTooLongForItsSumIsAFaultOfOurs) {
  const std::vector<std::int8_t> matrix(kInt8MaxK + 1);
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(Int8Weights(matrix.data(), 1, kInt8MaxK + 1), "SPANQA_CHECK");
}

TEST(Int8Product, SaysWhatItRunsOn) {
  const std::string name = int8_kernel_name();
  EXPECT_TRUE(name == "int8:vnni" || name == "int8:ref" || name.starts_with("int8:pairs:")) << name;
  EXPECT_EQ(name == "int8:vnni", has_vnni());
}

}  // namespace
}  // namespace spanqa

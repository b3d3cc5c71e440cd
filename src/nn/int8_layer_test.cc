#include "nn/int8_layer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "nn/kernels/int8_rows.h"
#include "nn/kernels/target_loop.h"
#include "nn/testing_matmul.h"

namespace spanqa {
namespace {

struct Fixture {
  Fixture(std::size_t in, std::size_t out, RandomFloats& random)
      : k(in), weight(random.normal(in * out, 0.1F)), bias(random.normal(out)), values(in * out), scales(out) {
    quantise_weights_ref(weight.data(), out, in, values.data(), scales.data());
  }
  Int8Layer layer() const {
    return {Int8Matrix{.values = values.data(), .scales = scales.data(), .n = bias.size(), .k = k}, bias.data()};
  }
  // The formula on numbers as they were rounded.
  std::vector<float> ref(const std::vector<float>& x) const {
    const std::size_t rows = x.size() / k;
    std::vector<std::uint8_t> bytes(x.size());
    std::vector<RowScale> meaning(rows);
    quantise_rows_ref(x.data(), rows, k, {.values = bytes.data(), .stride = k, .scales = meaning.data()});
    std::vector<float> rounded_x(x.size());
    std::vector<float> rounded_weight(weight.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      rounded_x[i] = meaning[i / k].scale * static_cast<float>(bytes[i] - meaning[i / k].zero);
    }
    for (std::size_t i = 0; i < weight.size(); ++i) rounded_weight[i] = scales[i / k] * static_cast<float>(values[i]);
    return linear_ref(rounded_x, rounded_weight, bias, k);
  }
  std::size_t k;
  std::vector<float> weight;
  std::vector<float> bias;
  std::vector<std::int8_t> values;
  std::vector<float> scales;
};

std::vector<float> forward_int8(const Int8Layer& layer, const std::vector<float>& x, int n_threads,
                                std::optional<Activation> activation = std::nullopt) {
  const std::size_t rows = x.size() / layer.k();
  std::vector<float> y(rows * layer.n() + 1, -7.0F);
  AlignedBuffer scratch;
  layer.forward(x.data(), rows, activation, y.data(), scratch, n_threads);
  EXPECT_EQ(y.back(), -7.0F);
  y.pop_back();
  return y;
}

TEST(Int8Layer, IsTheFormulaOnRoundedNumbers) {
  const std::uint32_t seed = 99;
  SCOPED_TRACE(seed);
  for_each_target([&] {
    RandomFloats random(seed);
    for (const std::size_t rows : {0U, 1U, 2U, 23U, 25U, 64U, 129U, 300U}) {
      const Fixture fixture(1 + random.below(200), 1 + random.below(200), random);
      SCOPED_TRACE(testing::Message() << rows << " rows, k " << fixture.k << ", n " << fixture.bias.size());
      const std::vector<float> x = random.normal(rows * fixture.k);
      expect_near(forward_int8(fixture.layer(), x, 1), fixture.ref(x), 1e-5);
    }
  });
}

TEST(Int8Layer, IsNearTheProductOfFloats) {
  RandomFloats random(7);
  const Fixture fixture(384, 96, random);
  const std::vector<float> x = random.normal(std::size_t{20} * 384);
  const std::vector<float> y = forward_int8(fixture.layer(), x, 1);
  const std::vector<float> exact = linear_ref(x, fixture.weight, fixture.bias, 384);
  double error = 0.0;
  for (std::size_t i = 0; i < y.size(); ++i) error += std::pow(static_cast<double>(y[i] - exact[i]), 2);
  // Numbers of deviation 2; steps of 6 / 255 and 0.3 / 127 round with a twelfth of their squares, 384 times each.
  EXPECT_LT(std::sqrt(error / static_cast<double>(y.size())), 0.025);
}

TEST(Int8Layer, AppliesTheActivation) {
  RandomFloats random(8);
  const Fixture fixture(40, 70, random);
  const std::vector<float> x = random.normal(std::size_t{9} * 40);
  for (const Activation activation : {Activation::kGelu, Activation::kGeluTanh, Activation::kRelu}) {
    std::vector<float> ref = fixture.ref(x);
    activate(activation, ref.data(), ref.size());
    expect_near(forward_int8(fixture.layer(), x, 1, activation), ref, 1e-5);
  }
}

// Few rows are shared by panels, many by rows.
TEST(Int8Layer, ARowDependsNeitherOnThreadsNorOnOtherRows) {
  RandomFloats random(9);
  const Fixture fixture(100, 300, random);
  const Int8Layer layer = fixture.layer();
  const std::vector<float> x = random.normal(std::size_t{290} * 100);
  const std::vector<float> all = forward_int8(layer, x, 1);
  for (const std::size_t rows : {1U, 5U, 47U, 72U, 128U, 290U}) {
    const std::vector<float> first(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(rows * 100));
    for (const int n_threads : {1, 2, 3}) {
      SCOPED_TRACE(testing::Message() << rows << " rows, " << n_threads << " threads");
      const std::vector<float> y = forward_int8(layer, first, n_threads);
      EXPECT_TRUE(std::equal(y.begin(), y.end(), all.begin()));
    }
  }
}

TEST(Int8Layer, LayersShareScratch) {
  RandomFloats random(10);
  AlignedBuffer scratch;
  for (const std::size_t k : {300U, 20U, 700U}) {
    const Fixture fixture(k, 65, random);
    const std::vector<float> x = random.normal(3 * k);
    std::vector<float> y(std::size_t{3} * 65);
    fixture.layer().forward(x.data(), 3, std::nullopt, y.data(), scratch, 1);
    expect_near(y, fixture.ref(x), 1e-5);
  }
}

TEST(Int8Layer, AFaultInARowReachesAllOfItsResults) {
  RandomFloats random(11);
  const Fixture fixture(30, 20, random);
  std::vector<float> x = random.normal(std::size_t{3} * 30);
  x[30 + 4] = std::numeric_limits<float>::infinity();
  const std::vector<float> y = forward_int8(fixture.layer(), x, 1);
  for (std::size_t i = 0; i < y.size(); ++i) EXPECT_EQ(std::isfinite(y[i]), i / 20 != 1) << i;
}

}  // namespace
}  // namespace spanqa

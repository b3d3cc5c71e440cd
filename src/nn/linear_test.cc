#include "nn/linear.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "nn/kernels/elementwise.h"
#include "nn/kernels/target_loop.h"
#include "nn/matmul_peak.h"

namespace spanqa {
namespace {

// y = x W^T + b in double.
std::vector<float> linear_ref(const std::vector<float>& x, const std::vector<float>& weight,
                              const std::vector<float>& bias, std::size_t k) {
  const std::size_t n = bias.size();
  std::vector<float> y;
  for (std::size_t r = 0; r < x.size() / k; ++r) {
    for (std::size_t j = 0; j < n; ++j) {
      double sum = static_cast<double>(bias[j]);
      for (std::size_t c = 0; c < k; ++c)
        sum += static_cast<double>(x[r * k + c]) * static_cast<double>(weight[j * k + c]);
      y.push_back(static_cast<float>(sum));
    }
  }
  return y;
}

struct Fixture {
  Fixture(std::size_t n_in, std::size_t n_out, RandomFloats& random)
      : k(n_in), weight(random.normal(n_in * n_out, 0.1F)), bias(random.normal(n_out)) {}
  Linear linear() const {
    const LinearPart part{.weight = weight.data(), .bias = bias.data(), .n = bias.size()};
    return Linear::create({&part, 1}, k).value();
  }
  std::size_t k;
  std::vector<float> weight;
  std::vector<float> bias;
};

std::vector<float> forward(const Linear& linear, const std::vector<float>& x, MatmulContext& context) {
  const std::size_t rows = x.size() / linear.k();
  std::vector<float> padded = x;
  padded.resize((rows + kLinearSlackRows) * linear.k(), std::nanf(""));  // garbage that would show
  std::vector<float> y((rows + kLinearSlackRows) * linear.n());
  linear.forward(padded.data(), rows, y.data(), context);
  y.resize(rows * linear.n());
  return y;
}

std::vector<float> first_rows(const std::vector<float>& rows, std::size_t n_floats) {
  return {rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(n_floats)};
}

void expect_near(const std::vector<float>& fast, const std::vector<float>& ref) {
  ASSERT_EQ(fast.size(), ref.size());
  for (std::size_t i = 0; i < fast.size(); ++i) ASSERT_NEAR(fast[i], ref[i], 1e-4) << i;
}

TEST(Linear, AgreesWithTheFormulaOnOddShapes) {
  const std::uint32_t seed = 99;
  SCOPED_TRACE(seed);
  RandomFloats random(seed);
  MatmulContext context(1);
  for (const auto& [k, n] : {std::pair<std::size_t, std::size_t>{1, 1}, {3, 5}, {64, 192}, {100, 70}, {384, 2}}) {
    const Fixture fixture(k, n, random);
    const Linear linear = fixture.linear();
    for (const std::size_t rows : {0U, 1U, 15U, 16U, 17U, 128U, 129U, 300U}) {
      SCOPED_TRACE(testing::Message() << rows << " rows, " << k << " x " << n);
      const std::vector<float> x = random.normal(rows * k);
      expect_near(forward(linear, x, context), linear_ref(x, fixture.weight, fixture.bias, k));
    }
  }
}

TEST(Linear, PartsStandSideBySide) {
  RandomFloats random(100);
  const std::size_t k = 48;
  const Fixture a(k, 20, random);
  const Fixture b(k, 33, random);
  const std::vector<LinearPart> parts = {{a.weight.data(), a.bias.data(), 20}, {b.weight.data(), nullptr, 33}};
  const Linear fused = Linear::create(parts, k).value();
  EXPECT_EQ(fused.k(), k);
  EXPECT_EQ(fused.n(), 53U);
  std::vector<float> weight = a.weight;
  weight.insert(weight.end(), b.weight.begin(), b.weight.end());
  std::vector<float> bias = a.bias;
  bias.resize(53, 0.0F);
  MatmulContext context;
  const std::vector<float> x = random.normal(7 * k);
  expect_near(forward(fused, x, context), linear_ref(x, weight, bias, k));
}

TEST(Linear, LayersOfOneShapeShareAContextAndNotTheirWeights) {
  RandomFloats random(105);
  MatmulContext context;
  const std::vector<float> x = random.normal(std::size_t{9} * 40);
  for (int layer = 0; layer < 3; ++layer) {
    const Fixture fixture(40, 24, random);
    expect_near(forward(fixture.linear(), x, context), linear_ref(x, fixture.weight, fixture.bias, 40));
  }
}

TEST(Linear, NothingIsAnError) {
  const LinearPart empty{};
  EXPECT_EQ(Linear::create({&empty, 1}, 4).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Linear::create({}, 4).error().code, ErrorCode::kInvalidArgument);
  RandomFloats random(1);
  const Fixture fixture(4, 4, random);
  const LinearPart part{.weight = fixture.weight.data(), .bias = nullptr, .n = 4};
  EXPECT_EQ(Linear::create({&part, 1}, 0).error().code, ErrorCode::kInvalidArgument);
}

TEST(Linear, ARowsResultDoesNotDependOnTheRowCount) {
  RandomFloats random(101);
  const Fixture fixture(384, 96, random);
  const Linear linear = fixture.linear();
  EXPECT_FALSE(linear.kernel_name().empty());
  if (!linear.kernel_name().starts_with("brg")) GTEST_SKIP() << linear.kernel_name() << " gives no such promise";
  MatmulContext context;
  const std::vector<float> x = random.normal(200 * linear.k());
  const std::vector<float> all = forward(linear, x, context);
  const std::vector<float> few = forward(linear, first_rows(x, 3 * linear.k()), context);
  EXPECT_EQ(few, first_rows(all, 3 * linear.n()));
}

TEST(Linear, SeveralOpenMpThreadsAgree) {
  RandomFloats random(103);
  const Fixture fixture(96, 130, random);
  MatmulContext context(2);
  EXPECT_EQ(context.n_threads(), 2);
  const std::vector<float> x = random.normal(210 * fixture.k);
  expect_near(forward(fixture.linear(), x, context), linear_ref(x, fixture.weight, fixture.bias, 96));
}

TEST(FeedForward, IsDownOfActivationOfUp) {
  RandomFloats random(104);
  const Fixture up(32, 72, random);
  const Fixture down(72, 32, random);
  const Linear up_linear = up.linear();
  const Linear down_linear = down.linear();
  std::vector<float> intermediate(feed_forward_scratch(up_linear));
  for (const int n_threads : {1, 2}) {
    MatmulContext context(n_threads);
    for (const std::size_t rows : {0U, 1U, 128U, 131U, 260U}) {
      SCOPED_TRACE(rows);
      std::vector<float> x = random.normal(rows * 32);
      std::vector<float> middle = linear_ref(x, up.weight, up.bias, 32);
      gelu_ref(middle.data(), middle.size());
      const std::vector<float> ref = linear_ref(middle, down.weight, down.bias, 72);
      x.resize((rows + kLinearSlackRows) * 32);
      std::vector<float> y((rows + kLinearSlackRows) * 32);
      feed_forward({.up = up_linear, .down = down_linear}, x.data(), rows, y.data(), intermediate.data(), context);
      y.resize(rows * 32);
      expect_near(y, ref);
    }
  }
}

TEST(Activate, CallsTheNamedFunction) {
  std::vector<float> gelus = {-1.0F};
  std::vector<float> tanhs = {-1.0F};
  std::vector<float> relus = {-1.0F};
  activate(Activation::kGelu, gelus.data(), 1);
  activate(Activation::kGeluTanh, tanhs.data(), 1);
  activate(Activation::kRelu, relus.data(), 1);
  EXPECT_NEAR(gelus[0], -0.15865525F, 1e-6F);
  EXPECT_NEAR(tanhs[0], -0.15880801F, 1e-6F);
  EXPECT_EQ(relus[0], 0.0F);
}

TEST(MatmulPeak, IsAPlausibleFigure) {
  const double gflops = bare_matmul_gflops(1);
  EXPECT_GT(gflops, 0.01);
  EXPECT_LT(gflops, 100000.0);
}

}  // namespace
}  // namespace spanqa

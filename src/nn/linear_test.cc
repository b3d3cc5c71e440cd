#include "nn/linear.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>
#include <vector>

#include "nn/int8_layer.h"
#include "nn/kernels/elementwise.h"
#include "nn/kernels/int8_rows.h"
#include "nn/kernels/target_loop.h"
#include "nn/matmul_peak.h"
#include "nn/onednn.h"
#include "nn/testing_matmul.h"

namespace spanqa {
namespace {

struct Fixture {
  Fixture(std::size_t n_in, std::size_t n_out, RandomFloats& random)
      : k(n_in), weight(random.normal(n_in * n_out, 0.1F)), bias(random.normal(n_out)) {}
  LinearPart part() const { return {.weight = weight.data(), .bias = bias.data(), .n = bias.size()}; }
  Linear linear(Precision precision = Precision::kFloat32) const {
    const LinearPart only = part();
    return Linear::create({&only, 1}, k, precision).value();
  }
  std::vector<float> ref(const std::vector<float>& x, Precision precision) const {
    return linear_ref(rounded(x, precision), rounded(weight, precision), bias, k);
  }
  std::size_t k;
  std::vector<float> weight;
  std::vector<float> bias;
};

std::vector<float> first_rows(const std::vector<float>& rows, std::size_t n_floats) {
  return {rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(n_floats)};
}

TEST(Linear, AgreesWithTheFormulaOnOddShapes) {
  const std::uint32_t seed = 99;
  SCOPED_TRACE(seed);
  RandomFloats random(seed);
  MatmulContext context(1);
  for (const auto& [k, n] : {std::pair<std::size_t, std::size_t>{1, 1}, {3, 5}, {64, 192}, {100, 70}, {384, 2}}) {
    const Fixture fixture(k, n, random);
    for (const Precision precision : kPrecisions) {
      const Linear linear = fixture.linear(precision);
      EXPECT_EQ(linear.precision(), precision);
      for (const std::size_t rows : {0U, 1U, 15U, 16U, 17U, 128U, 129U, 300U}) {
        SCOPED_TRACE(testing::Message() << precision_name(precision) << ", " << rows << " rows, " << k << " x " << n);
        const std::vector<float> x = random.normal(rows * k);
        expect_near(forward(linear, x, context), fixture.ref(x, precision));
      }
    }
  }
}

TEST(Linear, TransposedIsTheWayBack) {
  const std::uint32_t seed = 106;
  SCOPED_TRACE(seed);
  RandomFloats random(seed);
  MatmulContext context(1);
  for (const auto& [n, k] : {std::pair<std::size_t, std::size_t>{1, 1}, {5, 3}, {192, 64}, {70, 100}, {2, 384}}) {
    const std::vector<float> weight = random.normal(n * k, 0.1F);
    for (const Precision precision : kPrecisions) {
      const Linear linear = Linear::create_transposed(weight.data(), n, k, precision).value();
      EXPECT_EQ(linear.k(), n);
      EXPECT_EQ(linear.n(), k);
      for (const std::size_t rows : {0U, 1U, 17U, 200U}) {
        SCOPED_TRACE(testing::Message() << precision_name(precision) << ", " << rows << " rows, " << n << " x " << k);
        const std::vector<float> d_y = random.normal(rows * n);
        const std::vector<float> ref = linear_ref(rounded(d_y, precision), transposed(rounded(weight, precision), n, k),
                                                  std::vector<float>(k, 0.0F), n);
        expect_near(forward(linear, d_y, context), ref);
      }
    }
  }
}

TEST(Linear, BothPrecisionsAndDirectionsShareAContext) {
  RandomFloats random(107);
  MatmulContext context(1);
  const Fixture fixture(32, 32, random);
  const std::vector<float> x = random.normal(std::size_t{20} * 32);
  const std::vector<float> no_bias(32, 0.0F);
  for (int repeat = 0; repeat < 2; ++repeat) {
    for (const Precision precision : kPrecisions) {
      const Linear back = Linear::create_transposed(fixture.weight.data(), 32, 32, precision).value();
      expect_near(forward(fixture.linear(precision), x, context), fixture.ref(x, precision));
      expect_near(
          forward(back, x, context),
          linear_ref(rounded(x, precision), transposed(rounded(fixture.weight, precision), 32, 32), no_bias, 32));
    }
  }
}

TEST(Linear, AssignedValuesReplaceAll) {
  const std::uint32_t seed = 108;
  SCOPED_TRACE(seed);
  RandomFloats random(seed);
  const std::size_t k = 40;
  for (const Precision precision : kPrecisions) {
    SCOPED_TRACE(precision_name(precision));
    Linear linear = Fixture(k, 54, random).linear(precision);
    MatmulContext context;
    const std::vector<float> x = random.normal(9 * k);
    for (const int n_threads : {1, 1, 2, 1}) {
      const Fixture next(k, 54, random);
      const LinearPart part = next.part();
      linear.assign({&part, 1}, n_threads);
      expect_near(forward(linear, x, context), next.ref(x, precision));
    }
  }
}

TEST(Linear, AssignedPartsMayLieAnywhere) {
  RandomFloats random(109);
  const std::size_t k = 24;
  const Fixture all(k, 60, random);
  const std::vector<float> last(all.weight.begin() + 40 * static_cast<std::ptrdiff_t>(k), all.weight.end());
  const std::vector<LinearPart> adjacent = {{all.weight.data(), all.bias.data(), 20},
                                            {all.weight.data() + 20 * k, all.bias.data() + 20, 40}};
  const std::vector<LinearPart> apart = {{all.weight.data(), all.bias.data(), 40},
                                         {last.data(), all.bias.data() + 40, 20}};
  MatmulContext context;
  const std::vector<float> x = random.normal(5 * k);
  for (const Precision precision : kPrecisions) {
    for (const std::vector<LinearPart>& parts : {adjacent, apart}) {
      SCOPED_TRACE(precision_name(precision));
      expect_near(forward(Linear::create(parts, k, precision).value(), x, context), all.ref(x, precision));
      Linear linear = Fixture(k, 60, random).linear(precision);
      linear.assign(parts, 2);
      expect_near(forward(linear, x, context), all.ref(x, precision));
    }
  }
}

TEST(Linear, AssignedTransposedValuesReplaceAll) {
  RandomFloats random(110);
  const std::size_t n = 36;
  const std::size_t k = 50;
  const std::vector<float> d_y = random.normal(std::size_t{11} * n);
  MatmulContext context;
  for (const Precision precision : kPrecisions) {
    SCOPED_TRACE(precision_name(precision));
    Linear linear = Linear::create_transposed(random.normal(n * k).data(), n, k, precision).value();
    for (const int n_threads : {1, 2}) {
      const std::vector<float> weight = random.normal(n * k, 0.1F);
      linear.assign_transposed(weight.data(), n_threads);
      const std::vector<float> ref = linear_ref(rounded(d_y, precision), transposed(rounded(weight, precision), n, k),
                                                std::vector<float>(k, 0.0F), n);
      expect_near(forward(linear, d_y, context), ref);
    }
  }
}

TEST(Linear, AssigningAnotherShapeIsAFaultOfOurs) {
  RandomFloats random(111);
  const Fixture fixture(8, 8, random);
  const Fixture wider(8, 9, random);
  const LinearPart part = wider.part();
  Linear linear = fixture.linear();
  Linear back = Linear::create_transposed(fixture.weight.data(), 8, 8).value();
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(linear.assign({&part, 1}), "SPANQA_CHECK");
  EXPECT_DEATH(linear.assign_transposed(fixture.weight.data()), "SPANQA_CHECK");
  EXPECT_DEATH(back.assign({&part, 1}), "SPANQA_CHECK");
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
    expect_near(forward(fixture.linear(), x, context), fixture.ref(x, Precision::kFloat32));
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
  for (const Precision precision : kPrecisions) {
    SCOPED_TRACE(precision_name(precision));
    expect_near(forward(fixture.linear(precision), x, context), fixture.ref(x, precision));
  }
}

// The trainer's way: rows are spread by the caller, one context for each thread.
TEST(Linear, MayRunInsideAParallelRegion) {
  RandomFloats random(112);
  const Fixture fixture(96, 130, random);
  const std::vector<float> x = random.normal(140 * fixture.k);
  for (const Precision precision : kPrecisions) {
    SCOPED_TRACE(precision_name(precision));
    const Linear linear = fixture.linear(precision);
    std::vector<MatmulContext> contexts;
    for (const int context_threads : {1, 1, 2}) contexts.emplace_back(context_threads);
    std::vector<std::vector<float>> results(contexts.size());
    std::vector<int> settings(contexts.size());
#pragma omp parallel for num_threads(3) schedule(static, 1)
    for (std::size_t i = 0; i < results.size(); ++i) {
      omp_set_num_threads(4);
      results[i] = forward(linear, x, contexts[i]);
      settings[i] = omp_get_max_threads();
    }
    EXPECT_EQ(settings, std::vector<int>(settings.size(), 4));
    for (const std::vector<float>& result : results) expect_near(result, fixture.ref(x, precision));
    // A context that ran inside a region may run outside one.
    expect_near(forward(linear, x, contexts.back()), fixture.ref(x, precision));
  }
}

TEST(Linear, AppliesTheActivationInEveryPrecision) {
  RandomFloats random(113);
  const Fixture fixture(40, 70, random);
  MatmulContext context(2);
  std::vector<float> x = random.normal(std::size_t{131} * 40);
  for (const Precision precision : {Precision::kFloat32, Precision::kBFloat16, Precision::kInt8}) {
    SCOPED_TRACE(precision_name(precision));
    const Linear linear = fixture.linear(precision);
    std::vector<float> ref = forward(linear, x, context);
    gelu_ref(ref.data(), ref.size());
    std::vector<float> padded = x;
    padded.resize((131 + kLinearSlackRows) * 40);
    std::vector<float> y((131 + kLinearSlackRows) * 70);
    linear.forward(padded.data(), 131, y.data(), context, Activation::kGelu);
    expect_near(first_rows(y, ref.size()), ref, 1e-5);
  }
}

TEST(Linear, InInt8IsAnInt8LayerOfItsParts) {
  RandomFloats random(114);
  const std::size_t k = 50;
  const Fixture a(k, 30, random);
  const Fixture b(k, 41, random);
  const std::vector<LinearPart> parts = {{a.weight.data(), a.bias.data(), 30}, {b.weight.data(), nullptr, 41}};
  const Linear linear = Linear::create(parts, k, Precision::kInt8).value();
  EXPECT_EQ(linear.k(), k);
  EXPECT_EQ(linear.n(), 71U);
  EXPECT_EQ(linear.precision(), Precision::kInt8);
  EXPECT_EQ(linear.kernel_name(), int8_kernel_name());

  std::vector<float> weight = a.weight;
  weight.insert(weight.end(), b.weight.begin(), b.weight.end());
  std::vector<float> bias = a.bias;
  bias.resize(71, 0.0F);
  std::vector<std::int8_t> values(weight.size());
  std::vector<float> scales(71);
  quantise_weights(weight.data(), 71, k, values.data(), scales.data());
  const Int8Layer layer({.values = values.data(), .scales = scales.data(), .n = 71, .k = k}, bias.data());
  const std::vector<float> x = random.normal(140 * k);
  std::vector<float> ref(std::size_t{140} * 71);
  AlignedBuffer scratch;
  layer.forward(x.data(), 140, std::nullopt, ref.data(), scratch, 1);
  for (const int n_threads : {1, 2}) {
    MatmulContext context(n_threads);
    EXPECT_EQ(forward(linear, x, context), ref);
  }
}

TEST(Linear, InInt8IsForReadingOnly) {
  RandomFloats random(115);
  const Fixture fixture(8, 8, random);
  const LinearPart part = fixture.part();
  EXPECT_EQ(Linear::create_transposed(fixture.weight.data(), 8, 8, Precision::kInt8).error().code,
            ErrorCode::kUnsupported);
  const std::vector<float> row(kInt8MaxK + 1);
  const LinearPart longest{.weight = row.data(), .bias = nullptr, .n = 1};
  EXPECT_EQ(Linear::create({&longest, 1}, row.size(), Precision::kInt8).error().code, ErrorCode::kUnsupported);
  Linear linear = fixture.linear(Precision::kInt8);
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(linear.assign({&part, 1}), "SPANQA_CHECK");
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

TEST(MatmulPeak, OfBfloat16IsAPlausibleFigure) {
  const double gflops = bare_matmul_gflops(1, Precision::kBFloat16);
  EXPECT_LT(gflops, 100000.0);
  EXPECT_GE(gflops, has_fast_bfloat16() ? 0.01 : 0.0);
}

}  // namespace
}  // namespace spanqa

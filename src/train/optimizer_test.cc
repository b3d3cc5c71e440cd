#include "train/optimizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>

namespace spanqa {
namespace {

ModelConfig small_config() {
  ModelConfig config;
  config.vocab_size = 2500;  // several chunks of the word embeddings
  config.hidden_size = 36;   // no multiple of a vector
  config.n_layers = 2;
  config.n_heads = 4;
  config.intermediate_size = 50;
  config.max_positions = 20;
  config.type_vocab_size = 2;
  return config;
}

/// Weights of a small model, and random gradients for them.
class SmallRun {
 public:
  explicit SmallRun(const OptimizerOptions& options, int n_threads = 1)
      : layout(small_config()), optimizer(layout, options, n_threads), gradients(layout.n_floats()) {
    weights.resize(layout.n_floats());
    for (const Parameter& parameter : layout.parameters()) fill(weights, parameter.offset, parameter.size);
  }

  /// Random gradients, of the word embeddings those of `rows` only.
  void draw_gradients(std::span<const std::uint32_t> rows) {
    for (const Parameter& parameter : layout.parameters()) {
      if (!parameter.has_sparse_gradient) fill(gradients, parameter.offset, parameter.size);
    }
    for (const std::uint32_t row : rows) fill(gradients, table().offset + row * width(), width());
  }
  double step(std::span<const std::uint32_t> rows, double learning_rate = 0.01) {
    return optimizer.step(learning_rate, weights, gradients, rows);
  }
  std::span<const float> tensor(std::string_view name) const {
    const Parameter* const parameter = layout.find(name);
    return std::span(weights).subspan(parameter->offset, parameter->size);
  }
  const Parameter& table() const { return layout.parameters().front(); }
  std::size_t width() const { return table().shape[1]; }

  ParameterLayout layout;
  Optimizer optimizer;
  std::vector<float> weights;
  std::vector<float> gradients;
  std::mt19937 random{5};

 private:
  void fill(std::vector<float>& values, std::size_t offset, std::size_t n) {
    std::normal_distribution<float> normal;
    for (std::size_t i = 0; i < n; ++i) values[offset + i] = normal(random);
  }
};

/// Rows that a batch touches at a step; some come again, some never.
std::vector<std::uint32_t> rows_at(std::uint32_t step) {
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = step % 3; row < 2000; row += 7 + step) rows.push_back(row);
  return rows;
}

std::vector<std::uint32_t> all_rows() {
  std::vector<std::uint32_t> rows(2500);
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

/// The formula, number by number, in float64.
struct PlainAdamW {
  std::vector<double> p;
  std::vector<double> m;
  std::vector<double> v;
  int t = 0;

  void step(const SmallRun& run, const OptimizerOptions& options, double rate) {
    double squares = 0.0;
    for (const float g : run.gradients) squares += static_cast<double>(g) * g;
    const double scale = std::min(1.0, options.max_gradient_norm / (std::sqrt(squares) + 1e-6));
    ++t;
    for (const Parameter& parameter : run.layout.parameters()) {
      const double decay = parameter.decays ? options.weight_decay : 0.0;
      for (std::size_t i = parameter.offset; i < parameter.offset + parameter.size; ++i) {
        const double g = run.gradients[i] * scale;
        p[i] -= rate * decay * p[i];
        m[i] = options.beta1 * m[i] + (1.0 - options.beta1) * g;
        v[i] = options.beta2 * v[i] + (1.0 - options.beta2) * g * g;
        p[i] -= rate * (m[i] / (1.0 - std::pow(options.beta1, t))) /
                (std::sqrt(v[i] / (1.0 - std::pow(options.beta2, t))) + options.eps);
      }
    }
  }
};

TEST(Optimizer, FollowsTheFormula) {
  const OptimizerOptions options{.weight_decay = 0.1, .eps = 1e-8, .max_gradient_norm = 3.0};
  SmallRun run(options);
  PlainAdamW plain{.p = {run.weights.begin(), run.weights.end()},
                   .m = std::vector<double>(run.weights.size()),
                   .v = std::vector<double>(run.weights.size())};
  for (std::uint32_t step = 0; step < 10; ++step) {
    const auto rows = rows_at(step);
    run.draw_gradients(rows);
    plain.step(run, options, 0.01);
    run.step(rows);
  }
  EXPECT_EQ(run.optimizer.n_steps(), 10U);
  double worst = 0.0;
  for (std::size_t i = 0; i < run.weights.size(); ++i) worst = std::max(worst, std::abs(run.weights[i] - plain.p[i]));
  EXPECT_LT(worst, 1e-5);  // ten roundings of numbers up to 4
}

TEST(Optimizer, SparseRowsGiveTheBitsOfDenseOnes) {
  const OptimizerOptions options{.weight_decay = 0.01, .max_gradient_norm = 2.0};
  SmallRun sparse(options);
  SmallRun dense(options);
  const auto all = all_rows();
  for (std::uint32_t step = 0; step < 6; ++step) {
    const auto rows = rows_at(step);
    sparse.draw_gradients(rows);
    dense.gradients = sparse.gradients;
    EXPECT_EQ(sparse.step(rows), dense.step(all));
  }
  EXPECT_TRUE(same_bits(sparse.weights, dense.weights));
  EXPECT_TRUE(same_bits(sparse.optimizer.first_moments(), dense.optimizer.first_moments()));
  EXPECT_TRUE(same_bits(sparse.optimizer.second_moments(), dense.optimizer.second_moments()));
}

TEST(Optimizer, TheNumberOfThreadsChangesNoBit) {
  const OptimizerOptions options{.weight_decay = 0.01};
  SmallRun one(options, 1);
  SmallRun three(options, 3);
  for (std::uint32_t step = 0; step < 4; ++step) {
    const auto rows = rows_at(step);
    one.draw_gradients(rows);
    three.gradients = one.gradients;
    EXPECT_EQ(one.step(rows), three.step(rows));
  }
  EXPECT_TRUE(same_bits(one.weights, three.weights));
}

TEST(Optimizer, ReturnsTheNormBeforeClippingAndLeavesGradientsZero) {
  SmallRun run({});
  const auto rows = rows_at(1);
  run.draw_gradients(rows);
  double squares = 0.0;
  for (const float g : run.gradients) squares += static_cast<double>(g) * g;
  EXPECT_NEAR(run.step(rows), std::sqrt(squares), 1e-9 * std::sqrt(squares));
  EXPECT_TRUE(std::all_of(run.gradients.begin(), run.gradients.end(), [](float g) { return g == 0.0F; }));
}

TEST(Optimizer, ClippingOnlyMakesGradientsSmaller) {
  const auto first_moment = [](double limit) {
    SmallRun run({.max_gradient_norm = limit});
    run.gradients[0] = 4.0F;  // a number of row 0
    const std::vector<std::uint32_t> rows = {0};
    EXPECT_EQ(run.step(rows), 4.0);
    return run.optimizer.first_moments()[0];
  };
  EXPECT_NEAR(first_moment(1.0), 0.1, 1e-6);
  EXPECT_NEAR(first_moment(8.0), 0.4, 1e-6);
  EXPECT_NEAR(first_moment(0.0), 0.4, 1e-6);
}

TEST(Optimizer, FrozenTensorsStayAndAreNoPartOfTheNorm) {
  SmallRun run({.weight_decay = 0.1, .frozen_layers = 1});
  const std::vector<float> before = run.weights;
  const auto rows = rows_at(0);
  run.draw_gradients(rows);
  double squares = 0.0;
  for (const Parameter& parameter : run.layout.parameters()) {
    if (parameter.level <= 1) continue;
    for (std::size_t i = 0; i < parameter.size; ++i) squares += std::pow(run.gradients[parameter.offset + i], 2.0);
  }
  EXPECT_NEAR(run.step(rows), std::sqrt(squares), 1e-9 * std::sqrt(squares));
  for (const Parameter& parameter : run.layout.parameters()) {
    const auto old = std::span(before).subspan(parameter.offset, parameter.size);
    EXPECT_EQ(same_bits(run.tensor(parameter.name), old), parameter.level <= 1) << parameter.name;
  }
  EXPECT_TRUE(std::all_of(run.gradients.begin(), run.gradients.end(), [](float g) { return g == 0.0F; }));
}

TEST(Optimizer, LowerLayersLearnSlowerWithLayerDecay) {
  SmallRun run({.max_gradient_norm = 0.0, .layer_decay = 0.5});
  const std::vector<float> before = run.weights;
  run.draw_gradients({});
  run.step({}, 0.1);
  // The first step moves each number by the rate.
  const auto moved = [&](std::string_view name) {
    return std::abs(run.tensor(name)[0] - before[run.layout.find(name)->offset]);
  };
  EXPECT_NEAR(moved("bert.embeddings.LayerNorm.weight"), 0.025, 1e-6);
  EXPECT_NEAR(moved("bert.encoder.layer.0.output.dense.bias"), 0.05, 1e-6);
  EXPECT_NEAR(moved("bert.encoder.layer.1.output.dense.bias"), 0.1, 1e-6);
  EXPECT_NEAR(moved("qa_outputs.bias"), 0.1, 1e-6);
}

TEST(Optimizer, ANormThatIsNoNumberIsNoStep) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    SmallRun run({.weight_decay = 0.1});
    const std::vector<float> before = run.weights;
    const auto rows = rows_at(0);
    run.draw_gradients(rows);
    run.gradients[run.layout.find("qa_outputs.bias")->offset] = bad;
    EXPECT_FALSE(std::isfinite(run.step(rows)));
    EXPECT_TRUE(same_bits(run.weights, before));
    EXPECT_EQ(run.optimizer.n_steps(), 0U);
    EXPECT_TRUE(std::all_of(run.gradients.begin(), run.gradients.end(), [](float g) { return g == 0.0F; }));
  }
}

TEST(Optimizer, ARestoredOneContinuesToTheSameBits) {
  const OptimizerOptions options{.weight_decay = 0.01};
  SmallRun whole(options);
  SmallRun resumed(options);
  for (std::uint32_t step = 0; step < 3; ++step) {
    whole.draw_gradients(rows_at(step));
    whole.step(rows_at(step));
  }
  resumed.weights = whole.weights;
  resumed.optimizer.restore(whole.optimizer.first_moments(), whole.optimizer.second_moments(),
                            whole.optimizer.n_steps());
  for (std::uint32_t step = 3; step < 6; ++step) {
    whole.draw_gradients(rows_at(step));
    resumed.gradients = whole.gradients;
    EXPECT_EQ(whole.step(rows_at(step)), resumed.step(rows_at(step)));
  }
  EXPECT_TRUE(same_bits(whole.weights, resumed.weights));
}

}  // namespace
}  // namespace spanqa

#include "nn/trainable_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "nn/testing_models.h"

namespace spanqa {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the helpers of this room's tests

struct Labelled {
  PackedBatch batch;
  std::vector<SpanLabel> labels;
};

Labelled random_labelled(const ModelConfig& config, std::size_t n, std::uint32_t seed) {
  Labelled made{random_batch(config, n, 3, 20, seed), {}};
  std::mt19937 random(seed);
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t length = made.batch.offsets[i + 1] - made.batch.offsets[i];
    const std::uint32_t start = static_cast<std::uint32_t>(random()) % length;
    made.labels.push_back({start, start + static_cast<std::uint32_t>(random()) % (length - start), 0.25F});
  }
  return made;
}

std::unique_ptr<TrainableModel> open_model(const TrainableOptions& options) {
  return TrainableModel::open(tiny_bert(), options).value();
}

TrainableOptions with_dropout(int n_threads) {
  return {.n_threads = n_threads, .hidden_dropout = 0.1F, .attention_dropout = 0.1F, .head_dropout = 0.2F, .seed = 5};
}

std::vector<float> gradient_of(TrainableModel& model, const Labelled& rows, std::uint64_t stream) {
  std::fill(model.gradients().begin(), model.gradients().end(), 0.0F);
  EXPECT_TRUE(model.add_gradients(rows.batch, rows.labels, stream));
  return {model.gradients().begin(), model.gradients().end()};
}

// With dropout on: the way back drops the numbers that the way forward dropped, or slopes would not agree.
TEST(TrainableModel, GradientIsTheLosssSlopeUnderDropout) {
  const auto model = open_model(with_dropout(1));
  const Labelled rows = random_labelled(model->config(), 4, 3);
  const std::vector<float> gradient = gradient_of(*model, rows, 9);
  for (const Parameter& parameter : model->layout().parameters()) {
    SCOPED_TRACE(parameter.name);
    // Along the gradient of one tensor the slope is its length.
    const std::span<float> weights = model->weights().subspan(parameter.offset, parameter.size);
    const std::span<const float> direction = std::span(gradient).subspan(parameter.offset, parameter.size);
    double square = 0.0;
    for (const float g : direction) square += static_cast<double>(g) * static_cast<double>(g);
    if (square < 1e-8) continue;  // keys' biases move no softmax
    const double step = 2e-3 / std::sqrt(square);
    const std::vector<float> before(weights.begin(), weights.end());
    const auto loss_at = [&](double along) {
      for (std::size_t i = 0; i < before.size(); ++i) {
        weights[i] = static_cast<float>(static_cast<double>(before[i]) + along * static_cast<double>(direction[i]));
      }
      model->lay_out_weights();
      return model->add_gradients(rows.batch, rows.labels, 9).value();
    };
    const double slope = (loss_at(step) - loss_at(-step)) / (2.0 * step);
    std::copy(before.begin(), before.end(), weights.begin());
    // float32 losses carry some 1e-7 each, divided by the step; curvature adds its part.
    EXPECT_NEAR(slope, square, 0.02 * square + 2e-4 * std::sqrt(square));
  }
}

TEST(TrainableModel, GradientIsTheSameForAnyNumberOfThreads) {
  const auto one = open_model(with_dropout(1));
  const auto three = open_model(with_dropout(3));
  const Labelled rows = random_labelled(one->config(), 40, 4);
  ASSERT_GT(rows.batch.n_tokens(), 256U) << "more than two tiles, or threads have nothing to share";
  EXPECT_LE(largest_difference(gradient_of(*one, rows, 1), gradient_of(*three, rows, 1)), 1e-6);
}

TEST(TrainableModel, StreamsDropOtherNumbers) {
  const auto model = open_model(with_dropout(1));
  const Labelled rows = random_labelled(model->config(), 4, 5);
  const std::vector<float> first = gradient_of(*model, rows, 1);
  EXPECT_EQ(first, gradient_of(*model, rows, 1));
  EXPECT_NE(first, gradient_of(*model, rows, 2));
}

TEST(TrainableModel, BatchesAddUp) {
  const auto model = open_model({.n_threads = 1});
  const Labelled rows = random_labelled(model->config(), 6, 6);
  const std::vector<float> whole = gradient_of(*model, rows, 0);
  std::fill(model->gradients().begin(), model->gradients().end(), 0.0F);
  double loss = 0.0;
  for (std::size_t i = 0; i < rows.labels.size(); ++i) {
    PackedBatch part;
    const auto begin = static_cast<std::ptrdiff_t>(rows.batch.offsets[i]);
    const auto end = static_cast<std::ptrdiff_t>(rows.batch.offsets[i + 1]);
    part.ids.assign(rows.batch.ids.begin() + begin, rows.batch.ids.begin() + end);
    part.type_ids.assign(rows.batch.type_ids.begin() + begin, rows.batch.type_ids.begin() + end);
    part.offsets.push_back(static_cast<std::uint32_t>(part.ids.size()));
    loss += model->add_gradients(part, std::span(rows.labels).subspan(i, 1), 0).value();
  }
  EXPECT_GT(loss, 0.0);
  EXPECT_LE(largest_difference(whole, {model->gradients().begin(), model->gradients().end()}), 1e-6);
}

TEST(TrainableModel, TouchedWordsAreThoseOfTheBatchAndNoOthersHaveAGradient) {
  const auto model = open_model({.n_threads = 1});
  const Labelled rows = random_labelled(model->config(), 3, 7);
  const std::vector<float> gradient = gradient_of(*model, rows, 0);
  const std::set<std::uint32_t> ids(rows.batch.ids.begin(), rows.batch.ids.end());
  const auto touched = model->touched_words();
  EXPECT_EQ(std::vector(ids.begin(), ids.end()), std::vector(touched.begin(), touched.end()));
  const Parameter* const words = model->layout().find("bert.embeddings.word_embeddings.weight");
  ASSERT_NE(words, nullptr);
  for (std::size_t i = 0; i < words->size; ++i) {
    if (ids.contains(static_cast<std::uint32_t>(i / words->shape[1]))) continue;
    ASSERT_EQ(gradient[words->offset + i], 0.0F);
  }
  model->clear_touched_words();
  EXPECT_TRUE(model->touched_words().empty());
}

TEST(TrainableModel, FrozenLayersHaveNoGradient) {
  const auto model = open_model({.n_threads = 1, .frozen_layers = 1});
  const Labelled rows = random_labelled(model->config(), 3, 8);
  const std::vector<float> frozen = gradient_of(*model, rows, 0);
  const std::vector<float> whole = gradient_of(*open_model({.n_threads = 1}), rows, 0);
  for (const Parameter& parameter : model->layout().parameters()) {
    SCOPED_TRACE(parameter.name);
    for (std::size_t i = parameter.offset; i < parameter.offset + parameter.size; ++i) {
      ASSERT_EQ(frozen[i], parameter.level <= 1 ? 0.0F : whole[i]);
    }
  }
  EXPECT_TRUE(model->touched_words().empty());
}

TEST(TrainableModel, BFloat16StaysNearFloat32) {
  const auto exact = open_model({.n_threads = 1});
  const auto rounded = open_model({.precision = Precision::kBFloat16, .n_threads = 1});
  const Labelled rows = random_labelled(exact->config(), 6, 9);
  const std::vector<float> a = gradient_of(*exact, rows, 0);
  const std::vector<float> b = gradient_of(*rounded, rows, 0);
  double dot = 0.0;
  double square_a = 0.0;
  double square_b = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    dot += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    square_a += static_cast<double>(a[i]) * static_cast<double>(a[i]);
    square_b += static_cast<double>(b[i]) * static_cast<double>(b[i]);
  }
  EXPECT_GT(dot / std::sqrt(square_a * square_b), 0.999);
}

TEST(TrainableModel, RefusesLabelsOutsideTheirSequence) {
  const auto model = open_model({.n_threads = 1});
  Labelled rows = random_labelled(model->config(), 2, 10);
  rows.labels[1].end = rows.batch.offsets[2] - rows.batch.offsets[1];
  const auto result = model->add_gradients(rows.batch, rows.labels, 0);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
}

TEST(TrainableModel, RefusesToFreezeMoreLayersThanThereAre) {
  EXPECT_FALSE(TrainableModel::open(tiny_bert(), {.frozen_layers = 99}));
  EXPECT_FALSE(TrainableModel::open(tiny_bert(), {.attention_dropout = 0.95F}));
}

}  // namespace
}  // namespace spanqa

#include "nn/encoder.h"

#include <gtest/gtest.h>

#include <deque>

#include "nn/testing_models.h"

namespace spanqa {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the helpers of this room's tests

struct TinyEncoder {
  ModelConfig config = read_model_config(tiny_bert()).value();
  Checkpoint checkpoint = Checkpoint::open(tiny_bert(), encoder_prefix(config.family)).value();
  Encoder encoder = Encoder::load(checkpoint, config, Precision::kFloat32).value();
};

TEST(Encoder, LayersComputeTheSameInBuffersOfTheirOwn) {
  const TinyEncoder tiny;
  const PackedBatch batch = random_batch(tiny.config, 9, 1, 96, 1);
  const std::size_t n = batch.n_tokens();
  const std::size_t h = static_cast<std::size_t>(tiny.config.hidden_size);
  EncoderWorkspace workspace(1);
  const float* const shared = tiny.encoder.forward(batch, workspace);

  // As a trainer will: nothing that a layer wrote is overwritten.
  std::deque<std::vector<float>> memory;
  const auto make = [&](std::size_t width) { return memory.emplace_back((n + kLinearSlackRows) * width).data(); };
  EncoderScratch scratch(1, EncoderScratch::Sharing::kProducts);
  float* input = make(h);
  tiny.encoder.embeddings().forward(batch, 0, n, input);
  for (const EncoderLayer& layer : tiny.encoder.layers()) {
    const LayerBuffers buffers{.qkv = make(3 * h),
                               .context = make(h),
                               .attended = make(h),
                               .intermediate = memory.emplace_back(feed_forward_scratch(layer.up())).data(),
                               .output = make(h)};
    layer.forward(input, batch.offsets, buffers, scratch);
    input = buffers.output;
  }
  EXPECT_EQ(largest_difference(std::span(shared, n * h), std::span(input, n * h)), 0.0);
}

TEST(Embeddings, PartsOfABatchAreThoseOfTheWhole) {
  const TinyEncoder tiny;
  const PackedBatch batch = random_batch(tiny.config, 5, 1, 20, 2);
  const std::size_t n = batch.n_tokens();
  const std::size_t h = static_cast<std::size_t>(tiny.config.hidden_size);
  std::vector<float> whole(n * h);
  tiny.encoder.embeddings().forward(batch, 0, n, whole.data());
  for (std::size_t split = 0; split <= n; ++split) {
    std::vector<float> parts(n * h);
    tiny.encoder.embeddings().forward(batch, 0, split, parts.data());
    tiny.encoder.embeddings().forward(batch, split, n, parts.data());
    EXPECT_EQ(whole, parts) << split;
  }
}

TEST(Encoder, SteadyStateKeepsItsBuffers) {
  const TinyEncoder tiny;
  EncoderWorkspace workspace(1);
  const PackedBatch large = random_batch(tiny.config, 9, 50, 96, 3);
  const float* const first = tiny.encoder.forward(large, workspace);
  EXPECT_EQ(tiny.encoder.forward(random_batch(tiny.config, 2, 5, 9, 4), workspace), first);
  EXPECT_EQ(tiny.encoder.forward(large, workspace), first);
}

}  // namespace
}  // namespace spanqa

#include "nn/qa_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "nn/testing_models.h"
#include "shared_data.h"

namespace spanqa {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the helpers of this room's tests

std::shared_ptr<const QaModel> open_or_fail(const std::filesystem::path& folder) {
  auto model = QaModel::open(folder);
  EXPECT_TRUE(model) << model.error().message;
  return model.value_or(nullptr);
}

TEST(QaModel, LogitsAreThoseOfExactArithmetic) {
  for (const char* const name : {"tiny-bert", "tiny-distilbert"}) {
    SCOPED_TRACE(name);
    const std::filesystem::path folder = source_path("tests/fixtures/nn") / name;
    expect_rows(folder, folder / "expected.json", 2e-5);
  }
}

TEST(QaModel, ASequenceAloneEqualsItselfInABatch) {
  const auto model = open_or_fail(tiny_bert());
  const PackedBatch batch = random_batch(model->config(), 23, 1, 96, 5);
  const SpanLogits all = logits_of(*model, batch);
  for (std::size_t i = 0; i < batch.n_sequences(); ++i) {
    const SpanLogits alone = logits_of(*model, sequence_of(batch, i));
    const std::size_t n = alone.start.size();
    EXPECT_LE(largest_difference(alone.start, std::span(all.start).subspan(batch.offsets[i], n)), 1e-5) << i;
    EXPECT_LE(largest_difference(alone.end, std::span(all.end).subspan(batch.offsets[i], n)), 1e-5) << i;
  }
}

TEST(QaModel, TheNumberOfThreadsDoesNotChangeAnswers) {
  const auto model = open_or_fail(tiny_bert());
  for (const std::size_t n_sequences : {1U, 3U, 40U}) {
    const PackedBatch batch = random_batch(model->config(), n_sequences, 60, 96, 6);
    const SpanLogits one = logits_of(*model, batch, 1);
    for (const int n_threads : {2, 3}) EXPECT_LE(largest_difference(one, logits_of(*model, batch, n_threads)), 1e-5);
  }
}

TEST(QaModel, AWorkspaceServesBatchesOfAnySizeAndSeveralModels) {
  const auto model = open_or_fail(tiny_bert());
  const auto again = open_or_fail(tiny_bert());
  Workspace workspace(1);
  SpanLogits logits;
  for (const std::size_t n_sequences : {2U, 30U, 1U, 7U, 50U, 3U}) {
    const PackedBatch batch = random_batch(model->config(), n_sequences, 1, 90, 7);
    for (const QaModel* const used : {model.get(), again.get()}) {
      ASSERT_TRUE(used->forward(batch, workspace, logits));
      EXPECT_EQ(logits.start.size(), batch.n_tokens());
      EXPECT_LE(largest_difference(logits, logits_of(*model, batch)), 1e-5);
    }
  }
  Workspace moved = std::move(workspace);
  EXPECT_TRUE(model->forward(random_batch(model->config(), 2, 3, 9, 8), moved, logits));
}

// Mean of (a - b)^2 over that of (b - mean b)^2.
double relative_error(const std::vector<float>& a, const std::vector<float>& b) {
  const double mean = std::accumulate(b.begin(), b.end(), 0.0) / static_cast<double>(b.size());
  double error = 0.0;
  double spread = 0.0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    error += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    spread += std::pow(static_cast<double>(b[i]) - mean, 2);
  }
  return error / spread;
}

TEST(QaModel, OtherPrecisionsAnswerNearly) {
  const auto exact = open_or_fail(tiny_bert());
  const PackedBatch batch = random_batch(exact->config(), 23, 1, 96, 11);
  const SpanLogits ref = logits_of(*exact, batch);
  for (const Precision precision : {Precision::kBFloat16, Precision::kInt8}) {
    SCOPED_TRACE(precision_name(precision));
    const auto model = QaModel::open(tiny_bert(), precision).value();
    const bool is_float32 = precision == Precision::kBFloat16 && !has_fast_bfloat16();
    EXPECT_EQ(model->precision(), is_float32 ? Precision::kFloat32 : precision);
    const SpanLogits logits = logits_of(*model, batch);
    // 1 is what unrelated logits would have, and a wrong scale anywhere comes near it. Rounding gives some 1e-4.
    EXPECT_LE(relative_error(logits.start, ref.start), 1e-3);
    EXPECT_LE(relative_error(logits.end, ref.end), 1e-3);
    EXPECT_EQ(largest_difference(logits, ref) > 0.0, !is_float32);
  }
}

// A row is quantised by itself, so what stands beside it does not matter.
TEST(QaModel, InInt8NeitherBatchNorThreadsChangeALogit) {
  const auto model = QaModel::open(tiny_bert(), Precision::kInt8).value();
  const PackedBatch batch = random_batch(model->config(), 40, 1, 96, 12);
  const SpanLogits all = logits_of(*model, batch, 1);
  for (const int n_threads : {2, 3}) EXPECT_EQ(largest_difference(all, logits_of(*model, batch, n_threads)), 0.0);
  for (std::size_t i = 0; i < batch.n_sequences(); ++i) {
    const SpanLogits alone = logits_of(*model, sequence_of(batch, i));
    EXPECT_EQ(largest_difference(alone.start, std::span(all.start).subspan(batch.offsets[i], alone.start.size())), 0.0);
  }
}

TEST(QaModel, AnEmptyBatchHasNoLogits) {
  const auto model = open_or_fail(tiny_bert());
  SpanLogits logits = logits_of(*model, random_batch(model->config(), 2, 5, 9, 9));
  Workspace workspace(2);
  ASSERT_TRUE(model->forward(PackedBatch{}, workspace, logits));
  EXPECT_TRUE(logits.start.empty());
  EXPECT_TRUE(logits.end.empty());
}

TEST(QaModel, BatchesThatTheModelCannotReadAreRefused) {
  const auto model = open_or_fail(tiny_bert());
  PackedBatch batch = random_batch(model->config(), 2, 5, 9, 10);
  batch.ids[3] = 135;
  Workspace workspace;
  SpanLogits logits;
  const Status status = model->forward(batch, workspace, logits);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(status.error().message.find("135"), std::string::npos);
}

TEST(QaModel, SaysWhatItIs) {
  const auto model = open_or_fail(tiny_bert());
  EXPECT_EQ(model->config().hidden_size, 32);
  EXPECT_EQ(model->weight_type(), "float32");
  EXPECT_FALSE(model->matmul_kernel().empty());
  std::uint64_t n_stored = 0;
  for (const StoredTensor& tensor : read_stored_model(tiny_bert()).tensors) n_stored += tensor.bytes.size() / 4;
  EXPECT_EQ(model->n_parameters(), n_stored);
}

TEST(QaModel, CountsOperationsAsDocumented) {
  ModelConfig config;
  config.hidden_size = 384;
  config.intermediate_size = 1536;
  config.n_layers = 6;
  EXPECT_DOUBLE_EQ(forward_flops(config, 1), 6.0 * (8 * 384 * 384 + 4 * 384 * 1536 + 4 * 384));
  EXPECT_DOUBLE_EQ(forward_flops(config, 100), 6.0 * (100.0 * (8 * 384 * 384 + 4 * 384 * 1536) + 4e4 * 384));
}

}  // namespace
}  // namespace spanqa

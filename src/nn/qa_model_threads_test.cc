// Several models and threads in one process.
#include <gtest/gtest.h>

#include <thread>

#include "nn/qa_model.h"
#include "nn/testing_models.h"

namespace spanqa {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the helpers of this room's tests

TEST(QaModelThreads, ConcurrentCallersWithTheirOwnWorkspacesGetTheSameAnswers) {
  const std::vector<std::shared_ptr<const QaModel>> models = {QaModel::open(tiny_bert()).value(),
                                                              QaModel::open(tiny_bert()).value()};
  constexpr std::uint32_t kBatches = 12;
  std::vector<PackedBatch> batches;
  std::vector<SpanLogits> expected;
  for (std::uint32_t i = 0; i < kBatches; ++i) {
    batches.push_back(random_batch(models[0]->config(), 1 + i, 1, 90, i));
    expected.push_back(logits_of(*models[0], batches.back()));
  }
  constexpr std::size_t kThreads = 4;
  std::vector<double> differences(kThreads, INFINITY);
  const auto run = [&](std::size_t thread) {
    Workspace workspace(1);
    SpanLogits logits;
    double worst = 0.0;
    for (std::size_t i = 0; i < kBatches; ++i) {
      const std::size_t k = (i + thread * 3) % kBatches;
      const QaModel& model = *models[(i + thread) % models.size()];
      if (!model.forward(batches[k], workspace, logits)) return;
      worst = std::max(worst, largest_difference(logits, expected[k]));
    }
    differences[thread] = worst;
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < kThreads; ++i) threads.emplace_back(run, i);
  }
  for (const double difference : differences) EXPECT_LE(difference, 1e-5);
}

TEST(QaModelThreads, ModelsMayBeOpenedAndClosedWhileOthersAnswer) {
  const auto model = QaModel::open(tiny_bert()).value();
  const PackedBatch batch = random_batch(model->config(), 5, 1, 60, 77);
  const SpanLogits expected = logits_of(*model, batch);
  std::vector<double> differences(3, INFINITY);
  const auto run = [&](std::size_t thread) {
    double worst = 0.0;
    for (int i = 0; i < 5; ++i) {
      const auto own = thread == 0 ? model : QaModel::open(tiny_bert()).value();
      Workspace workspace(1);
      SpanLogits logits;
      if (!own->forward(batch, workspace, logits)) return;
      worst = std::max(worst, largest_difference(logits, expected));
    }
    differences[thread] = worst;
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < differences.size(); ++i) threads.emplace_back(run, i);
  }
  for (const double difference : differences) EXPECT_LE(difference, 1e-5);
}

}  // namespace
}  // namespace spanqa

// Gradients, losses and weights of the reference implementation: see golden/README.md for the tolerances.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "nn/kernels/elementwise.h"
#include "nn/safetensors.h"
#include "nn/trainable_model.h"
#include "shared_data.h"
#include "train/optimizer.h"
#include "train/schedule.h"

namespace spanqa {
namespace {

using testing::shared_path;

struct LabelledBatch {
  PackedBatch batch;
  std::vector<SpanLabel> labels;
};

LabelledBatch read_batch(const nlohmann::json& rows) {
  LabelledBatch made;
  for (const auto& row : rows) {
    const auto ids = row.at("input_ids").get<std::vector<std::int32_t>>();
    auto types = row.value("token_type_ids", std::vector<std::uint8_t>());
    types.resize(ids.size());
    made.batch.ids.insert(made.batch.ids.end(), ids.begin(), ids.end());
    made.batch.type_ids.insert(made.batch.type_ids.end(), types.begin(), types.end());
    made.batch.offsets.push_back(static_cast<std::uint32_t>(made.batch.ids.size()));
    made.labels.push_back({row.at("start_position"), row.at("end_position"), 1.0F / static_cast<float>(rows.size())});
  }
  return made;
}

nlohmann::json read_json(const std::filesystem::path& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

/// Compares every tensor of a file; `tolerance` from the largest magnitude of the tensor.
template <typename Tolerance>
void expect_tensors(const std::filesystem::path& path, const ParameterLayout& layout, std::span<const float> values,
                    const Tolerance& tolerance) {
  const TensorFile file = TensorFile::open(path).value();
  for (const Parameter& parameter : layout.parameters()) {
    SCOPED_TRACE(parameter.name);
    const TensorView* const tensor = file.find(parameter.name);
    ASSERT_NE(tensor, nullptr);
    std::vector<float> expected(parameter.size);
    to_float32(tensor->bytes.data(), DType::kFloat32, expected.size(), expected.data());
    double largest = 0.0;
    double difference = 0.0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
      difference = std::max(
          difference, std::abs(static_cast<double>(expected[i]) - static_cast<double>(values[parameter.offset + i])));
    }
    EXPECT_LE(difference, tolerance(largest));
  }
}

class TrainingGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(TrainingGolden, GradientsAreTheReferences) {
  SPANQA_NEEDS_SHARED("golden/tiny");
  const std::filesystem::path folder = shared_path("golden/tiny") / GetParam();
  for (const int n_threads : {1, 2}) {
    const auto model = TrainableModel::open(folder, {.n_threads = n_threads}).value();
    const auto json = read_json(folder / "forward.json");
    const LabelledBatch rows = read_batch(json.at("rows"));
    const double loss = model->add_gradients(rows.batch, rows.labels, 0).value();
    EXPECT_NEAR(loss, json.at("loss").get<double>(), 1e-4);
    expect_tensors(folder / "gradients.safetensors", model->layout(), model->gradients(),
                   [](double largest) { return 1e-4 * largest + 1e-6; });
  }
}

TEST_P(TrainingGolden, TenStepsAreTheReferences) {
  SPANQA_NEEDS_SHARED("golden/tiny");
  const std::filesystem::path folder = shared_path("golden/tiny") / GetParam();
  const auto json = read_json(folder / "adamw.json");
  const auto model = TrainableModel::open(folder, {.n_threads = 2}).value();
  OptimizerOptions options;
  options.weight_decay = json.at("weight_decay");
  options.eps = json.at("eps");
  options.max_gradient_norm = json.at("max_grad_norm");
  Optimizer optimizer(model->layout(), options, 2);
  const Schedule schedule(ScheduleKind::kLinear, json.at("warmup_steps"), json.at("total_steps"));
  std::size_t done = 0;
  for (const auto& step : json.at("steps")) {
    SCOPED_TRACE(done);
    const LabelledBatch rows = read_batch(step.at("rows"));
    EXPECT_NEAR(model->add_gradients(rows.batch, rows.labels, done).value(), step.at("loss").get<double>(), 1e-4);
    const double rate = json.at("learning_rate").get<double>() * schedule.factor(done++);
    EXPECT_NEAR(rate, step.at("learning_rate").get<double>(), 1e-12);
    const double norm = optimizer.step(rate, model->weights(), model->gradients(), model->touched_words());
    model->clear_touched_words();
    model->lay_out_weights();
    const double expected = step.at("grad_norm");
    EXPECT_NEAR(norm, expected, 1e-4 * expected);
  }
  expect_tensors(folder / "after-10-steps.safetensors", model->layout(), model->weights(), [](double) { return 2e-4; });
}

INSTANTIATE_TEST_SUITE_P(Families, TrainingGolden, ::testing::Values("bert", "distilbert"),
                         [](const auto& family) { return std::string(family.param); });

}  // namespace
}  // namespace spanqa

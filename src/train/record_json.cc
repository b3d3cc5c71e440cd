#include "train/record_json.h"

#include <cmath>
#include <limits>

#include "qa/report_json.h"

namespace spanqa {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kMostExactCount = 9007199254740992.0;  // 2^53: above, a double leaves whole numbers out

double number(const Json& json, const char* key) {
  const Json& value = json.at(key);
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

/// Whole numbers are counts again, see metrics_json.
MetricValues metrics_from(const Json& json) {
  MetricValues out;
  for (const auto& [name, value] : json.items()) {
    const double figure = number(json, name.c_str());
    const bool is_count = value.is_number_integer() && std::abs(figure) <= kMostExactCount;
    out.push_back({.name = name, .value = figure, .is_count = is_count});
  }
  return out;
}

Json slices_json(const std::vector<SliceGroup>& groups) {
  Json out = Json::array();
  for (const SliceGroup& group : groups) {
    Json slices = Json::array();
    for (const Slice& slice : group.slices) {
      slices.push_back(
          {{"name", slice.name}, {"n_questions", slice.n_questions}, {"exact", slice.exact}, {"f1", slice.f1}});
    }
    out.push_back({{"name", group.name}, {"slices", std::move(slices)}});
  }
  return out;
}

std::vector<SliceGroup> slices_from(const Json& json) {
  std::vector<SliceGroup> out;
  for (const Json& group : json) {
    SliceGroup& shown = out.emplace_back();
    shown.name = group.at("name").get<std::string>();
    for (const Json& slice : group.at("slices")) {
      shown.slices.push_back({.name = slice.at("name").get<std::string>(),
                              .n_questions = count_from(slice, "n_questions"),
                              .exact = number(slice, "exact"),
                              .f1 = number(slice, "f1")});
    }
  }
  return out;
}

std::vector<WorstError> worst_from(const Json& json) {
  std::vector<WorstError> out;
  for (const Json& error : json) {
    out.push_back({.id = error.at("id").get<std::string>(),
                   .question = error.at("question").get<std::string>(),
                   .prediction = error.at("prediction").get<std::string>(),
                   .golds = error.at("golds").get<std::vector<std::string>>(),
                   .sentence = error.at("sentence").get<std::string>(),
                   .f1 = number(error, "f1"),
                   .probability = number(error, "probability")});
  }
  return out;
}

}  // namespace

// get() would make a count of -1 and of 1e300 too.
std::uint64_t count_from(const Json& json, const char* key) {
  return json.at(key).get_ref<const Json::number_unsigned_t&>();
}

Json to_json(const StepRecord& record) {
  return {{"step", record.step},
          {"n_steps", record.n_steps},
          {"epoch", record.epoch},
          {"loss", record.loss},
          {"learning_rate", record.learning_rate},
          {"gradient_norm", record.gradient_norm},
          {"windows_per_second", record.windows_per_second},
          {"tokens_per_second", record.tokens_per_second},
          {"seconds", record.seconds},
          {"seconds_left", record.seconds_left},
          {"peak_memory_bytes", record.peak_memory_bytes}};
}

Json to_json(const EvaluationRecord& record) {
  return {{"step", record.step},
          {"epoch", record.epoch},
          {"loss", record.loss},
          {"exact", record.exact},
          {"f1", record.f1},
          {"is_best", record.is_best},
          {"seconds", record.seconds},
          {"metrics", metrics_json(record.metrics)},
          {"slices", slices_json(record.slices)},
          {"worst", worst_errors_json(record.worst)}};
}

Json to_json(const CheckpointRecord& record) {
  return {{"step", record.step},
          {"folder", record.folder},
          {"seconds", record.seconds},
          {"seconds_training", record.seconds_training}};
}

StepRecord step_record_from(const Json& json) {
  return {.step = count_from(json, "step"),
          .n_steps = count_from(json, "n_steps"),
          .epoch = number(json, "epoch"),
          .loss = number(json, "loss"),
          .learning_rate = number(json, "learning_rate"),
          .gradient_norm = number(json, "gradient_norm"),
          .windows_per_second = number(json, "windows_per_second"),
          .tokens_per_second = number(json, "tokens_per_second"),
          .seconds = number(json, "seconds"),
          .seconds_left = number(json, "seconds_left"),
          .peak_memory_bytes = count_from(json, "peak_memory_bytes")};
}

EvaluationRecord evaluation_record_from(const Json& json) {
  return {.step = count_from(json, "step"),
          .epoch = number(json, "epoch"),
          .loss = number(json, "loss"),
          .metrics = metrics_from(json.at("metrics")),
          .exact = number(json, "exact"),
          .f1 = number(json, "f1"),
          .slices = slices_from(json.at("slices")),
          .worst = worst_from(json.at("worst")),
          .seconds = number(json, "seconds"),
          .is_best = json.at("is_best").get<bool>()};
}

CheckpointRecord checkpoint_record_from(const Json& json) {
  return {.step = count_from(json, "step"),
          .folder = json.at("folder").get<std::string>(),
          .seconds = json.value("seconds", 0.0),  // older logs have none
          .seconds_training = json.value("seconds_training", 0.0)};
}

}  // namespace spanqa

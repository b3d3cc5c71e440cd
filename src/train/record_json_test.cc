#include "train/record_json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "train/testing_history.h"

namespace spanqa {
namespace {

using Json = nlohmann::ordered_json;

template <typename Record>
Json through_text(const Record& record) {
  return Json::parse(to_json(record).dump(-1, ' ', false, Json::error_handler_t::replace));
}

TEST(RecordJson, StepsComeBackToTheBit) {
  StepRecord record = testing::step_record(7, 9);
  record.learning_rate = 0.1 + 0.2;
  record.gradient_norm = 5e-324;
  const StepRecord back = step_record_from(through_text(record));
  EXPECT_EQ(to_json(back), to_json(record));
  EXPECT_EQ(back.learning_rate, 0.1 + 0.2);
  EXPECT_EQ(back.gradient_norm, 5e-324);
}

TEST(RecordJson, EvaluationsComeBackWithSlicesAndErrors) {
  EvaluationRecord record = testing::evaluation_record(3, 40);
  record.worst.erase(record.worst.begin() + 1);  // its golds are not UTF-8
  EXPECT_EQ(to_json(evaluation_record_from(through_text(record))), to_json(record));
}

TEST(RecordJson, TellsCountsFromRoundFigures) {
  EvaluationRecord record;
  record.metrics = {{.name = "f1", .value = 80.0}, {.name = "total", .value = 80.0, .is_count = true}};
  const EvaluationRecord back = evaluation_record_from(through_text(record));
  EXPECT_FALSE(back.metrics.at(0).is_count);
  EXPECT_TRUE(back.metrics.at(1).is_count);
}

TEST(RecordJson, CountsNoFartherThanADoubleDoes) {
  Json json = to_json(EvaluationRecord{});
  json["metrics"] = {{"total", std::numeric_limits<std::uint64_t>::max()}, {"fewer", -3}};
  const EvaluationRecord back = evaluation_record_from(json);
  EXPECT_FALSE(back.metrics.at(0).is_count);
  EXPECT_EQ(to_json(back).at("metrics").at("fewer"), -3);
}

TEST(RecordJson, TextsThatAreNotUtf8BecomeReplacements) {
  const EvaluationRecord record = testing::evaluation_record(1, 1);
  const EvaluationRecord back = evaluation_record_from(through_text(record));
  EXPECT_EQ(back.worst.at(1).golds.at(1), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(RecordJson, NumbersThatAreNotFiniteBecomeNull) {
  StepRecord record;
  record.loss = -std::numeric_limits<double>::infinity();
  EXPECT_TRUE(through_text(record).at("loss").is_null());
  EXPECT_TRUE(std::isnan(step_record_from(through_text(record)).loss));
}

TEST(RecordJson, ACheckpointsTimesMayBeMissing) {
  Json json = to_json(CheckpointRecord{.step = 3, .folder = "c", .seconds = 7.5, .seconds_training = 6.25});
  EXPECT_EQ(checkpoint_record_from(json).seconds, 7.5);
  EXPECT_EQ(checkpoint_record_from(json).seconds_training, 6.25);
  json.erase("seconds");  // as logs of the first version have it
  json.erase("seconds_training");
  EXPECT_EQ(checkpoint_record_from(json).seconds, 0.0);
}

TEST(RecordJson, ThrowsWhereAKeyIsMissing) {
  Json json = to_json(CheckpointRecord{.step = 3, .folder = "c"});
  EXPECT_EQ(checkpoint_record_from(json).folder, "c");
  json.erase("folder");
  EXPECT_THROW(checkpoint_record_from(json), Json::exception);
}

}  // namespace
}  // namespace spanqa

#include "train/options_json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace spanqa {
namespace {

TrainOptions other_options() {
  TrainOptions options;
  options.model = "models/base";
  options.output = "runs/\xC3\xA9";
  options.train = {{.path = "a.json", .weight = 0.5, .limit = 100}, {.path = "b.jsonl"}};
  options.validation = "dev.json";
  options.windows.max_length = 320;
  options.windows.long_question = LongQuestion::kTruncate;
  options.squad_v2 = true;
  options.epochs = 2.5;
  options.batch_kind = BatchKind::kTokens;
  options.batch_size = 4096;
  options.seed = 18446744073709551615U;
  options.learning_rate = 3.3e-5;
  options.schedule = ScheduleKind::kCosine;
  options.warmup_ratio = 0.1;
  options.hidden_dropout = 0.2;
  options.precision = Precision::kBFloat16;
  options.n_threads = 2;
  return options;
}

std::string error_of(std::string_view json) {
  const auto parsed = options_from_json(json, "run.json");
  if (parsed) return "no error";
  EXPECT_EQ(parsed.error().code, ErrorCode::kCorrupt);
  return parsed.error().message;
}

TEST(OptionsJson, AreReadBackAsWritten) {
  for (const TrainOptions& options : {TrainOptions(), other_options()}) {
    const std::string json = options_to_json(options);
    const auto read = options_from_json(json, "run.json");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(options_to_json(*read), json);
    EXPECT_TRUE(compare_options(options, *read).empty());
  }
  const TrainOptions read = options_from_json(options_to_json(other_options()), "x").value();
  EXPECT_EQ(read.seed, 18446744073709551615U);
  EXPECT_EQ(read.learning_rate, 3.3e-5);
  ASSERT_EQ(read.train.size(), 2U);
  EXPECT_EQ(read.train[0].limit, 100U);
  EXPECT_EQ(read.windows.long_question, LongQuestion::kTruncate);
}

TEST(OptionsJson, NamesEverySetting) {
  const auto json = nlohmann::json::parse(options_to_json({}));
  EXPECT_EQ(json.size(), 40U);  // as many as there are members; a new one belongs here too
  EXPECT_EQ(json.at("learning_rate"), 5e-5);
  EXPECT_EQ(json.at("schedule"), "linear");
  EXPECT_EQ(json.at("max_length"), 384);
}

TEST(OptionsJson, AbsentKeysHaveTheirDefaults) {
  const auto read = options_from_json(R"({"epochs": 2})", "run.json");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->epochs, 2.0);
  EXPECT_EQ(read->batch_size, 8U);
}

TEST(OptionsJson, ErrorsNameTheKey) {
  EXPECT_EQ(error_of(R"({"epochs": "2"})"), "run.json: epochs must be a number, but is \"2\"");
  EXPECT_EQ(error_of(R"({"batch_size": -1})"), "run.json: batch_size must be a whole number from 0, but is -1");
  EXPECT_EQ(error_of(R"({"batch_size": 0})"),
            "run.json: batch_size must be at least 1 and at most 1000000000000 "
            "(got 0)");
  EXPECT_EQ(error_of(R"({"schedule": "steep"})"),
            "run.json: schedule must be \"linear\" or \"cosine\" or \"constant\", but is \"steep\"");
  EXPECT_EQ(error_of(R"({"epoch": 2})"), "run.json: \"epoch\" is no setting of this version");
  EXPECT_EQ(error_of(R"({"train": [{"path": "a", "wieght": 2}]})"),
            "run.json: train has an entry whose \"wieght\" is no setting of this version");
  EXPECT_EQ(error_of(R"({"train": ["a"]})"), "run.json: train must be a list of objects, but is \"a\"");
  EXPECT_EQ(error_of(R"({"model": 7})"), "run.json: model must be a text, but is 7");
  EXPECT_EQ(error_of(R"({"squad_v2": 1})"), "run.json: squad_v2 must be true or false, but is 1");
  EXPECT_EQ(error_of(R"({"n_threads": 99999999999})"),
            "run.json: n_threads must be a small whole number from 0, but is 99999999999");
}

TEST(CheckOptions, NamesKeyAndRange) {
  const auto error_after = [](auto change) {
    TrainOptions options = other_options();
    change(options);
    const Status status = check_options(options);
    return status ? std::string("no error") : status.error().message;
  };
  EXPECT_EQ(error_after([](TrainOptions&) {}), "no error");
  EXPECT_EQ(error_after([](TrainOptions& o) { o.beta1 = 1.0; }), "beta1 must be at least 0 and below 1 (got 1)");
  EXPECT_EQ(error_after([](TrainOptions& o) { o.eps = 0.0; }), "eps must be above 0 and at most 1 (got 0)");
  EXPECT_NE(error_after([](TrainOptions& o) { o.learning_rate = NAN; }).find("learning_rate"), std::string::npos);
  EXPECT_NE(error_after([](TrainOptions& o) { o.train[0].weight = 0.0; }).find("weight of a file"), std::string::npos);
}

TEST(CompareOptions, ListsBothValues) {
  TrainOptions changed = other_options();
  changed.learning_rate = 1e-5;
  changed.n_threads = 8;
  const auto differences = compare_options(other_options(), changed);
  ASSERT_EQ(differences.size(), 2U);
  EXPECT_EQ(differences[0].key, "learning_rate");
  EXPECT_EQ(differences[0].a, "3.3e-05");
  EXPECT_EQ(differences[0].b, "1e-05");
  EXPECT_FALSE(may_change_on_resume(differences[0].key));
  EXPECT_TRUE(may_change_on_resume(differences[1].key));
}

TEST(OptionsJson, NamesOfChoicesAreReadBack) {
  for (const auto kind : {ScheduleKind::kLinear, ScheduleKind::kCosine, ScheduleKind::kConstant}) {
    EXPECT_EQ(parse_schedule(schedule_name(kind)), kind);
  }
  for (const auto kind : {BatchKind::kWindows, BatchKind::kTokens}) {
    EXPECT_EQ(parse_batch_kind(batch_kind_name(kind)), kind);
  }
  EXPECT_EQ(parse_schedule("Linear"), std::nullopt);
}

}  // namespace
}  // namespace spanqa

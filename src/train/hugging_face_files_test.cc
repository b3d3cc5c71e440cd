#include "train/hugging_face_files.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "shared_data.h"

namespace spanqa {
namespace {

using Json = nlohmann::json;

std::string answering(std::string_view base, DType dtype = DType::kFloat32) {
  const auto made = answering_config_json(base, dtype, "config.json");
  return made ? *made : made.error().message;
}

TEST(AnsweringConfig, SetsArchitectureAndTypeAndKeepsTheRest) {
  EXPECT_EQ(answering(R"({"model_type": "distilbert", "architectures": ["DistilBertModel"], "torch_dtype": "float16",
                         "mine": [1, {"x": 1e-12}]})"),
            R"({
  "architectures": [
    "DistilBertForQuestionAnswering"
  ],
  "mine": [
    1,
    {
      "x": 1e-12
    }
  ],
  "model_type": "distilbert",
  "torch_dtype": "float32"
}
)");
  const Json bert = Json::parse(answering(R"({"model_type": "bert", "dtype": "float32"})", DType::kFloat16));
  EXPECT_EQ(bert.at("dtype"), "float16");
  EXPECT_FALSE(bert.contains("torch_dtype"));
  EXPECT_EQ(Json::parse(answering(R"({"model_type": "bert"})")).at("torch_dtype"), "float32");
}

TEST(AnsweringConfig, DoneTwiceChangesNothing) {
  const std::string text = read_file(testing::source_path("tests/fixtures/nn/tiny-bert/config.json")).value();
  const std::string once = answering(text);
  EXPECT_EQ(answering(once), once);
}

TEST(AnsweringConfig, RefusesOtherModels) {
  EXPECT_NE(answering(R"({"model_type": "t5"})").find("config.json"), std::string::npos);
  EXPECT_NE(answering("{").find("not a JSON object"), std::string::npos);
}

TEST(TrainingArgs, HasTheNamesOfTrainingArguments) {
  TrainOptions options;
  options.output = "runs/a";
  options.train = {{.path = "train.json"}};
  options.schedule = ScheduleKind::kConstant;
  options.precision = Precision::kBFloat16;
  options.save_every = 100;
  const Json args = Json::parse(training_args_json(options));
  EXPECT_EQ(args.at("output_dir"), "runs/a");
  EXPECT_EQ(args.at("learning_rate"), 5e-5);
  EXPECT_EQ(args.at("adam_epsilon"), 1e-8);
  EXPECT_EQ(args.at("num_train_epochs"), 3.0);
  EXPECT_EQ(args.at("max_steps"), -1);
  EXPECT_EQ(args.at("lr_scheduler_type"), "constant_with_warmup");
  EXPECT_EQ(args.at("bf16"), true);
  EXPECT_EQ(args.at("eval_strategy"), "no");
  EXPECT_EQ(args.at("save_strategy"), "steps");
  EXPECT_EQ(args.at("save_steps"), 100);
  EXPECT_EQ(args.at("doc_stride"), 128);
  EXPECT_EQ(args.at("train_file").at(0).at("path"), "train.json");
  EXPECT_EQ(args.at("frozen_layers"), 0);
  for (const char* const own : {"output", "epochs", "beta1", "schedule", "precision", "train", "evaluate_every"}) {
    EXPECT_FALSE(args.contains(own)) << own;
  }
}

RunState some_run() {
  RunState run{.step = 100, .n_steps = 342, .epoch = 0.5, .best_f1 = 71.25, .best_step = 50, .log = {}};
  run.log.push_back(
      log_entry(StepRecord{.step = 50, .epoch = 0.25, .loss = 2.5, .learning_rate = 4.9e-5, .gradient_norm = 7.125}));
  run.log.push_back({.step = 50, .epoch = 0.25, .values = {{"eval_f1", 71.25}, {"eval_total", 2000.0, true}}});
  return run;
}

TEST(TrainerState, HasTheShapeOfTheTrainer) {
  TrainOptions options;
  options.output = "out";
  const std::string text = trainer_state_json(some_run(), options);
  EXPECT_TRUE(
      text.starts_with("{\n  \"best_global_step\": 50,\n  \"best_metric\": 71.25,\n"
                       "  \"best_model_checkpoint\": \"out/checkpoint-50\",\n  \"epoch\": 0.5,\n"))
      << text;
  EXPECT_NE(text.find(R"(  "log_history": [
    {
      "epoch": 0.25,
      "grad_norm": 7.125,
      "learning_rate": 4.9e-05,
      "loss": 2.5,
      "step": 50
    },
    {
      "epoch": 0.25,
      "eval_f1": 71.25,
      "eval_total": 2000,
      "step": 50
    }
  ],)"),
            std::string::npos)
      << text;
  EXPECT_TRUE(text.ends_with("\n}\n"));
  const Json state = Json::parse(text);
  EXPECT_EQ(state.size(), 20U);  // the keys of transformers' TrainerState
  EXPECT_EQ(state.at("num_train_epochs"), 3);
}

TEST(TrainerState, WithoutEvaluationThereIsNoBest) {
  const Json state = Json::parse(trainer_state_json({}, {}));
  EXPECT_TRUE(state.at("best_metric").is_null());
  EXPECT_TRUE(state.at("best_model_checkpoint").is_null());
  EXPECT_EQ(state.at("log_history"), Json::array());
}

TEST(TrainerState, ItsLogIsReadBack) {
  RunState run = some_run();
  const std::string text = trainer_state_json(run, {});
  const auto log = parse_log_history(text, "trainer_state.json");
  ASSERT_TRUE(log) << log.error().message;
  run.log = *log;
  EXPECT_EQ(trainer_state_json(run, {}), text);
}

TEST(TrainerState, ValuesThatAreNoNumbersAreLeftOut) {
  RunState run;
  run.log.push_back({.step = 1, .epoch = 0.1, .values = {{"loss", std::numeric_limits<double>::infinity()}}});
  const Json state = Json::parse(trainer_state_json(run, {}));
  EXPECT_FALSE(state.at("log_history").at(0).contains("loss"));
}

TEST(ParseLogHistory, SaysWhatIsWrong) {
  const auto error_of = [](std::string_view json) {
    const auto log = parse_log_history(json, "trainer_state.json");
    return log ? std::string("no error") : log.error().message;
  };
  EXPECT_EQ(error_of("{}"), "trainer_state.json: holds no log_history");
  EXPECT_NE(error_of(R"({"log_history": [1]})").find("not an object"), std::string::npos);
  EXPECT_NE(error_of(R"({"log_history": [{"loss": "x"}]})").find("\"loss\""), std::string::npos);
}

}  // namespace
}  // namespace spanqa

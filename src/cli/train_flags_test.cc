#include "cli/train_flags.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "shared_data.h"
#include "train/options_json.h"

namespace spanqa::cli {
namespace {

Result<TrainOptions> parse(const std::string& command_line) {
  CLI::App app;
  TrainFlags flags;
  flags.add_to(app);
  app.parse(command_line);
  return flags.resolve(app);
}

const std::string kNeeded = "--model m --train t.json --output o ";

TrainOptions options(const std::string& command_line) { return parse(kNeeded + command_line).value(); }

std::string message(const std::string& command_line) {
  const auto parsed = parse(command_line);
  if (parsed) return {};
  EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
  return parsed.error().message;
}

std::string recipe(const std::string& name) {
  return "--config " + testing::source_path("recipes").string() + "/" + name + ".toml ";
}

TEST(TrainFlags, WithoutFlagsTheDefaultsAreThoseOfTrainOptions) {
  TrainOptions expected;
  expected.model = "m";
  expected.output = "o";
  expected.train = {{.path = "t.json"}};
  EXPECT_EQ(options_to_json(options("--precision float32")), options_to_json(expected));
}

TEST(TrainFlags, EverySettingIsAFlag) {
  const TrainOptions made = options(
      "--validation v.json --validation-limit 7 --max-length 100 --overlap 10 --long-question truncate "
      "--max-question-length 20 --squad-v2 --last-token-bug --epochs 1.5 --max-steps 9 --batch-kind tokens "
      "--batch-size 512 --accumulation-steps 2 --group-by-length --seed 3 --learning-rate 1e-4 --weight-decay 0.01 "
      "--beta1 0.8 --beta2 0.9 --eps 1e-6 --max-gradient-norm 2 --schedule cosine --warmup-ratio 0.1 --warmup-steps 4 "
      "--layer-decay 0.9 --frozen-layers 1 --label-smoothing 0.1 --hidden-dropout 0.2 --attention-dropout 0.3 "
      "--head-dropout 0.4 --evaluate-every 11 --save-every 12 --checkpoint-limit 13 --patience 14 --log-every 15 "
      "--precision bfloat16 --n-threads 2");
  TrainOptions defaults;
  for (const OptionDifference& difference : compare_options(made, defaults)) EXPECT_NE(difference.a, difference.b);
  const auto settings = printed_options(defaults);
  EXPECT_EQ(compare_options(made, defaults).size(), settings.size() + 1)
      << "the list of files of the defaults is empty";
  EXPECT_EQ(made.windows.long_question, LongQuestion::kTruncate);
  EXPECT_EQ(made.batch_kind, BatchKind::kTokens);
  EXPECT_EQ(made.schedule, ScheduleKind::kCosine);
  EXPECT_TRUE(made.group_by_length);
}

TEST(TrainFlags, LimitsAndWeightsBelongToTheFileAtTheirPlace) {
  const TrainOptions made = options("--train u.json --train-limit 0 --train-limit 5008 --train-weight 0.5");
  ASSERT_EQ(made.train.size(), 2U);
  EXPECT_EQ(made.train[0].limit, 0U);
  EXPECT_EQ(made.train[0].weight, 0.5);
  EXPECT_EQ(made.train[1].path, "u.json");
  EXPECT_EQ(made.train[1].limit, 5008U);
  EXPECT_EQ(made.train[1].weight, 1.0);
  EXPECT_NE(message(kNeeded + "--train-limit 1 --train-limit 2").find("2 --train-limit"), std::string::npos);
}

TEST(TrainFlags, PrecisionFollowsTheProcessorUnlessSaid) {
  EXPECT_EQ(options("").precision, has_fast_bfloat16() ? Precision::kBFloat16 : Precision::kFloat32);
  EXPECT_EQ(options("--precision float32").precision, Precision::kFloat32);
}

TEST(TrainFlags, TheOverlapFollowsAShortWindow) {
  EXPECT_EQ(options("--max-length 64").windows.overlap, 32U);
  EXPECT_EQ(options("--max-length 64 --doc-stride 8").windows.overlap, 8U);
}

TEST(TrainFlags, WhatIsMissingIsNamed) {
  EXPECT_EQ(message("--train t --output o"), "train needs --model FOLDER");
  EXPECT_EQ(message("--model m --output o"), "train needs --train FILE");
  EXPECT_EQ(message("--model m --train t"), "train needs --output FOLDER");
}

TEST(TrainFlags, NumbersOutOfRangeAreNamed) {
  EXPECT_NE(message(kNeeded + "--batch-size 0").find("batch_size"), std::string::npos);
  EXPECT_NE(message(kNeeded + "--hidden-dropout 0.95").find("hidden_dropout"), std::string::npos);
  EXPECT_NE(message(kNeeded + "--log-every 0").find("log_every"), std::string::npos);
}

TEST(TrainFlags, CountsAreWholeNumbers) {
  for (const char* wrong : {"--seed -1", "--batch-size -1", "--train-limit -1", "--overlap -1", "--max-steps 1.5",
                            "--epochs many", "--seed 99999999999999999999"}) {
    EXPECT_THROW(parse(kNeeded + wrong), CLI::ParseError) << wrong;
  }
  EXPECT_EQ(options("--seed 18446744073709551615").seed, 18446744073709551615U);
}

TEST(TrainFlags, EveryRecipeResolves) {
  std::size_t n = 0;
  for (const auto& entry : std::filesystem::directory_iterator(testing::source_path("recipes"))) {
    ++n;
    const auto made = parse("--config " + entry.path().string() + " --train t.json --output o");
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_FALSE(made->model.empty()) << entry.path();
    EXPECT_EQ(made->weight_decay, 0.01) << entry.path();
    std::ostringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    EXPECT_TRUE(text.str().starts_with("# ")) << entry.path();
    EXPECT_NE(text.str().find("spanqa train --config recipes/" + entry.path().filename().string()), std::string::npos);
  }
  EXPECT_EQ(n, 8U);
}

TEST(TrainFlags, ARecipeHasTheSettingsOfItsRun) {
  const TrainOptions c = parse(recipe("c") + "--train t.json --output o --model here").value();
  EXPECT_EQ(c.model, "here") << "a folder overrules the recipe's model";
  EXPECT_EQ(c.train[0].limit, 876U);
  EXPECT_EQ(c.epochs, 5.0);
  EXPECT_EQ(c.batch_size, 16U);
  EXPECT_EQ(c.learning_rate, 2e-5);
  EXPECT_LT(c.hidden_dropout, 0.0) << "the model's own";
  const TrainOptions twin = parse(recipe("minilm-squad") + "--train t.json --output o --epochs 1").value();
  EXPECT_EQ(twin.epochs, 1.0);
  EXPECT_EQ(twin.learning_rate, 8e-5);
  EXPECT_EQ(twin.warmup_ratio, 0.06);
  EXPECT_EQ(twin.hidden_dropout, 0.0);
  EXPECT_EQ(twin.precision, Precision::kFloat32);
}

TEST(TrainFlags, PrintedSettingsAreForPeople) {
  TrainOptions shown = options("--train-limit 876");
  std::map<std::string, std::string> printed;
  for (const auto& [key, value] : printed_options(shown)) printed[key] = value;
  EXPECT_EQ(printed.at("train"), "t.json, first 876");
  EXPECT_EQ(printed.at("learning-rate"), "5e-05");
  EXPECT_EQ(printed.at("hidden-dropout"), "as config.json says");
  EXPECT_EQ(printed.at("schedule"), "linear");
  EXPECT_EQ(printed.at("validation"), "none");
  EXPECT_EQ(printed.at("threads"), "all cores");
}

}  // namespace
}  // namespace spanqa::cli

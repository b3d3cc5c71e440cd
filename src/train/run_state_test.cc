#include "train/run_state.h"

#include <gtest/gtest.h>

#include <limits>

#include "train/checksum.h"
#include "train/options_json.h"

namespace spanqa {
namespace {

TrainingState some_state() {
  TrainingState state;
  state.run = {.step = 120,
               .n_steps = 342,
               .epoch = 1.0526315789473684,
               .epoch_index = 1,
               .batches_done = 6,
               .n_windows = 960,
               .n_tokens = 251042,
               .total_flops = 1.25e15,
               .best_f1 = 57.312345678901,
               .best_step = 114,
               .n_evaluations_without_gain = 0,
               .n_unlogged_steps = 20,
               .unlogged_loss = 1.0 / 3.0,
               .unlogged_gradient_norm = 99.1,
               .data_checksum = 18446744073709551615U,
               .log = {}};
  state.options.model = "base";
  state.options.learning_rate = 3e-5;
  state.n_optimizer_steps = 120;
  state.files = {{"config.json", {.n_bytes = 7, .checksum = 5}}, {"model.safetensors", {.n_bytes = 99, .checksum = 6}}};
  return state;
}

std::string error_of(std::string_view json) {
  const auto parsed = parse_training_state(json, "training_state.json");
  return parsed ? "no error" : parsed.error().message;
}

TEST(TrainingStateJson, IsReadBackToTheLastBit) {
  const TrainingState state = some_state();
  const std::string json = training_state_json(state).value();
  const auto read = parse_training_state(json, "x");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->run.epoch, state.run.epoch);
  EXPECT_EQ(read->run.unlogged_loss, state.run.unlogged_loss);
  EXPECT_EQ(read->run.best_f1, state.run.best_f1);
  EXPECT_EQ(read->run.data_checksum, state.run.data_checksum);
  EXPECT_EQ(read->files, state.files);
  EXPECT_TRUE(compare_options(read->options, state.options).empty());
  EXPECT_EQ(training_state_json(*read).value(), json);
}

TEST(TrainingStateJson, AnEvaluationThatIsDueIsKept) {
  TrainingState state = some_state();
  const std::string without = training_state_json(state).value();
  EXPECT_EQ(without.find("is_evaluation_due"), std::string::npos);
  EXPECT_FALSE(parse_training_state(without, "x")->run.is_evaluation_due);
  state.run.is_evaluation_due = true;
  EXPECT_TRUE(parse_training_state(training_state_json(state).value(), "x")->run.is_evaluation_due);
}

TEST(TrainingStateJson, ARunWithoutEvaluationHasNoBest) {
  const auto read = parse_training_state(training_state_json({}).value(), "x");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->run.best_f1, std::nullopt);
}

TEST(TrainingStateJson, IsNotWrittenWithNumbersThatAreNone) {
  TrainingState state = some_state();
  state.run.unlogged_loss = std::numeric_limits<double>::quiet_NaN();
  const auto json = training_state_json(state);
  ASSERT_FALSE(json);
  EXPECT_NE(json.error().message.find("unlogged_loss"), std::string::npos);
}

TEST(ParseTrainingState, SaysWhatIsWrong) {
  EXPECT_EQ(error_of("[]"), "training_state.json: is not a JSON object");
  EXPECT_NE(error_of("{}").find("its format is not"), std::string::npos);
  std::string json = training_state_json(some_state()).value();
  json.replace(json.find("\"version\": 1"), 12, "\"version\": 9");
  const auto later = parse_training_state(json, "x");
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(later.error().message.find("version 9"), std::string::npos);
}

TEST(ParseTrainingState, DamageIsNoticed) {
  const std::string whole = training_state_json(some_state()).value();
  for (std::size_t n = 0; n + 1 < whole.size(); ++n) EXPECT_FALSE(parse_training_state(whole.substr(0, n), "x")) << n;
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const auto parsed = parse_training_state(damaged, "x");
    // What may pass: blanks that became other blanks.
    if (!parsed) continue;
    EXPECT_EQ(training_state_json(*parsed).value(), whole) << bit;
  }
}

TEST(LogEntry, HasTheNamesOfTheTrainer) {
  const LogEntry step = log_entry(StepRecord{.step = 50, .epoch = 0.5, .loss = 2.5, .learning_rate = 1e-5});
  EXPECT_EQ(step.step, 50U);
  ASSERT_EQ(step.values.size(), 3U);
  EXPECT_EQ(step.values[2].name, "loss");
  EXPECT_EQ(step.values[2].value, 2.5);
  EvaluationRecord record;
  record.loss = 1.5;
  record.metrics = {{"f1", 80.5}, {"total", 100.0, true}};
  const LogEntry evaluation = log_entry(record);
  ASSERT_EQ(evaluation.values.size(), 3U);
  EXPECT_EQ(evaluation.values[0].name, "eval_loss");
  EXPECT_EQ(evaluation.values[1].name, "eval_f1");
  EXPECT_TRUE(evaluation.values[2].is_count);
}

TEST(Checksum64, ChangesWithEveryBitAndWithTheLength) {
  std::vector<std::byte> bytes(21);
  const std::uint64_t whole = checksum64(bytes);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_NE(checksum64(bytes), whole) << bit;
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
  }
  for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_NE(checksum64(std::span(bytes).first(n)), whole) << n;
  EXPECT_NE(checksum64(bytes, 1), whole);
}

}  // namespace
}  // namespace spanqa

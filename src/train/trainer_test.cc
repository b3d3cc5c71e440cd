#include "train/trainer.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/scratch_file.h"
#include "shared_data.h"
#include "train/checkpoint.h"
#include "train/run_log.h"
#include "training_rows.h"

namespace spanqa {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSteps = 9;

Error interruption() { return {ErrorCode::kCancelled, "interrupted"}; }

class Train : public ::testing::Test {
 protected:
  Train() { scratch_.write(testing::training_rows(12)); }

  fs::path data() const { return scratch_.path(); }
  fs::path output(const std::string& name) const { return scratch_.path().parent_path() / name; }

  /// Nine steps of four windows, three in an epoch, an evaluation and a checkpoint after each epoch.
  TrainOptions options(const std::string& name) const {
    TrainOptions options;
    options.model = testing::source_path("tests/fixtures/nn/tiny-bert");
    options.output = output(name);
    options.train = {{.path = data()}};
    options.validation = data();
    options.batch_size = 4;
    options.max_steps = kSteps;
    options.learning_rate = 5e-3;
    options.log_every = 1;
    options.n_threads = 1;
    return options;
  }

  std::string model_of(const std::string& name) const {
    return read_file(output(name) / "model" / "model.safetensors").value();
  }
  RunHistory history_of(const std::string& name) const {
    return read_run_history(output(name) / "events.jsonl").value();
  }

  /// A run that is cancelled in its `number`-th evaluation (from 1): the first to ask after that epoch's last step.
  Error interrupted_in_evaluation(const TrainOptions& options, std::size_t number) const {
    std::size_t last_step = 0;
    TrainObserver observer;
    observer.on_step = [&](const StepRecord& record) { last_step = record.step; };
    observer.cancelled = [&]() -> Status {
      if (last_step < 3 * number) return {};
      return tl::unexpected<Error>(interruption());
    };
    const auto result = train(options, false, observer);
    EXPECT_FALSE(result);
    return result ? Error{} : result.error();
  }

  testing::ScratchFile scratch_{"rows.jsonl", ""};
};

TEST_F(Train, AnEvaluationCutShortIsMadeUpForAfterResumption) {
  const auto whole = train(options("whole"), false);
  ASSERT_TRUE(whole) << whole.error().message;
  for (const std::size_t number : {1U, 3U}) {
    SCOPED_TRACE(number);
    const std::string name = "broken" + std::to_string(number);
    EXPECT_EQ(interrupted_in_evaluation(options(name), number).code, ErrorCode::kCancelled);
    EXPECT_EQ(history_of(name).evaluations.size(), number - 1);
    EXPECT_FALSE(fs::exists(output(name) / ".evaluation"));
    const auto resumed = train(options(name), true);
    ASSERT_TRUE(resumed) << resumed.error().message;
    const auto evaluations = history_of(name).evaluations;
    const auto expected = history_of("whole").evaluations;
    ASSERT_EQ(evaluations.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(evaluations[i].step, expected[i].step);
      EXPECT_EQ(evaluations[i].loss, expected[i].loss);
      EXPECT_EQ(evaluations[i].is_best, expected[i].is_best);
    }
    EXPECT_EQ(resumed->best->step, whole->best->step);
    EXPECT_TRUE(model_of(name) == model_of("whole"));
  }
}

TEST_F(Train, AnEvaluationThatFailsCostsNoStep) {
  const auto whole = train(options("whole"), false);
  ASSERT_TRUE(whole);
  TrainObserver observer;
  observer.on_step = [&](const StepRecord& record) {
    if (record.step == 3) fs::remove(data());
  };
  const auto failed = train(options("broken"), false, observer);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kNotFound);
  EXPECT_NE(failed.error().message.find("checkpoint-3 is whole"), std::string::npos) << failed.error().message;
  scratch_.write(testing::training_rows(12));
  const auto resumed = train(options("broken"), true);
  ASSERT_TRUE(resumed) << resumed.error().message;
  EXPECT_TRUE(model_of("broken") == model_of("whole"));
}

TEST_F(Train, AnEvaluationBeginsWhenItsStepsAreSaved) {
  std::size_t last_step = 0;
  std::size_t n_seen = 0;
  TrainObserver observer;
  observer.on_step = [&](const StepRecord& record) { last_step = record.step; };
  observer.on_evaluation_progress = [&](double) {
    ++n_seen;
    EXPECT_TRUE(fs::exists(output("run") / ("checkpoint-" + std::to_string(last_step)))) << last_step;
  };
  ASSERT_TRUE(train(options("run"), false, observer));
  EXPECT_GE(n_seen, kSteps / 3);
}

TEST_F(Train, PatienceThatRanOutStaysSoAfterResumption) {
  TrainOptions settings = options("run");
  settings.learning_rate = 0.0;  // no evaluation is better than the first one
  settings.patience = 1;
  const auto stopped = train(settings, false);
  ASSERT_TRUE(stopped) << stopped.error().message;
  EXPECT_EQ(stopped->n_steps, 6U);
  const auto again = train(settings, true);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->n_steps, 6U);
  settings.patience = 2;
  const auto longer = train(settings, true);
  ASSERT_TRUE(longer) << longer.error().message;
  EXPECT_EQ(longer->n_steps, kSteps) << "more patience lets the run go on";
}

TEST_F(Train, ResumesWithTheSettingsItWasStartedWith) {
  TrainOptions settings = options("run");
  settings.windows.max_length = 384;  // more than the model reads
  int n_steps = 0;
  TrainObserver observer;
  observer.on_step = [&](const StepRecord&) { ++n_steps; };
  observer.cancelled = [&]() -> Status {
    if (n_steps < 2) return {};
    return tl::unexpected<Error>(interruption());
  };
  ASSERT_FALSE(train(settings, false, observer));
  const auto resumed = train(settings, true);
  EXPECT_TRUE(resumed) << resumed.error().message;
}

TEST_F(Train, OneProcessAtATimeTrainsInAFolder) {
  const TrainOptions settings = options("run");
  std::string message;
  TrainObserver observer;
  observer.on_step = [&](const StepRecord&) {
    const auto second = train(settings, true);
    EXPECT_FALSE(second);
    if (!second) message = second.error().message;
  };
  ASSERT_TRUE(train(settings, false, observer));
  EXPECT_NE(message.find("another process"), std::string::npos) << message;
}

TEST_F(Train, AValidationFileThatCannotBeScoredEndsTheRunBeforeItBegins) {
  TrainOptions settings = options("run");
  TrainObserver observer;
  observer.on_step = [](const StepRecord&) { ADD_FAILURE() << "a step was taken"; };
  settings.validation = output("none.json");
  const auto missing = train(settings, false, observer);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  settings.validation = output("no_golds.jsonl");
  ASSERT_TRUE(write_file(settings.validation, "{\"id\": \"1\", \"question\": \"who?\", \"context\": \"a\"}\n"));
  EXPECT_FALSE(train(settings, false, observer));
  EXPECT_FALSE(fs::exists(settings.output)) << "nothing is left of it";
}

TEST_F(Train, TellsTheWholeRunAfterResumption) {
  const TrainOptions settings = options("run");
  EXPECT_EQ(interrupted_in_evaluation(settings, 2).code, ErrorCode::kCancelled);
  const RunHistory before = history_of("run");
  ASSERT_EQ(before.checkpoints.back().step, 6U);
  const double seconds = before.checkpoints.back().seconds;
  EXPECT_GT(seconds, before.checkpoints.back().seconds_training);
  EXPECT_GT(before.checkpoints.back().seconds_training, 0.0);
  const auto resumed = train(settings, true);
  ASSERT_TRUE(resumed) << resumed.error().message;
  EXPECT_GT(resumed->seconds, seconds);
  const RunHistory after = history_of("run");
  ASSERT_EQ(after.steps.size(), kSteps);
  EXPECT_GT(after.steps[6].seconds, seconds);
  EXPECT_GT(resumed->windows_per_second * after.checkpoints.back().seconds_training, 35.9) << "36 windows in all";
  const std::string page = read_file(settings.output / "report.html").value();
  for (std::size_t step = 1; step <= kSteps; ++step) {
    EXPECT_NE(page.find("<tr><td>" + std::to_string(step) + "</td>"), std::string::npos) << step;
  }
}

TEST_F(Train, ResumesWithoutItsLog) {
  const TrainOptions settings = options("run");
  EXPECT_EQ(interrupted_in_evaluation(settings, 2).code, ErrorCode::kCancelled);
  fs::remove(settings.output / "events.jsonl");
  const auto resumed = train(settings, true);
  ASSERT_TRUE(resumed) << resumed.error().message;
  EXPECT_EQ(history_of("run").steps.size(), 3U) << "those behind the checkpoint";
}

TEST_F(Train, WhatAKilledEvaluationLeftBehindIsRemoved) {
  const TrainOptions settings = options("run");
  fs::create_directories(settings.output / ".evaluation");
  std::ofstream(settings.output / ".evaluation" / "model.safetensors") << "half";
  ASSERT_TRUE(train(settings, false));
  EXPECT_FALSE(fs::exists(settings.output / ".evaluation"));
}

}  // namespace
}  // namespace spanqa

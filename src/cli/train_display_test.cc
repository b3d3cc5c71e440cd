#include "cli/train_display.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>

namespace spanqa::cli {
namespace {

class TrainDisplayTest : public ::testing::Test {
 protected:
  /// What was written so far.
  std::string text() const {
    std::fflush(file_.get());
    std::rewind(file_.get());
    std::array<char, 4096> buffer = {};
    return {buffer.data(), std::fread(buffer.data(), 1, buffer.size(), file_.get())};
  }
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_{std::tmpfile()};
};

TEST_F(TrainDisplayTest, WithoutATerminalEveryFewStepsMakeALine) {
  TrainDisplay display(file_.get(), 2, false);
  for (std::size_t step = 1; step <= 5; ++step) display.step({.step = step, .n_steps = 5, .loss = 1.5});
  display.evaluation_progress(0.5);
  const std::string lines = text();
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 3) << "steps 2, 4 and the last\n" << lines;
  EXPECT_NE(lines.find("4/5"), std::string::npos) << lines;
  EXPECT_EQ(lines.find('\r'), std::string::npos);
}

TEST_F(TrainDisplayTest, NoLogLeavesTheLastStep) {
  TrainDisplay display(file_.get(), 0, false);
  for (std::size_t step = 1; step <= 5; ++step) display.step({.step = step, .n_steps = 5});
  const std::string lines = text();
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 1);
}

TEST_F(TrainDisplayTest, EvaluationsAndCheckpointsAreLines) {
  TrainDisplay display(file_.get(), 50, false);
  EvaluationRecord record;
  record.step = 319;
  record.epoch = 1.0;
  record.loss = 1.67541;
  record.exact = 54.344;
  record.f1 = 64.99;
  record.seconds = 12.3;
  record.is_best = true;
  display.evaluation(record);
  display.checkpoint({.step = 319, .folder = "runs/a/checkpoint-319"});
  EXPECT_EQ(text(),
            "epoch 1.00  step 319  loss 1.6754  exact 54.34  F1 64.99  12.3 s  best so far\n"
            "saved runs/a/checkpoint-319\n");
}

}  // namespace
}  // namespace spanqa::cli

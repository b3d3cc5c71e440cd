#include "train/schedule.h"

#include <gtest/gtest.h>

namespace spanqa {
namespace {

TEST(StepsPerEpoch, TheLastStepTakesWhatIsLeft) {
  EXPECT_EQ(steps_per_epoch(0, 1), 0U);
  EXPECT_EQ(steps_per_epoch(114, 1), 114U);
  EXPECT_EQ(steps_per_epoch(114, 4), 29U);
  EXPECT_EQ(steps_per_epoch(116, 4), 29U);
}

TEST(CountSteps, FollowsEpochsUnlessStepsAreGiven) {
  TrainOptions options;
  EXPECT_EQ(count_steps(options, 114), 342U);
  options.epochs = 0.5;
  EXPECT_EQ(count_steps(options, 115), 58U);
  options.epochs = 0.001;
  EXPECT_EQ(count_steps(options, 115), 1U);
  options.max_steps = 60;
  EXPECT_EQ(count_steps(options, 115), 60U);
  EXPECT_EQ(count_steps(options, 0), 0U);
}

TEST(CountWarmupSteps, RoundsTheRatioUp) {
  TrainOptions options;
  EXPECT_EQ(count_warmup_steps(options, 342), 0U);
  options.warmup_ratio = 0.1;
  EXPECT_EQ(count_warmup_steps(options, 342), 35U);
  options.warmup_steps = 7;
  EXPECT_EQ(count_warmup_steps(options, 342), 7U);
}

// Three steps of warm-up of ten: the formulas of transformers' get_*_schedule_with_warmup, worked out in Python.
TEST(Schedule, LinearWithWarmup) {
  const Schedule schedule(ScheduleKind::kLinear, 3, 10);
  EXPECT_EQ(schedule.factor(0), 0.0);
  EXPECT_DOUBLE_EQ(schedule.factor(1), 1.0 / 3.0);
  EXPECT_DOUBLE_EQ(schedule.factor(2), 2.0 / 3.0);
  EXPECT_EQ(schedule.factor(3), 1.0);
  EXPECT_DOUBLE_EQ(schedule.factor(9), 1.0 / 7.0);
  EXPECT_EQ(schedule.factor(10), 0.0);
  EXPECT_EQ(schedule.factor(11), 0.0);
}

TEST(Schedule, WithoutWarmupTheFirstStepHasTheWholeRate) {
  for (const auto kind : {ScheduleKind::kLinear, ScheduleKind::kCosine, ScheduleKind::kConstant}) {
    EXPECT_EQ(Schedule(kind, 0, 10).factor(0), 1.0);
  }
}

TEST(Schedule, CosineWithWarmup) {
  const Schedule schedule(ScheduleKind::kCosine, 3, 10);
  EXPECT_DOUBLE_EQ(schedule.factor(2), 2.0 / 3.0);
  EXPECT_EQ(schedule.factor(3), 1.0);
  EXPECT_NEAR(schedule.factor(4), 0.9504844339512095, 1e-12);
  EXPECT_NEAR(schedule.factor(9), 0.04951556604879043, 1e-12);
  EXPECT_EQ(schedule.factor(10), 0.0);
  EXPECT_EQ(schedule.factor(25), 0.0);
}

TEST(Schedule, ConstantStaysOpenAfterWarmup) {
  const Schedule schedule(ScheduleKind::kConstant, 4, 10);
  EXPECT_EQ(schedule.factor(1), 0.25);
  EXPECT_EQ(schedule.factor(4), 1.0);
  EXPECT_EQ(schedule.factor(100), 1.0);
}

TEST(Schedule, MoreWarmupThanStepsOnlyWarmsUp) {
  const Schedule schedule(ScheduleKind::kLinear, 20, 10);
  EXPECT_EQ(schedule.factor(9), 0.45);
  EXPECT_EQ(schedule.factor(20), 0.0);
}

}  // namespace
}  // namespace spanqa

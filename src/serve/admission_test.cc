#include "serve/admission.h"

#include <gtest/gtest.h>

#include <vector>

namespace spanqa::serve {
namespace {

constexpr CoreSpeed kThousand{.by_clock = 1000.0, .by_cpu = 1000.0};

TEST(Admission, TakesWhatIsDoneInTime) {
  WindowQueue queue;
  const Admission admission({.n_cores = 2}, kThousand);  // 2,000 tokens a second
  EXPECT_DOUBLE_EQ(admission.tokens_per_second(), 2000.0);
  EXPECT_FALSE(admission.refuse(queue, 0, 100, 1.0));
  queue.push(1, 1, std::vector<std::uint32_t>(10, 150));
  EXPECT_FALSE(admission.refuse(queue, 0, 100, 1.0)) << "a turn of it comes before it, and its own 100";
  const auto refusal = admission.refuse(queue, 0, 900, 1.0);
  ASSERT_TRUE(refusal) << "1,800 tokens are 0.9 s, more than 0.8";
  EXPECT_EQ(refusal->reason, RefusalReason::kBusy);
  EXPECT_EQ(refusal->seconds, 1);
}

TEST(Admission, RefusesTheLeastRequestWhereEverybodysTurnTakesTooLong) {
  WindowQueue queue;
  const Admission admission({.n_cores = 1}, kThousand);
  for (WindowQueue::JobId job = 1; job <= 5; ++job) queue.push(job, 1, {150});
  EXPECT_FALSE(admission.refuse(queue, 0, 1, 1.0));
  queue.push(6, 1, {150});
  EXPECT_TRUE(admission.refuse(queue, 0, 1, 1.0)) << "900 tokens stand before it";
}

TEST(Admission, CountsWhatIsBeingRead) {
  const WindowQueue queue;
  const Admission admission({.n_cores = 1}, kThousand);
  EXPECT_FALSE(admission.refuse(queue, 700, 100, 1.0));
  EXPECT_TRUE(admission.refuse(queue, 701, 100, 1.0));
}

TEST(Admission, TellsWhenTheBacklogIsDone) {
  WindowQueue queue;
  const Admission admission({.n_cores = 1, .queue_tokens = 5000}, kThousand);
  queue.push(1, 1, std::vector<std::uint32_t>(49, 100));
  const auto refusal = admission.refuse(queue, 300, 101, 60.0);
  ASSERT_TRUE(refusal) << "no room for it";
  EXPECT_EQ(refusal->seconds, 6) << "5,200 tokens at 1,000 a second";
  EXPECT_FALSE(admission.refuse(queue, 300, 100, 60.0));
}

TEST(Admission, WhatIsTooLongIsSaidSoWhateverWaits) {
  WindowQueue queue;
  const Admission admission({.n_cores = 1, .deadline = 2.0}, kThousand);
  EXPECT_EQ(admission.most_tokens(), 2000U);
  EXPECT_FALSE(admission.refuse(queue, 0, 2000, 2.0)) << "alone it may take all of its time";
  queue.push(1, 1, std::vector<std::uint32_t>(100, 100));
  const auto refusal = admission.refuse(queue, 0, 2001, 2.0);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, RefusalReason::kTooLong);
  EXPECT_EQ(admission.refuse(queue, 0, 2000, 2.0)->reason, RefusalReason::kBusy);
}

TEST(Admission, NothingIsTooLongForTheQueueButWhatItNeverHolds) {
  WindowQueue queue;
  const Admission admission({.n_cores = 1, .queue_tokens = 3000}, kThousand);
  EXPECT_EQ(admission.most_tokens(), 3000U);
  queue.push(1, 1, std::vector<std::uint32_t>(29, 100));
  EXPECT_EQ(admission.refuse(queue, 0, 101, 60.0)->reason, RefusalReason::kBusy);
  EXPECT_EQ(admission.refuse(queue, 0, 3001, 60.0)->reason, RefusalReason::kTooLong);
  EXPECT_EQ(Admission({.queue_tokens = 1}, kThousand).most_tokens(), 1024U) << "a batch is read at once";
}

TEST(Admission, AStarvedServerIsBusyAndCallsNothingTooLong) {
  WindowQueue queue;
  Admission admission({.n_cores = 1, .deadline = 2.0}, kThousand);
  for (int i = 0; i < 300; ++i) admission.record(1000, core_speed(1000, 1, 100.0, 1.0));
  EXPECT_NEAR(admission.tokens_per_second(), 10.0, 1.0);
  EXPECT_EQ(admission.most_tokens(), 2000U) << "what it can do when it is left alone";
  EXPECT_FALSE(admission.refuse(queue, 0, 150, 2.0)) << "nothing is before it: it may find the server quick again";
  const auto refusal = admission.refuse(queue, 300, 150, 2.0);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, RefusalReason::kBusy);
  EXPECT_NEAR(refusal->seconds, 30, 3);
}

TEST(Admission, ADeadlineThatIsOverIsSaidSo) {
  const WindowQueue queue;
  const Admission admission({.n_cores = 1}, kThousand);
  EXPECT_EQ(admission.refuse(queue, 0, 1, 0.0)->reason, RefusalReason::kLate);
}

TEST(CoreSpeed, IsThatOfOneThreadByTheClockAndByItsOwnTime) {
  const CoreSpeed speed = core_speed(1000, 2, 5.0, 0.5);
  EXPECT_DOUBLE_EQ(speed.by_clock, 100.0);
  EXPECT_DOUBLE_EQ(speed.by_cpu, 1000.0);
  EXPECT_DOUBLE_EQ(core_speed(1000, 2, 5.0, 0.0).by_cpu, 100.0) << "the system does not tell";
  EXPECT_DOUBLE_EQ(core_speed(1000, 2, 5.0, 5.1).by_cpu, 100.0) << "nor two clocks the same";
  EXPECT_EQ(core_speed(0, 1, 1.0, 1.0).by_clock, 0.0);
  EXPECT_EQ(core_speed(1024, 1, 0.0, 0.0).by_clock, 0.0);
}

TEST(Admission, LearnsTheSpeedAndForgetsAnOutlier) {
  Admission admission({.n_cores = 2}, kThousand);
  for (int i = 0; i < 300; ++i) admission.record(1024, core_speed(1024, 1, 1.024 / 3.0, 1.024 / 3.0));
  EXPECT_NEAR(admission.tokens_per_second(), 6000.0, 10.0);
  for (int i = 0; i < 300; ++i) admission.record(1024, core_speed(1024, 2, 0.512 / 3.0, 0.512 / 3.0));
  EXPECT_NEAR(admission.tokens_per_second(), 6000.0, 10.0) << "threads count";
  admission.record(256, core_speed(256, 1, 256.0, 256.0));
  EXPECT_GT(admission.tokens_per_second(), 5500.0);
}

TEST(Admission, DoesNotTakeSmallOrEmptyPassesForSlowness) {
  Admission admission({.n_cores = 1}, kThousand);
  for (int i = 0; i < 1000; ++i) admission.record(20, core_speed(20, 1, 1.0, 1.0));
  admission.record(0, core_speed(0, 1, 1.0, 1.0));
  admission.record(1024, core_speed(1024, 1, 0.0, 0.0));
  EXPECT_EQ(admission.tokens_per_second(), 1000.0);
  for (int i = 0; i < 300; ++i) admission.record(20, core_speed(20, 1, 0.01, 0.01));
  EXPECT_NEAR(admission.tokens_per_second(), 2000.0, 10.0) << "lone questions tell that it is quicker than thought";
  EXPECT_DOUBLE_EQ(admission.seconds_for(1000, 2), 500.0 / admission.tokens_per_second());
  EXPECT_NEAR(static_cast<double>(admission.tokens_in(0.5, 2)), 2000.0, 10.0);
}

}  // namespace
}  // namespace spanqa::serve

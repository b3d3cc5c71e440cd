#include "train/run_plan.h"

#include <gtest/gtest.h>

#include "base/scratch_file.h"
#include "shared_data.h"
#include "training_rows.h"

namespace spanqa {
namespace {

class PlanRun : public ::testing::Test {
 protected:
  TrainOptions options() const {
    TrainOptions options;
    options.model = testing::source_path("tests/fixtures/nn/tiny-bert");
    options.train = {{.path = scratch_.path()}};
    options.batch_size = 4;
    options.epochs = 2;
    options.warmup_ratio = 0.25;
    return options;
  }
  testing::ScratchFile scratch_{"rows.jsonl", testing::training_rows(10)};
};

TEST_F(PlanRun, CountsQuestionsAndSteps) {
  TrainOptions validated = options();
  validated.validation = scratch_.path();
  validated.validation_limit = 7;
  const auto plan = plan_run(validated);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->counts.n_questions, 10U);
  EXPECT_EQ(plan->counts.n_windows, 10U);
  EXPECT_EQ(plan->n_validation, 7U);
  EXPECT_EQ(plan->length.steps_in_epoch, 3U);
  EXPECT_EQ(plan->length.n_steps, 6U);
  EXPECT_EQ(plan->length.n_warmup_steps, 2U);
}

TEST_F(PlanRun, FailsAsTheRunWould) {
  TrainOptions wrong = options();
  wrong.batch_size = 0;
  EXPECT_EQ(plan_run(wrong).error().code, ErrorCode::kInvalidArgument);
  wrong = options();
  wrong.validation = "nowhere.json";
  EXPECT_EQ(plan_run(wrong).error().code, ErrorCode::kNotFound);
  wrong = options();
  wrong.model = "nowhere";
  EXPECT_FALSE(plan_run(wrong));
}

}  // namespace
}  // namespace spanqa

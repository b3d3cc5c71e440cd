#include "train/run_log.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>

#include "base/file.h"
#include "base/scratch_file.h"
#include "train/testing_history.h"

namespace spanqa {
namespace {

class RunLogTest : public ::testing::Test {
 protected:
  std::filesystem::path folder() const { return scratch_.path().parent_path(); }
  std::filesystem::path events() const { return folder() / "events.jsonl"; }
  std::string text() const { return read_file(events()).value(); }
  void append(std::string_view bytes) const { std::ofstream(events(), std::ios::app) << bytes; }
  RunLog started() const {
    auto log = RunLog::start(folder(), {{"seed", "42"}, {"model", "m"}});
    EXPECT_TRUE(log) << log.error().message;
    return std::move(*log);
  }

 private:
  testing::ScratchFile scratch_{"x", ""};
};

TEST_F(RunLogTest, GivesBackWhatItWasFed) {
  RunLog log = started();
  ASSERT_TRUE(log.add(testing::step_record(10, 100)));
  ASSERT_TRUE(log.add(testing::evaluation_record(1, 10)));
  ASSERT_TRUE(log.add(CheckpointRecord{.step = 10, .folder = "checkpoint-10"}));
  ASSERT_TRUE(log.end(10, "finished"));
  const auto history = read_run_history(events());
  ASSERT_TRUE(history) << history.error().message;
  ASSERT_EQ(history->steps.size(), 1U);
  EXPECT_EQ(history->steps[0].loss, testing::step_record(10, 100).loss);
  EXPECT_EQ(history->steps[0].peak_memory_bytes, std::uint64_t{1450} << 20U);
  ASSERT_EQ(history->evaluations.size(), 1U);
  const EvaluationRecord& evaluation = history->evaluations[0];
  const EvaluationRecord wanted = testing::evaluation_record(1, 10);
  EXPECT_EQ(evaluation.f1, wanted.f1);
  EXPECT_TRUE(evaluation.is_best);
  ASSERT_EQ(evaluation.metrics.size(), 3U);
  EXPECT_EQ(evaluation.metrics[0].name, "exact_match");
  EXPECT_FALSE(evaluation.metrics[0].is_count);
  EXPECT_TRUE(evaluation.metrics[2].is_count);
  ASSERT_EQ(evaluation.slices.size(), 3U);
  EXPECT_EQ(evaluation.slices[0].slices[1].name, "who");
  EXPECT_EQ(evaluation.slices[0].slices[1].n_questions, 1061U);
  ASSERT_EQ(evaluation.worst.size(), 3U);
  EXPECT_EQ(evaluation.worst[0].sentence, wanted.worst[0].sentence);
  ASSERT_EQ(history->checkpoints.size(), 1U);
  EXPECT_EQ(history->checkpoints[0].folder, "checkpoint-10");
  EXPECT_EQ(log.history().steps.size(), 1U);
}

TEST_F(RunLogTest, WritesOneObjectALine) {
  RunLog log = started();
  ASSERT_TRUE(log.add(testing::step_record(10, 100)));
  const std::string lines = text();
  EXPECT_EQ(lines.rfind("{\"event\":\"start\",\"time\":", 0), 0U);
  EXPECT_NE(lines.find("\"settings\":{\"seed\":\"42\",\"model\":\"m\"}}\n{\"event\":\"step\","), std::string::npos);
  EXPECT_EQ(lines.back(), '\n');
}

TEST_F(RunLogTest, KeepsALossThatIsNotANumber) {
  RunLog log = started();
  StepRecord record = testing::step_record(1, 2);
  record.loss = std::numeric_limits<double>::quiet_NaN();
  record.gradient_norm = std::numeric_limits<double>::infinity();
  ASSERT_TRUE(log.add(record));
  const auto history = read_run_history(events());
  ASSERT_TRUE(history) << history.error().message;
  EXPECT_TRUE(std::isnan(history->steps.at(0).loss));
  EXPECT_TRUE(std::isnan(history->steps.at(0).gradient_norm));
}

TEST_F(RunLogTest, CutsWhatLiesBehindTheResumedStep) {
  {
    RunLog log = started();
    for (std::size_t step = 10; step <= 20; step += 10) {
      ASSERT_TRUE(log.add(testing::step_record(step, 100)));
      ASSERT_TRUE(log.add(CheckpointRecord{.step = step, .folder = "c" + std::to_string(step)}));
    }
    ASSERT_TRUE(log.add(testing::step_record(25, 100)));
    append("{\"event\":\"st");  // killed in the middle of a line
  }
  auto log = RunLog::resume(folder(), 10, {});
  ASSERT_TRUE(log) << log.error().message;
  EXPECT_EQ(log->history().steps.size(), 1U);
  ASSERT_TRUE(log->add(testing::step_record(15, 100)));
  EXPECT_EQ(text().find("\"step\":20"), std::string::npos);
  EXPECT_NE(text().find("{\"event\":\"resume\""), std::string::npos);
  const auto history = read_run_history(events());
  ASSERT_TRUE(history) << history.error().message;
  ASSERT_EQ(history->steps.size(), 2U);
  EXPECT_EQ(history->steps[1].step, 15U);
  EXPECT_EQ(history->checkpoints.size(), 1U);
}

TEST_F(RunLogTest, CountsTheLaterOfTwoRecordsOfAStep) {
  RunLog log = started();
  ASSERT_TRUE(log.add(testing::evaluation_record(1, 10)));
  ASSERT_TRUE(log.add(testing::evaluation_record(2, 10)));
  EXPECT_EQ(log.history().evaluations.size(), 1U);
  const auto history = read_run_history(events());
  ASSERT_TRUE(history);
  ASSERT_EQ(history->evaluations.size(), 1U);
  EXPECT_EQ(history->evaluations[0].f1, testing::evaluation_record(2, 10).f1);
}

TEST_F(RunLogTest, DropsATornLastLine) {
  {
    RunLog log = started();
    ASSERT_TRUE(log.add(testing::step_record(10, 100)));
  }
  append("{\"event\":\"step\",\"step\":20");
  const auto history = read_run_history(events());
  ASSERT_TRUE(history) << history.error().message;
  EXPECT_EQ(history->steps.size(), 1U);
}

TEST_F(RunLogTest, NamesTheDamagedLine) {
  started();
  for (const char* damage :
       {"{]\n", "{\"event\":\"step\",\"step\":\"two\"}\n", "{\"event\":\"checkpoint\",\"step\":-1,\"folder\":\"c\"}\n",
        "{\"event\":\"checkpoint\",\"step\":1e300,\"folder\":\"c\"}\n", "[1]\n", "{\"event\":\"evaluation\"}\n"}) {
    const std::string before = text();
    append(damage);
    const auto history = read_run_history(events());
    ASSERT_FALSE(history) << damage;
    EXPECT_EQ(history.error().code, ErrorCode::kCorrupt);
    EXPECT_NE(history.error().message.find("events.jsonl:2:"), std::string::npos) << history.error().message;
    ASSERT_FALSE(RunLog::resume(folder(), 5, {}));
    ASSERT_TRUE(write_file(events(), before));
  }
}

TEST_F(RunLogTest, ReachesTheDisk) {
  RunLog log = started();
  ASSERT_TRUE(log.add(testing::step_record(10, 100)));
  const Status synced = log.sync();
  EXPECT_TRUE(synced) << synced.error().message;
}

TEST_F(RunLogTest, ReadsWhatIsCutAtAnyByteOrDamaged) {
  RunLog log = started();
  ASSERT_TRUE(log.add(testing::step_record(10, 100)));
  ASSERT_TRUE(log.add(testing::evaluation_record(1, 10)));
  const std::string whole = text();
  for (std::size_t n = 0; n <= whole.size(); ++n) {
    const auto history = parse_run_history(std::string_view(whole).substr(0, n), "cut");
    ASSERT_TRUE(history) << n << ": " << history.error().message;  // a killed run's log
  }
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(static_cast<unsigned char>(damaged[i]) ^ 0x10U);
    const auto history = parse_run_history(damaged, "damaged");
    if (!history) {
      ASSERT_EQ(history.error().code, ErrorCode::kCorrupt);
      ASSERT_EQ(history.error().message.rfind("damaged:", 0), 0U) << history.error().message;
    }
  }
}

TEST_F(RunLogTest, NeedsALogToResume) {
  const auto log = RunLog::resume(folder(), 1, {});
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code, ErrorCode::kNotFound);
}

TEST_F(RunLogTest, FeedsTensorBoard) {
  RunLog log = started();
  ASSERT_TRUE(log.add(testing::step_record(10, 100)));
  ASSERT_TRUE(log.add(testing::evaluation_record(1, 10)));
  std::string bytes;
  for (const auto& entry : std::filesystem::directory_iterator(folder() / "tensorboard")) {
    bytes += read_file(entry.path()).value();
  }
  for (const char* tag : {"train/loss", "train/learning_rate", "train/grad_norm", "train/epoch", "eval/f1",
                          "eval/exact_match", "eval/loss"}) {
    EXPECT_NE(bytes.find(tag), std::string::npos) << tag;
  }
  EXPECT_EQ(bytes.find("eval/total"), std::string::npos);
}

}  // namespace
}  // namespace spanqa

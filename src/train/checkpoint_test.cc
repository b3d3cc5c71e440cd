#include "train/checkpoint.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "nn/qa_model.h"
#include "nn/safetensors.h"
#include "shared_data.h"

namespace spanqa {
namespace {

namespace fs = std::filesystem;

/// A run of the tiny fixture: made-up weights and moments, checkpoints in a temporary folder.
class CheckpointTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "spanqa-checkpoint-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    output_ = fs::path(name) / "run";
    base_ = testing::source_path("tests/fixtures/nn/tiny-bert");
    options_.model = base_;
    options_.output = output_;
    layout_.emplace(read_model_config(base_).value());
    for (auto* const array : {&weights_, &first_, &second_}) {
      array->resize(layout_->n_floats());
      for (const Parameter& parameter : layout_->parameters()) {
        for (std::size_t i = 0; i < parameter.size; ++i) {
          (*array)[parameter.offset + i] = static_cast<float>(std::rand() % 2000 - 1000) / 1024.0F;
        }
      }
    }
    run_.log.push_back(log_entry(StepRecord{.step = 5, .epoch = 0.5, .loss = 2.0}));
  }
  void TearDown() override { fs::remove_all(output_.parent_path()); }

  Result<fs::path> write(std::size_t step) {
    run_.step = step;
    return write_checkpoint(output_, {.options = options_,
                                      .run = run_,
                                      .base = base_,
                                      .layout = *layout_,
                                      .weights = weights_,
                                      .first_moments = first_,
                                      .second_moments = second_,
                                      .n_optimizer_steps = step});
  }
  std::vector<std::size_t> steps() const {
    std::vector<std::size_t> steps;
    for (const CheckpointFolder& folder : list_checkpoints(output_)) steps.push_back(folder.step);
    return steps;
  }
  std::size_t n_entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(output_), fs::directory_iterator()));
  }

  fs::path output_;
  fs::path base_;
  TrainOptions options_;
  RunState run_;
  std::optional<ParameterLayout> layout_;
  std::vector<float> weights_;
  std::vector<float> first_;
  std::vector<float> second_;
};

TEST_F(CheckpointTest, IsReadBackToTheLastBit) {
  run_.best_f1 = 71.5;
  const fs::path folder = write(20).value();
  EXPECT_EQ(folder, output_ / "checkpoint-20");
  EXPECT_EQ(n_entries(), 1U);
  const auto state = open_checkpoint(folder);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->run.step, 20U);
  EXPECT_EQ(state->n_optimizer_steps, 20U);
  EXPECT_EQ(state->run.best_f1, 71.5);
  ASSERT_EQ(state->run.log.size(), 1U);
  EXPECT_TRUE(check_resumable(*state, options_, folder));

  std::vector<float> weights(layout_->n_floats(), 7.0F);
  std::vector<float> first(layout_->n_floats(), 7.0F);
  std::vector<float> second(layout_->n_floats(), 7.0F);
  for (const Status& read : {read_checkpoint_weights(folder, *layout_, weights),
                             read_checkpoint_moments(folder, *layout_, {first, second})}) {
    ASSERT_TRUE(read) << read.error().message;
  }
  EXPECT_EQ(weights, weights_);
  EXPECT_EQ(first, first_);
  EXPECT_EQ(second, second_);
}

TEST_F(CheckpointTest, IsAModelThatReadersOpen) {
  const fs::path folder = write(1).value();
  const auto model = QaModel::open(folder);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ((*model)->weight_type(), "float32");
  for (const char* const name : {"vocab.txt", "tokenizer_config.json"}) {
    EXPECT_EQ(read_file(folder / name).value(), read_file(base_ / name).value());
  }
  const auto config = nlohmann::json::parse(read_file(folder / "config.json").value());
  EXPECT_EQ(config.at("architectures").at(0), "BertForQuestionAnswering");
  EXPECT_NE(read_file(folder / "model.safetensors").value().find(R"("format":"pt")"), std::string::npos);
}

TEST_F(CheckpointTest, ACheckpointAsBaseGivesTheSameFiles) {
  const fs::path first = write(1).value();
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(first)) files[entry.path().filename()] = read_file(entry).value();
  base_ = first;
  const fs::path again = write(1).value();  // takes the place of the one it is made from
  for (const auto& [name, text] : files) EXPECT_EQ(read_file(again / name).value(), text) << name;
  EXPECT_EQ(n_entries(), 1U);
}

TEST_F(CheckpointTest, OptionsThatChangeTheResultMustStay) {
  const fs::path folder = write(3).value();
  const TrainingState state = open_checkpoint(folder).value();
  TrainOptions now = options_;
  now.n_threads = 7;
  now.output = "elsewhere";
  now.log_every = 1;
  EXPECT_TRUE(check_resumable(state, now, folder));
  now.learning_rate = 3e-5;
  now.seed = 43;
  const Status status = check_resumable(state, now, folder);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kMismatch);
  const std::string& message = status.error().message;
  EXPECT_NE(message.find("seed was 42 and is now 43; learning_rate was 5e-05 and is now 3e-05"), std::string::npos)
      << message;
}

TEST_F(CheckpointTest, TheLastIsThatOfTheHighestStep) {
  EXPECT_EQ(last_checkpoint(output_), std::nullopt);
  for (const std::size_t step : {90U, 1000U, 200U}) ASSERT_TRUE(write(step));
  fs::create_directories(output_ / "checkpoint-x");
  fs::create_directories(output_ / ".checkpoint-2000.partial");
  ASSERT_TRUE(write_file(output_ / "checkpoint-3000", "a file"));
  EXPECT_EQ(steps(), (std::vector<std::size_t>{90, 200, 1000}));
  EXPECT_EQ(last_checkpoint(output_), output_ / "checkpoint-1000");
}

TEST_F(CheckpointTest, RotationKeepsTheNewestTheBestAndTheOneJustWritten) {
  for (const std::size_t step : {1U, 2U, 3U, 4U, 5U}) ASSERT_TRUE(write(step));
  ASSERT_TRUE(rotate_checkpoints(output_, {.limit = 0, .newest = 5}));
  EXPECT_EQ(steps().size(), 5U);
  ASSERT_TRUE(rotate_checkpoints(output_, {.limit = 2, .newest = 5, .best = 2}));
  EXPECT_EQ(steps(), (std::vector<std::size_t>{2, 4, 5}));
  ASSERT_TRUE(write(3));
  ASSERT_TRUE(rotate_checkpoints(output_, {.limit = 1, .newest = 3, .best = 5}));
  EXPECT_EQ(steps(), (std::vector<std::size_t>{3, 5}));
  EXPECT_EQ(n_entries(), 2U);
}

TEST_F(CheckpointTest, LeftoversOfAKilledRunAreRemoved) {
  ASSERT_TRUE(remove_unfinished(output_));
  ASSERT_TRUE(write(1));
  fs::create_directories(output_ / ".checkpoint-2.partial");
  ASSERT_TRUE(write_file(output_ / ".checkpoint-2.partial" / "model.safetensors", "half"));
  ASSERT_TRUE(write_file(output_ / ".checkpoint-.partial", "somebody else's"));
  ASSERT_TRUE(remove_unfinished(output_));
  EXPECT_EQ(n_entries(), 2U);
  EXPECT_EQ(steps(), std::vector<std::size_t>{1});
}

TEST_F(CheckpointTest, FilesThatAKilledRunWasWritingAreRemoved) {
  fs::create_directories(output_ / "model");
  for (const char* name : {"report.html.tmp-a1B2c3", "model/model.safetensors.tmp-Zz09aa", "model/config.json",
                           "model/notes.tmp-12", "mine.tmp-1234567"}) {
    ASSERT_TRUE(write_file(output_ / name, "x"));
  }
  ASSERT_TRUE(remove_unfinished(output_));
  EXPECT_FALSE(fs::exists(output_ / "report.html.tmp-a1B2c3"));
  EXPECT_FALSE(fs::exists(output_ / "model" / "model.safetensors.tmp-Zz09aa"));
  EXPECT_TRUE(fs::exists(output_ / "model" / "config.json"));
  EXPECT_TRUE(fs::exists(output_ / "model" / "notes.tmp-12"));
  EXPECT_TRUE(fs::exists(output_ / "mine.tmp-1234567"));
}

TEST_F(CheckpointTest, EveryDamagedFileIsNamedAndAnOlderCheckpointAdvised) {
  ASSERT_TRUE(write(1));
  const fs::path folder = write(2).value();
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  EXPECT_EQ(files.size(), 8U);
  const auto expect_error = [&](const fs::path& path, std::string_view what) {
    const auto state = open_checkpoint(folder);
    ASSERT_FALSE(state) << path << " " << what;
    const std::string& message = state.error().message;
    EXPECT_NE(message.find(path.string()), std::string::npos) << message;
    EXPECT_NE(message.find((output_ / "checkpoint-1").string() + " is whole: remove"), std::string::npos) << message;
  };
  for (const fs::path& path : files) {
    const std::string whole = read_file(path).value();
    for (const std::size_t n : {std::size_t{0}, whole.size() / 3, whole.size() - 2}) {
      ASSERT_TRUE(write_file(path, whole.substr(0, n)));
      expect_error(path, "cut short");
    }
    for (std::size_t i = 0; i < 24; ++i) {
      std::string damaged = whole;
      char& byte = damaged[i * (whole.size() - 2) / 23];
      byte = static_cast<char>(byte ^ 4);  // turns no blank into another one
      ASSERT_TRUE(write_file(path, damaged));
      expect_error(path, "flipped");
    }
    fs::remove(path);
    expect_error(path, "removed");
    ASSERT_TRUE(write_file(path, whole));
  }
  EXPECT_TRUE(open_checkpoint(folder));
  EXPECT_TRUE(open_checkpoint(folder / ""));
}

TEST_F(CheckpointTest, WithoutAWholeOneTheAdviceIsToStartAnew) {
  const fs::path folder = write(2).value();
  ASSERT_TRUE(write(3));  // newer ones are no way back
  ASSERT_TRUE(write_file(folder / "config.json", "{}"));
  const auto state = open_checkpoint(folder);
  ASSERT_FALSE(state);
  EXPECT_NE(state.error().message.find("no older checkpoint beside it is whole"), std::string::npos);
}

TEST_F(CheckpointTest, ArraysOfAnotherModelAreAMismatch) {
  const fs::path folder = write(1).value();
  ModelConfig config = read_model_config(base_).value();
  config.intermediate_size += 8;
  const ParameterLayout other(config);
  std::vector<float> a(other.n_floats());
  std::vector<float> b(other.n_floats());
  for (const Status& status :
       {read_checkpoint_weights(folder, other, a), read_checkpoint_moments(folder, other, {a, b})}) {
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kMismatch);
    EXPECT_NE(status.error().message.find("bert.encoder.layer.0.intermediate.dense.weight [56, 32]"),
              std::string::npos);
  }
}

/// Runs `work` in a process that may write files of `n_bytes` at most, as on a full disk; its exit status.
template <typename Work>
int with_file_limit(rlim_t n_bytes, const Work& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{n_bytes, n_bytes};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ::_exit(work());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(CheckpointTest, AFullDiskLeavesTheLastCheckpointAndNothingElse) {
  ASSERT_TRUE(write(1));
  for (const rlim_t limit : {0U, 300U, 50'000U, 120'000U}) {
    const int status = with_file_limit(limit, [&] {
      const auto written = write(2);
      if (written) return 1;
      if (written.error().message.find("checkpoint 2 was not written") == std::string::npos) return 2;
      if (written.error().message.find("resume from " + (output_ / "checkpoint-1").string()) == std::string::npos) {
        return 3;
      }
      return written.error().message.find(".safetensors: cannot write") == std::string::npos ? 4 : 0;
    });
    EXPECT_EQ(status, 0) << limit;
    EXPECT_EQ(n_entries(), 1U);
    EXPECT_TRUE(open_checkpoint(output_ / "checkpoint-1"));
  }
}

TEST_F(CheckpointTest, AFailedRewriteLeavesTheOldOneWhole) {
  const fs::path folder = write(1).value();
  base_ = output_ / "nowhere";
  const auto written = write(1);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kNotFound);
  EXPECT_NE(written.error().message.find("nowhere"), std::string::npos);
  EXPECT_TRUE(open_checkpoint(folder));
  EXPECT_EQ(n_entries(), 1U);
}

TEST_F(CheckpointTest, AnExportedModelHasNothingOfItsTraining) {
  for (const DType dtype : {DType::kFloat32, DType::kFloat16}) {
    const fs::path folder = output_ / dtype_name(dtype);
    const Status status = export_model(folder, {base_, *layout_, weights_}, dtype);
    ASSERT_TRUE(status) << status.error().message;
    const auto model = QaModel::open(folder);
    ASSERT_TRUE(model) << model.error().message;
    EXPECT_EQ((*model)->weight_type(), dtype_name(dtype));
    EXPECT_FALSE(fs::exists(folder / "optimizer.safetensors"));
    EXPECT_FALSE(fs::exists(folder / "training_state.json"));
    const auto config = nlohmann::json::parse(read_file(folder / "config.json").value());
    EXPECT_EQ(config.at("torch_dtype"), dtype_name(dtype));
  }
}

TEST_F(CheckpointTest, WhatFloat16CannotHoldIsAnError) {
  const Parameter& bias = *layout_->find("qa_outputs.bias");
  weights_[bias.offset] = 70000.0F;
  const Status status = export_model(output_, {base_, *layout_, weights_}, DType::kFloat16);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(status.error().message.find("qa_outputs.bias holds 70000"), std::string::npos) << status.error().message;
  EXPECT_FALSE(fs::exists(output_ / "model.safetensors"));
  EXPECT_FALSE(export_model(output_, {base_, *layout_, weights_}, DType::kBFloat16));
}

}  // namespace
}  // namespace spanqa

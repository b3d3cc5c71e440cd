// spanqa train, as a user runs it, and as a machine that fails under it.
#include <algorithm>
#include <csignal>
#include <map>
#include <random>
#include <sstream>

#include "program.h"
#include "training_rows.h"

namespace spanqa::testing {
namespace {

using Arguments = std::vector<std::string>;

class TrainTest : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    write(folder() / "rows.jsonl", training_rows(40));
  }

  static Arguments train(const std::string& output, const Arguments& more) {
    Arguments arguments = {"train",       "--model",    source_path("tests/fixtures/nn/tiny-bert"),
                           "--train",     "rows.jsonl", "--output",
                           output,        "--threads",  "1",
                           "--precision", "float32",    "--batch-size",
                           "4",           "--log-every"};
    arguments.push_back("1");
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  std::map<int, std::filesystem::path> checkpoints(const std::string& output) const {
    std::map<int, std::filesystem::path> found;
    const std::string prefix = "checkpoint-";
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder() / output, ignored)) {
      const std::string name = entry.path().filename();
      if (!name.starts_with(prefix)) continue;
      const std::string step = name.substr(prefix.size());
      if (std::all_of(step.begin(), step.end(), [](char c) { return c >= '0' && c <= '9'; })) {
        found[std::stoi(step)] = entry.path();
      }
    }
    return found;
  }

  bool wait_for_checkpoint(const Running& running, const std::string& output) const {
    for (int i = 0; i < 6000; ++i) {
      if (!checkpoints(output).empty()) return true;
      if (running.ended()) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  void expect_whole_checkpoints(const std::string& output) const {
    for (const auto& [step, path] : checkpoints(output)) {
      const Outcome info = run({"info", "--model", path});
      EXPECT_EQ(info.code, 0) << path << ": " << info.err;
    }
  }

  /// A run that a signal ended behind its first checkpoint.
  Outcome interrupted(const std::string& output, int number, const Arguments& more) const {
    Running running = start(train(output, more));
    EXPECT_TRUE(wait_for_checkpoint(running, output));
    running.signal(number);
    return running.wait();
  }
};

const Arguments kEndless = {"--max-steps", "1000000", "--save-every", "5"};

TEST_F(TrainTest, ARunEndsWithAModelThatAnswers) {
  const Outcome trained = run(train("run", {"--max-steps", "4"}));
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_HAS(trained.out, "learning-rate             5e-05");
  EXPECT_HAS(trained.out, "4/4");
  EXPECT_HAS(trained.out, "run/model");
  EXPECT_EQ(trained.err.find('\r'), std::string::npos) << "a bar where nobody sits";
  EXPECT_EQ(run({"info", "--model", "run/model"}).code, 0);
  const Outcome asked = run({"ask", "--model", "run/model", "--max-length", "64", "--text", "ada built it.", "who?"});
  EXPECT_EQ(asked.code, 0) << asked.err;
}

TEST_F(TrainTest, TheReportsCommandIsOneThatTheProgramTakes) {
  ASSERT_EQ(run(train("run", {"--max-steps", "2", "--group-by-length", "--learning-rate", "1e-4"})).code, 0);
  const std::string page = contents(folder() / "run/report.html");
  const std::size_t begin = page.find("spanqa train --");
  ASSERT_NE(begin, std::string::npos);
  std::istringstream words(page.substr(begin, page.find('<', begin) - begin));
  Arguments again;
  for (std::string word; words >> word;) again.push_back(word);
  again.erase(again.begin());  // the program's name
  again.push_back("--dry-run");
  const Outcome dry = run(again);
  EXPECT_EQ(dry.code, 0) << dry.err;
  EXPECT_HAS(dry.out, "learning-rate             0.0001");
}

TEST_F(TrainTest, ARunIsScoredAndTold) {
  const Outcome trained = run(train("run", {"--epochs", "2", "--validation", "rows.jsonl", "--json"}));
  ASSERT_EQ(trained.code, 0) << trained.err;
  const auto json = trained.json();
  EXPECT_EQ(json["steps"], 20);
  EXPECT_TRUE(json["best"].contains("f1"));
  EXPECT_EQ(json["options"]["batch_size"], 4);
  EXPECT_HAS(trained.err, "F1");
  const Outcome scored = run({"evaluate", "rows.jsonl", "--model", json["model"], "--max-length", "96", "--json"});
  ASSERT_EQ(scored.code, 0) << scored.err;
  EXPECT_EQ(scored.json()["metrics"]["f1"], json["best"]["f1"]) << "what was scored is what was kept";
  for (const char* name : {"events.jsonl", "report.html"})
    EXPECT_TRUE(std::filesystem::exists(folder() / "run" / name)) << name;
}

TEST_F(TrainTest, RunsStandInOnePlot) {
  ASSERT_EQ(run(train("first", {"--max-steps", "12", "--validation", "rows.jsonl"})).code, 0);
  ASSERT_EQ(run(train("second", {"--max-steps", "8", "--learning-rate", "1e-3"})).code, 0);
  const Outcome drawn =
      run({"curves", "first", "second/events.jsonl", "--smooth", "3", "--name", "A & B", "--output", "losses.svg"});
  ASSERT_EQ(drawn.code, 0) << drawn.err;
  EXPECT_HAS(drawn.out, "A & B                           12          12");
  EXPECT_HAS(drawn.out, "second                           8           8");
  const std::string svg = contents(folder() / "losses.svg");
  EXPECT_EQ(svg.rfind("<svg", 0), 0U);
  for (const char* part : {">Training loss<", ">A &amp; B<", ">second<", "line s1"}) EXPECT_HAS(svg, part);
  const Outcome printed = run({"curves", "first", "--curve", "f1"});
  EXPECT_EQ(printed.code, 0) << printed.err;
  EXPECT_EQ(printed.out.rfind("<svg", 0), 0U);
  EXPECT_EQ(run({"curves", "first", "second", "--curve", "f1"}).code, 2) << "the second was never scored";
  EXPECT_EQ(run({"curves", "first", "--name", "a", "--name", "b"}).code, 2);
  EXPECT_EQ(run({"curves", "third"}).code, 3);
  write(folder() / "damaged.jsonl", "{\"event\":\"step\"}\n");
  const Outcome damaged = run({"curves", "damaged.jsonl"});
  EXPECT_EQ(damaged.code, 3);
  EXPECT_HAS(damaged.err, "damaged.jsonl:1:");
}

TEST_F(TrainTest, TheSameSeedMakesTheSameBytes) {
  ASSERT_EQ(run(train("a", {"--max-steps", "6"})).code, 0);
  ASSERT_EQ(run(train("b", {"--max-steps", "6"})).code, 0);
  ASSERT_EQ(run(train("c", {"--max-steps", "6", "--seed", "7"})).code, 0);
  const std::string bytes = contents(folder() / "a/model/model.safetensors");
  EXPECT_FALSE(bytes.empty());
  EXPECT_TRUE(bytes == contents(folder() / "b/model/model.safetensors"));
  EXPECT_FALSE(bytes == contents(folder() / "c/model/model.safetensors"));
}

TEST_F(TrainTest, AFinishedRunResumedIsTheSame) {
  ASSERT_EQ(run(train("run", {"--max-steps", "6"})).code, 0);
  const std::string bytes = contents(folder() / "run/model/model.safetensors");
  const Outcome again = run(train("run", {"--max-steps", "6", "--resume"}));
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_TRUE(bytes == contents(folder() / "run/model/model.safetensors"));
}

TEST_F(TrainTest, KilledAtAnyMomentARunResumesToTheSameBytes) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  Arguments settings = {"--max-steps", "120", "--save-every", "7"};
  ASSERT_EQ(run(train("whole", settings)).code, 0);
  interrupted("broken", SIGKILL, settings);
  settings.push_back("--resume");
  for (int i = 0; i < 4; ++i) {
    Running running = start(train("broken", settings));
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + random() % 300));
    running.signal(SIGKILL);
    running.wait();
    ASSERT_FALSE(checkpoints("broken").empty());
    expect_whole_checkpoints("broken");
  }
  const Outcome resumed = run(train("broken", settings));
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  const std::string bytes = contents(folder() / "whole/model/model.safetensors");
  EXPECT_FALSE(bytes.empty());
  EXPECT_TRUE(bytes == contents(folder() / "broken/model/model.safetensors"));
}

TEST_F(TrainTest, CtrlCSavesACheckpoint) {
  const Outcome stopped = interrupted("run", SIGINT, {"--max-steps", "1000000", "--save-every", "20"});
  EXPECT_EQ(stopped.code, 130) << stopped.err;
  EXPECT_HAS(stopped.err, "--resume");
  expect_whole_checkpoints("run");
  const int last = checkpoints("run").rbegin()->first;
  const Outcome again = interrupted("run", SIGINT, {"--max-steps", "1000000", "--save-every", "20", "--resume"});
  EXPECT_EQ(again.code, 130) << again.err;
  EXPECT_GE(checkpoints("run").rbegin()->first, last);
}

TEST_F(TrainTest, ALossThatIsNoNumberEndsTheRun) {
  const Outcome trained = run(train("run", {"--max-steps", "50", "--learning-rate", "1e30", "--warmup-steps", "2",
                                            "--max-gradient-norm", "0", "--save-every", "1"}));
  EXPECT_EQ(trained.code, 3) << trained.err;
  EXPECT_HAS(trained.err, "learning");
  EXPECT_FALSE(std::filesystem::exists(folder() / "run/model"));
  expect_whole_checkpoints("run");
}

TEST_F(TrainTest, ABadRowIsNamed) {
  write(folder() / "rows.jsonl", training_rows(2) + "{\"id\": \"x\", \"question\": \n" + training_rows(2));
  const Outcome trained = run(train("run", {"--max-steps", "4"}));
  EXPECT_EQ(trained.code, 3);
  EXPECT_HAS(trained.err, "rows.jsonl:3");
  EXPECT_TRUE(checkpoints("run").empty());
}

TEST_F(TrainTest, AnOutputThatCannotBeWrittenIsNamed) {
  for (const char* output : {"/proc/nowhere", "rows.jsonl"}) {
    const Outcome trained = run(train(output, {"--max-steps", "4"}));
    EXPECT_EQ(trained.code, 3) << trained.err;
    EXPECT_HAS(trained.err, output);
  }
  EXPECT_EQ(contents(folder() / "rows.jsonl"), training_rows(40));
}

TEST_F(TrainTest, AFullDiskLeavesTheLastCheckpoint) {
  ASSERT_EQ(interrupted("run", SIGINT, kEndless).code, 130);
  std::string line = "ulimit -f 110; \"$SPANQA\"";  // KiB: less than the optimiser's file
  Arguments arguments = train("run", kEndless);
  arguments.push_back("--resume");
  for (const std::string& argument : arguments) line += " \"" + argument + "\"";
  const Outcome full = shell(line);
  EXPECT_EQ(full.code, 3) << full.err;
  EXPECT_HAS(full.err, "File too large");
  ASSERT_FALSE(checkpoints("run").empty());
  expect_whole_checkpoints("run");
  const Outcome again = interrupted("run", SIGINT, {"--max-steps", "1000000", "--save-every", "5", "--resume"});
  EXPECT_EQ(again.code, 130) << again.err;
}

TEST_F(TrainTest, ATrainingFileThatShrankIsNotResumedOn) {
  ASSERT_EQ(interrupted("run", SIGINT, kEndless).code, 130);
  write(folder() / "rows.jsonl", training_rows(20));
  Arguments more = kEndless;
  more.push_back("--resume");
  const Outcome resumed = run(train("run", more));
  EXPECT_NE(resumed.code, 0);
  EXPECT_NE(resumed.code, 130);
  EXPECT_HAS(resumed.err, "training files");
  expect_whole_checkpoints("run");
}

TEST_F(TrainTest, ARunIsNotWrittenOver) {
  ASSERT_EQ(run(train("run", {"--max-steps", "2"})).code, 0);
  const std::string bytes = contents(folder() / "run/model/model.safetensors");
  const Outcome again = run(train("run", {"--max-steps", "3"}));
  EXPECT_EQ(again.code, 2) << again.err;
  EXPECT_HAS(again.err, "--resume");
  EXPECT_TRUE(bytes == contents(folder() / "run/model/model.safetensors"));
}

TEST_F(TrainTest, ResumingWithOtherSettingsNamesThem) {
  ASSERT_EQ(interrupted("run", SIGINT, kEndless).code, 130);
  Arguments more = kEndless;
  more.insert(more.end(), {"--resume", "--learning-rate", "0.5"});
  const Outcome resumed = run(train("run", more));
  EXPECT_EQ(resumed.code, 3) << resumed.err;
  EXPECT_HAS(resumed.err, "learning_rate");
}

TEST_F(TrainTest, ADryRunCountsAndWritesNothing) {
  const Outcome dry = run(train("run", {"--epochs", "2", "--dry-run"}));
  ASSERT_EQ(dry.code, 0) << dry.err;
  EXPECT_HAS(dry.out, "batch-size                4");
  EXPECT_HAS(dry.out, "steps of an epoch");
  EXPECT_FALSE(std::filesystem::exists(folder() / "run"));
  const auto json = run(train("run", {"--epochs", "2", "--dry-run", "--json"})).json();
  EXPECT_EQ(json["questions"], 40);
  EXPECT_EQ(json["windows"], 40);
  EXPECT_EQ(json["steps"], 20);
}

TEST_F(TrainTest, ARecipeGivesSettingsAndAFlagOverrulesThem) {
  write(folder() / "mine.toml", "epochs = 1\nlearning-rate = 3e-4\ntrain-limit = [8]\n");
  const auto json = run(train("run", {"--config", "mine.toml", "--epochs", "2", "--dry-run", "--json"})).json();
  EXPECT_EQ(json["questions"], 8);
  EXPECT_EQ(json["steps"], 4);
  EXPECT_EQ(json["options"]["learning_rate"], 3e-4);
  EXPECT_EQ(json["options"]["epochs"], 2.0);
}

TEST_F(TrainTest, AMistypedKeyOfARecipeIsNamed) {
  write(folder() / "mine.toml", "lerning-rate = 3e-4\n");
  const Outcome typo = run(train("run", {"--config", "mine.toml"}));
  EXPECT_EQ(typo.code, 2);
  EXPECT_HAS(typo.err, "mine.toml: unknown key 'lerning-rate'; did you mean 'learning-rate'?");
  EXPECT_EQ(run(train("run", {"--config", "none.toml"})).code, 3);
}

TEST_F(TrainTest, AWrongModelFolderIsTheModelsFault) {
  const Outcome hub = run({"train", "--config", source_path("recipes/c.toml"), "--train", "rows.jsonl", "-o", "run"});
  EXPECT_EQ(hub.code, 4);
  EXPECT_HAS(hub.err, "https://huggingface.co/distilbert-base-uncased");
  const Outcome none = run({"train", "--model", ".", "--train", "rows.jsonl", "-o", "run"});
  EXPECT_EQ(none.code, 4);
  EXPECT_HAS(none.err, "config.json");
  EXPECT_FALSE(std::filesystem::exists(folder() / "run"));
}

TEST_F(TrainTest, WhatIsMissingIsUsage) {
  EXPECT_EQ(run({"train"}).code, 2);
  EXPECT_EQ(run(train("run", {"--batch-size", "0"})).code, 2);
  EXPECT_EQ(run(train("run", {"--schedule", "square"})).code, 2);
  const Outcome missing =
      run({"train", "--model", source_path("tests/fixtures/nn/tiny-bert"), "--train", "none.json", "--output", "run"});
  EXPECT_EQ(missing.code, 3);
  EXPECT_HAS(missing.err, "none.json");
}

}  // namespace
}  // namespace spanqa::testing

// spanqa evaluate: the files of run_qa.py, complete or absent, and scores that `metrics` agrees with.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "program.h"

namespace spanqa::testing {
namespace {

class EvaluateTest : public ProgramTest {
 protected:
  static std::string data() { return source_path("examples/data/questions.json").string(); }
  std::vector<std::string> names_in(const std::string& name) const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder() / name))
      names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
};

TEST_F(EvaluateTest, WritesTheFilesOfRunQa) {
  const Outcome evaluated = run({"evaluate", data(), "--output", "results"});
  ASSERT_EQ(evaluated.code, 0) << evaluated.err;
  EXPECT_HAS(evaluated.out, "exact_match");
  EXPECT_HAS(evaluated.out, "question word");
  EXPECT_EQ(names_in("results"), (std::vector<std::string>{"eval_nbest_predictions.json", "eval_predictions.json",
                                                           "eval_report.json", "eval_results.json"}));
  const auto results = nlohmann::json::parse(contents(folder() / "results/eval_results.json"));
  EXPECT_TRUE(results.contains("eval_exact_match"));
  EXPECT_TRUE(results.contains("eval_f1"));
}

TEST_F(EvaluateTest, MetricsAgreesOnThePredictionsWritten) {
  for (const char* rules : {"v1", "v2"}) {
    const Outcome evaluated =
        run({"evaluate", data(), "-o", rules, "--json", rules[1] == '2' ? "--version-2" : "--version-1"});
    ASSERT_EQ(evaluated.code, 0) << evaluated.err;
    const Outcome scored =
        run({"metrics", data(), std::string(rules) + "/eval_predictions.json", "--metric", rules, "--json"});
    ASSERT_EQ(scored.code, 0) << scored.err;
    const auto report = evaluated.json()["metrics"];
    const auto metrics = scored.json();
    for (const auto& [name, value] : metrics.items()) EXPECT_EQ(report[name], value) << name;
  }
  EXPECT_TRUE(std::filesystem::exists(folder() / "v2/eval_null_odds.json"));
}

TEST_F(EvaluateTest, AFaultInTheDataLeavesNoFile) {
  std::string damaged = contents(source_path("examples/data/questions.json"));
  damaged.resize(damaged.size() / 2);
  write(folder() / "damaged.json", damaged);
  const Outcome evaluated = run({"evaluate", "damaged.json", "-o", "results"});
  EXPECT_EQ(evaluated.code, 3);
  EXPECT_HAS(evaluated.err, "damaged.json");
  if (std::filesystem::exists(folder() / "results")) {
    EXPECT_TRUE(names_in("results").empty());
  }
}

TEST_F(EvaluateTest, WhereOneFileCannotBeWrittenNoneIsAndTheOldOnesStay) {
  std::filesystem::create_directory(folder() / "results");
  write(folder() / "results/eval_predictions.json", "old");
  std::filesystem::create_symlink("/dev/full", folder() / "results/eval_report.json");
  const Outcome full = run({"evaluate", data(), "-o", "results"});
  EXPECT_EQ(full.code, 3);
  EXPECT_HAS(full.err, "eval_report.json: cannot write");
  EXPECT_EQ(full.out, "");
  EXPECT_EQ(names_in("results"), (std::vector<std::string>{"eval_predictions.json", "eval_report.json"}));
  EXPECT_EQ(contents(folder() / "results/eval_predictions.json"), "old");
}

TEST_F(EvaluateTest, CtrlCLeavesNoFile) {
  std::string rows;
  for (int i = 0; i < 20000; ++i) {
    rows += nlohmann::json{{"id", std::to_string(i)},
                           {"question", "Who lives here?"},
                           {"context", std::string(600, 'x') + " Ada lives here."},
                           {"answers", {{"text", {"Ada"}}, {"answer_start", {601}}}}}
                .dump() +
            "\n";
  }
  write(folder() / "rows.jsonl", rows);
  Running running = start({"evaluate", "rows.jsonl", "-o", "results"});
  ASSERT_TRUE(wait_for_files(2));
  running.signal(SIGINT);
  const Outcome evaluated = running.wait();
  EXPECT_EQ(evaluated.code, 130) << evaluated.err;
  if (std::filesystem::exists(folder() / "results")) {
    EXPECT_TRUE(names_in("results").empty());
  }
}

TEST_F(EvaluateTest, CtrlCEndsTheWaitForAPipe) {
  ASSERT_EQ(::mkfifo((folder() / "pipe").c_str(), 0600), 0);
  for (const bool has_writer : {false, true}) {
    Running running = start({"evaluate", "pipe", "--format", "jsonl", "-o", "results"});
    const int writer = has_writer ? ::open((folder() / "pipe").c_str(), O_WRONLY) : -1;
    // Without a writer nothing shows how far the program is: it waits for longer than it takes to start.
    std::this_thread::sleep_for(std::chrono::seconds(2));
    running.signal(SIGINT);
    for (int i = 0; i < 600 && !running.ended(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ASSERT_TRUE(running.ended()) << "still waiting after Ctrl-C, with a writer: " << has_writer;
    const Outcome evaluated = running.wait(false);
    EXPECT_EQ(evaluated.code, 130) << evaluated.err;
    EXPECT_HAS(evaluated.err, "interrupted");
    EXPECT_EQ(files_here(), std::vector<std::string>{"pipe"});
    if (writer >= 0) ::close(writer);
  }
}

TEST_F(EvaluateTest, FitWritesSettingsBesideTheModel) {
  std::filesystem::copy(source_path("tests/fixtures/nn/tiny-bert"), folder() / "model");
  std::string rows;
  for (int i = 0; i < 40; ++i) {
    nlohmann::json row = {{"id", std::to_string(i)},
                          {"question", i % 3 == 0 ? "Who built the tower?" : "What was the year of the war?"},
                          {"context", "The tower of the city was built by team " + std::to_string(i) + " in the war."}};
    row["answers"] = {{"text", nlohmann::json::array()}, {"answer_start", nlohmann::json::array()}};
    if (i % 2 == 0)
      row["answers"] = {{"text", {"The tower of the city was built by team in the war"}}, {"answer_start", {0}}};
    rows += row.dump() + "\n";
  }
  write(folder() / "held-out.jsonl", rows);
  const Outcome fitted =
      run({"evaluate", "held-out.jsonl", "--version-2", "--fit", "--model", "model", "--max-length", "64", "--json"});
  ASSERT_EQ(fitted.code, 0) << fitted.err;
  EXPECT_TRUE(fitted.json().contains("metrics"));
  EXPECT_HAS(fitted.err, "held-out.jsonl: 40 questions, 20 of them unanswerable");
  const auto settings = nlohmann::json::parse(contents(folder() / "model/qa_settings.json"));
  EXPECT_EQ(settings["null_score_diff_threshold"], fitted.json()["fitted_threshold"]);
  const Outcome v1 = run({"evaluate", data(), "--fit", "--version-1", "--model", "model", "--max-length", "64"});
  EXPECT_HAS(v1.err, "v2.0 file");
}

TEST_F(EvaluateTest, FlagsThatWouldDoNothingAreUsageErrors) {
  EXPECT_EQ(run({"evaluate", data(), "--decoder", "global"}).code, 2);
  for (const std::vector<std::string>& flags :
       std::vector<std::vector<std::string>>{{"--no-answer"}, {"--threshold", "-5"}, {"--version-1", "--no-answer"}}) {
    std::vector<std::string> command = {"evaluate", data(), "-o", "results"};
    command.insert(command.end(), flags.begin(), flags.end());
    const Outcome evaluated = run(command);
    EXPECT_EQ(evaluated.code, 2) << flags.front();
    EXPECT_HAS(evaluated.err, "--version-2");
  }
  EXPECT_TRUE(files_here().empty());
  EXPECT_EQ(run({"evaluate", data(), "--version-2", "--threshold", "-5", "--limit", "1"}).code, 0);
}

TEST_F(EvaluateTest, AnIdThatComesTwiceIsNamed) {
  const std::string row = R"({"id": "a", "question": "Who?", "context": "Ada.", "answers": ["Ada"]})"
                          "\n";
  write(folder() / "rows.jsonl", row + row);
  const Outcome evaluated = run({"evaluate", "rows.jsonl", "-o", "results"});
  EXPECT_EQ(evaluated.code, 3) << evaluated.err;
  EXPECT_HAS(evaluated.err, "rows.jsonl:2: the id \"a\"");
  EXPECT_HAS(evaluated.err, "data check");
}

}  // namespace
}  // namespace spanqa::testing

// spanqa predict: order, error rows, and files that are complete or absent.
#include <sys/resource.h>

#include <chrono>
#include <thread>

#include "program.h"

namespace spanqa::testing {
namespace {

class PredictTest : public ProgramTest {
 protected:
  static std::string row(const std::string& id, const std::string& question = "Who lives here?",
                         const std::string& context = "Ada lives here. Bob lives elsewhere.") {
    return nlohmann::json{{"id", id}, {"question", question}, {"context", context}}.dump() + "\n";
  }
  static std::vector<nlohmann::json> rows(const std::string& text) {
    std::istringstream lines(text);
    std::vector<nlohmann::json> out;
    for (std::string line; std::getline(lines, line);) out.push_back(nlohmann::json::parse(line));
    return out;
  }
};

TEST_F(PredictTest, RowsComeOutInTheOrderTheyWentIn) {
  std::string input;
  for (int i = 0; i < 60; ++i) {
    input += row("row " + std::to_string(i), "Who lives here?",
                 "Ada lives here. " + std::string(static_cast<std::size_t>(i * 13 % 100), 'x'));
  }
  const Outcome predicted = run({"predict"}, input);
  ASSERT_EQ(predicted.code, 0) << predicted.err;
  const auto out = rows(predicted.out);
  ASSERT_EQ(out.size(), 60U);
  for (int i = 0; i < 60; ++i) {
    EXPECT_EQ(out[static_cast<std::size_t>(i)]["id"], "row " + std::to_string(i));
    EXPECT_EQ(out[static_cast<std::size_t>(i)]["answers"][0]["answer"], "Ada");
  }
}

TEST_F(PredictTest, ARowThatCannotBeAnsweredIsAnErrorInItsPlace) {
  const std::string input = row("a") + row("b", "") + row("c");
  const Outcome predicted = run({"predict"}, input);
  EXPECT_EQ(predicted.code, 1) << predicted.err;
  const auto out = rows(predicted.out);
  ASSERT_EQ(out.size(), 3U);
  EXPECT_TRUE(out[0].contains("answers"));
  EXPECT_TRUE(out[1].contains("error"));
  EXPECT_EQ(out[1]["id"], "b");
  EXPECT_TRUE(out[2].contains("answers"));
  EXPECT_HAS(predicted.err, "1 of 3 rows");
}

TEST_F(PredictTest, StrictStopsAtTheFirstBadRowAndWritesNoFile) {
  write(folder() / "in.jsonl", row("a") + row("b", "") + row("c"));
  const Outcome predicted = run({"predict", "in.jsonl", "-o", "out.jsonl", "--strict"});
  EXPECT_EQ(predicted.code, 3) << predicted.err;
  EXPECT_HAS(predicted.err, "in.jsonl:2");
  EXPECT_EQ(files_here(), std::vector<std::string>{"in.jsonl"});
}

TEST_F(PredictTest, AFileGoesInAndAFileComesOut) {
  write(folder() / "in.jsonl", row("a") + row("b"));
  const Outcome predicted = run({"predict", "in.jsonl", "--output", "out.jsonl"});
  ASSERT_EQ(predicted.code, 0) << predicted.err;
  EXPECT_EQ(predicted.out, "");
  EXPECT_EQ(rows(contents(folder() / "out.jsonl")).size(), 2U);
  EXPECT_EQ(files_here().size(), 2U) << "a temporary file is left";
}

TEST_F(PredictTest, ADamagedRowEndsTheRunAndLeavesTheOldFile) {
  write(folder() / "in.jsonl", row("a") + "{\"id\": \"b\", \"question\": \n" + row("c"));
  write(folder() / "out.jsonl", "the old file\n");
  const Outcome predicted = run({"predict", "in.jsonl", "-o", "out.jsonl"});
  EXPECT_EQ(predicted.code, 3) << predicted.err;
  EXPECT_HAS(predicted.err, "in.jsonl:2");
  EXPECT_EQ(contents(folder() / "out.jsonl"), "the old file\n");
  EXPECT_EQ(files_here().size(), 2U) << "a temporary file is left";
}

TEST_F(PredictTest, CtrlCWhileWaitingForRowsLeavesNoFile) {
  Running running = start({"predict", "-o", "out.jsonl"});
  running.send(row("a") + row("b"));
  ASSERT_TRUE(wait_for_files(1));
  running.signal(SIGINT);
  for (int i = 0; i < 600 && !running.ended(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  ASSERT_TRUE(running.ended()) << "still waiting for rows after Ctrl-C";
  const Outcome predicted = running.wait(false);
  EXPECT_EQ(predicted.code, 130) << predicted.err;
  EXPECT_HAS(predicted.err, "interrupted");
  EXPECT_TRUE(files_here().empty()) << files_here().front();
}

// Neither a blank line nor the beginning of a row that is not all there yet holds an answer back.
TEST_F(PredictTest, ARowIsAnsweredBeforeTheNextOneIsWritten) {
  constexpr std::size_t kBeginning = 7;
  for (const char* threads : {"1", "2"}) {
    for (const char* output : {"-", "/dev/stdout"}) {
      Running running = start({"predict", "--threads", threads, "-o", output});
      running.send(row("0").substr(0, kBeginning));
      for (int i = 0; i < 4; ++i) {
        running.send(row(std::to_string(i)).substr(kBeginning) + "\n" + (i < 3 ? row("").substr(0, kBeginning) : ""));
        ASSERT_TRUE(running.wait_for_lines(i + 1)) << "no answer to row " << i << ", threads " << threads;
        EXPECT_EQ(rows(running.out()).back()["id"], std::to_string(i));
      }
      EXPECT_EQ(running.wait().code, 0);
    }
  }
}

TEST_F(PredictTest, ARowInANamedPipeIsAnsweredBeforeTheNextOneIsWritten) {
  write(folder() / "row", row("a"));
  const Outcome asked = shell(
      "mkfifo in out; $SPANQA predict in >out & exec 4<out 3>in; for i in 1 2 3; do cat row >&3; read -t 60 line <&4 "
      "&& "
      "echo \"$line\"; done; exec 3>&-; wait $!");
  EXPECT_EQ(asked.code, 0) << asked.err;
  EXPECT_EQ(rows(asked.out).size(), 3U);
}

TEST_F(PredictTest, CtrlCWhileReadingLeavesNoFile) {
  std::string input;
  for (int i = 0; i < 20000; ++i)
    input += row(std::to_string(i), "Who lives here?", std::string(600, 'x') + " Ada lives here.");
  write(folder() / "in.jsonl", input);
  Running running = start({"predict", "in.jsonl", "-o", "out.jsonl"});
  ASSERT_TRUE(wait_for_files(2));
  running.signal(SIGINT);
  const Outcome predicted = running.wait();
  EXPECT_EQ(predicted.code, 130) << predicted.err;
  EXPECT_EQ(files_here(), std::vector<std::string>{"in.jsonl"});
}

TEST_F(PredictTest, AReaderThatGoesAwayEndsTheRunQuietly) {
  std::string input;
  for (int i = 0; i < 400; ++i) input += row(std::to_string(i));
  write(folder() / "in.jsonl", input);
  const Outcome piped = shell("$SPANQA predict in.jsonl | head -n 1 >first; echo ${PIPESTATUS[0]}");
  EXPECT_EQ(piped.code, 0);
  EXPECT_EQ(rows(contents(folder() / "first")).size(), 1U);
  EXPECT_LT(std::stoi(piped.out), 128) << "killed by a signal";
  EXPECT_EQ(piped.err, "");
}

TEST_F(PredictTest, OutputThatCannotBeWrittenIsAnError) {
  write(folder() / "in.jsonl", row("a"));
  const Outcome full = run({"predict", "in.jsonl", "-o", "/dev/full"});
  EXPECT_EQ(full.code, 3);
  EXPECT_HAS(full.err, "/dev/full");
  const Outcome full_output = shell("$SPANQA predict in.jsonl >/dev/full");
  EXPECT_EQ(full_output.code, 3);
  EXPECT_HAS(full_output.err, "standard output");
  const Outcome nowhere = run({"predict", "in.jsonl", "-o", "none/out.jsonl"});
  EXPECT_EQ(nowhere.code, 3);
  EXPECT_HAS(nowhere.err, "none/out.jsonl");
}

TEST_F(PredictTest, AFolderThatForbidsWritingIsAnError) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  write(folder() / "in.jsonl", row("a"));
  std::filesystem::create_directory(folder() / "locked");
  std::filesystem::permissions(folder() / "locked",
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  const Outcome locked = run({"predict", "in.jsonl", "-o", "locked/out.jsonl"});
  EXPECT_EQ(locked.code, 3);
  EXPECT_HAS(locked.err, "locked/out.jsonl");
}

TEST_F(PredictTest, TheFormatsOfDataSetsAreReadToo) {
  write(folder() / "in.csv", "id,question,context\n1,Who lives here?,Ada lives here.\n");
  write(folder() / "in.json",
        R"({"version": "1.1", "data": [{"title": "t", "paragraphs": [{"context": "Ada lives here.",
      "qas": [{"id": "1", "question": "Who lives here?", "answers": [{"text": "Ada", "answer_start": 0}]}]}]}]})");
  for (const char* name : {"in.csv", "in.json"}) {
    const Outcome predicted = run({"predict", name});
    ASSERT_EQ(predicted.code, 0) << name << predicted.err;
    EXPECT_EQ(predicted.json()["answers"][0]["answer"], "Ada");
  }
}

}  // namespace
}  // namespace spanqa::testing

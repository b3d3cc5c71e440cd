#include "serve/feedback.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.h"
#include "base/scratch_file.h"
#include "data/example_reader.h"

namespace spanqa::serve {
namespace {

using Json = nlohmann::json;
using spanqa::testing::ScratchFile;

constexpr const char* kContext = "😀 Ann wrote it.";

FeedbackCall call_of(Verdict verdict, const std::string& answer = "Ann", std::size_t start = 2) {
  return {.question = "Who wrote it?",
          .context = kContext,
          .verdict = verdict,
          .answer = answer,
          .answer_start = start,
          .model = "minilm"};
}

std::vector<Example> examples_of(const std::string& squad) {
  const ScratchFile file("squad.json", squad);
  return read_examples(file.path()).value();
}

TEST(FeedbackStore, GivesWhatWasRightAsSquadThatOurReaderReads) {
  const ScratchFile file("feedback.jsonl", "");
  const auto store = FeedbackStore::open(file.path()).value();
  ASSERT_TRUE(store->append(call_of(Verdict::kRight)));
  ASSERT_TRUE(store->append(call_of(Verdict::kWrong, "it", 12)));
  ASSERT_TRUE(store->append(call_of(Verdict::kCorrected, "Ann wrote it", 2)));
  ASSERT_TRUE(store->append(call_of(Verdict::kRight, "", 0)));

  const std::vector<Example> examples = examples_of(store->squad().value());
  ASSERT_EQ(examples.size(), 3U) << "without the wrong one";
  EXPECT_EQ(examples[0].question, "Who wrote it?");
  EXPECT_EQ(*examples[0].context, kContext);
  ASSERT_EQ(examples[0].answers.size(), 1U);
  EXPECT_EQ(examples[0].answers[0].text, "Ann");
  EXPECT_EQ(examples[0].answers[0].start, 2);
  EXPECT_EQ(examples[1].answers[0].text, "Ann wrote it");
  EXPECT_TRUE(examples[2].answers.empty());
  EXPECT_EQ(examples[2].is_impossible, true);
  EXPECT_NE(examples[0].id, examples[1].id);
}

TEST(FeedbackStore, ItsFileIsReadAsItIs) {
  const ScratchFile file("feedback.jsonl", "");
  ASSERT_TRUE(FeedbackStore::open(file.path()).value()->append(call_of(Verdict::kWrong)));
  const std::vector<Example> examples = read_examples(file.path()).value();
  ASSERT_EQ(examples.size(), 1U);
  EXPECT_FALSE(examples[0].has_answers_field) << "training passes it over";
  const Json row = Json::parse(read_file(file.path()).value());
  EXPECT_EQ(row["verdict"], "wrong");
  EXPECT_EQ(row["model"], "minilm");
  EXPECT_EQ(row["judged"]["text"], "Ann");
  EXPECT_EQ(row["judged"]["start"], 2);
}

TEST(FeedbackStore, EmptyItIsAnEmptyDataSet) {
  const ScratchFile file("feedback.jsonl", "");
  const std::string squad = FeedbackStore::open(file.path()).value()->squad().value();
  EXPECT_EQ(Json::parse(squad), (Json{{"version", "v2.0"}, {"data", Json::array()}}));
}

TEST(FeedbackStore, GoesOnWithWhatIsThereAndCutsATornLine) {
  const ScratchFile file("feedback.jsonl", "");
  ASSERT_TRUE(FeedbackStore::open(file.path()).value()->append(call_of(Verdict::kRight)));
  const std::string whole = read_file(file.path()).value();
  file.write(whole + whole.substr(0, whole.size() / 2));
  const auto store = FeedbackStore::open(file.path()).value();
  EXPECT_EQ(read_file(file.path()).value(), whole);
  ASSERT_TRUE(store->append(call_of(Verdict::kCorrected)));
  EXPECT_EQ(examples_of(store->squad().value()).size(), 2U);
}

TEST(FeedbackStore, LeavesAFileAloneThatIsNone) {
  for (const char* text : {"notes of mine", "{}\n{\"id\": 1}"}) {
    const ScratchFile file("notes", text);
    const auto store = FeedbackStore::open(file.path());
    ASSERT_FALSE(store) << text;
    EXPECT_EQ(store.error().code, ErrorCode::kCorrupt);
    EXPECT_EQ(read_file(file.path()).value(), text);
  }
  EXPECT_EQ(FeedbackStore::open("/nowhere/at/all/feedback").error().code, ErrorCode::kNotFound);
}

TEST(FeedbackStore, ThreadsLeaveWholeLines) {
  const ScratchFile file("feedback.jsonl", "");
  const auto store = FeedbackStore::open(file.path()).value();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) EXPECT_TRUE(store->append(call_of(Verdict::kRight)));
      EXPECT_TRUE(store->squad());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(examples_of(store->squad().value()).size(), 100U);
}

}  // namespace
}  // namespace spanqa::serve

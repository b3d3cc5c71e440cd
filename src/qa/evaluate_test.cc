#include "qa/evaluate.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/file.h"
#include "qa/window_loss.h"
#include "shared_data.h"

namespace spanqa {
namespace {

const std::string kContext =
    "The first tower of the city was built by the river in 1698. The king did not name it. After the war a new team "
    "built the second tower, and the city won.";

class Evaluate : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("spanqa-evaluate-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    reader_ = Reader::open(testing::source_path("tests/fixtures/nn/tiny-bert")).value();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// A JSONL row; without `answer` unanswerable. `start` of the answer in code points.
  static std::string row(int number, const std::string& question, const std::string& answer, int start) {
    nlohmann::json json = {{"id", "q" + std::to_string(number)}, {"question", question}, {"context", kContext}};
    json["answers"] = {{"text", nlohmann::json::array()}, {"answer_start", nlohmann::json::array()}};
    if (!answer.empty()) {
      json["answers"]["text"].push_back(answer);
      if (start >= 0) json["answers"]["answer_start"].push_back(start);
      if (start < 0) json["answers"] = {answer};
    }
    return json.dump() + "\n";
  }
  std::filesystem::path write_rows(const std::string& rows) const {
    const auto path = folder_ / "rows.jsonl";
    EXPECT_TRUE(write_file(path, rows));
    return path;
  }
  EvaluationReport evaluate_rows(const std::string& rows, EvaluateOptions options = {}) const {
    options.windows = {48, 12};
    options.with_loss = true;
    auto report = evaluate(*reader_, write_rows(rows), options);
    EXPECT_TRUE(report) << report.error().message;
    return std::move(*report);
  }
  /// The losses of a question's windows, by a call of its own.
  std::vector<double> losses(const std::string& question, ByteSpan gold) const {
    std::vector<double> out;
    const AskOptions ask{
        .windows = {48, 12}, .measure = [&](const ReadWindow& read) {
          const Window& window = read.plan->windows[read.number];
          EXPECT_EQ(read.number, out.size());
          out.push_back(window_loss(read.logits, label_window(*read.plan, window, *read.context, gold)));
          return out.back();
        }};
    const auto answers = reader_->ask(question, kContext, ask);
    EXPECT_TRUE(answers);
    double sum = 0.0;
    for (const double loss : out) sum += loss;
    EXPECT_EQ(answers->measured, sum);
    EXPECT_EQ(answers->n_windows, out.size());
    return out;
  }

  std::filesystem::path folder_;
  std::shared_ptr<const Reader> reader_;
};

TEST_F(Evaluate, TheLossIsTheMeanOverAllWindows) {
  const std::size_t place = kContext.find("king");
  const std::string rows =
      row(0, "Who did not name it?", "king", static_cast<int>(place)) + row(1, "Where is the sea?", "", -1);
  std::vector<double> all =
      losses("Who did not name it?", {static_cast<std::uint32_t>(place), static_cast<std::uint32_t>(place + 4)});
  EXPECT_GT(all.size(), 1U);
  for (const double loss : losses("Where is the sea?", {})) all.push_back(loss);
  double mean = 0.0;
  for (const double loss : all) mean += loss / static_cast<double>(all.size());
  const EvaluationReport report = evaluate_rows(rows, {.version_2 = true});
  ASSERT_TRUE(report.loss);
  EXPECT_NEAR(*report.loss, mean, 1e-12);
  EXPECT_EQ(nlohmann::json::parse(report.to_json())["loss"], *report.loss);
}

TEST_F(Evaluate, TheLossDoesNotDependOnThreads) {
  std::string rows;
  for (int i = 0; i < 600; ++i) rows += row(i, "Who built tower " + std::to_string(i % 50) + "?", "team", 99 + i % 3);
  const EvaluationReport one = evaluate_rows(rows, {.n_threads = 1});
  const EvaluationReport three = evaluate_rows(rows, {.n_threads = 3});
  ASSERT_TRUE(one.loss);
  EXPECT_EQ(*one.loss, *three.loss);
}

TEST_F(Evaluate, AGoldWithoutAPlaceTakesNoPartInTheLoss) {
  const std::string with = row(0, "Who did not name it?", "king", 64);
  const std::string without = row(1, "Who built it?", "team", -1);
  EXPECT_EQ(*evaluate_rows(with + without).loss, *evaluate_rows(with).loss);
  EXPECT_FALSE(evaluate_rows(without).loss);
}

TEST_F(Evaluate, AnIdThatComesTwiceIsAnErrorWhereFilesAreKeptById) {
  const auto rows =
      write_rows(row(0, "Who did not name it?", "king", 64) + row(0, "What did not name it?", "king", 64));
  const EvaluateOptions options{.windows = {48, 12}, .output = folder_ / "results"};
  const auto twice = evaluate(*reader_, rows, options);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, ErrorCode::kMismatch);
  for (const char* part : {"rows.jsonl:2: the id \"q0\"", "spanqa data check"}) {
    EXPECT_NE(twice.error().message.find(part), std::string::npos) << twice.error().message;
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "results"));
  const auto scored = evaluate(*reader_, rows, {.windows = {48, 12}});
  ASSERT_TRUE(scored) << scored.error().message;
  EXPECT_EQ(scored->counts.n_questions, 2U);
}

TEST_F(Evaluate, RulesOfVersion1NeedAGoldUnlessTheFileIsOfVersion2) {
  const auto rows = write_rows(row(0, "Who did not name it?", "king", 64) + row(1, "Where is the sea?", "", -1));
  for (const std::optional<bool> rules : {std::optional<bool>(), std::optional<bool>(false)}) {
    const auto scored = evaluate(*reader_, rows, {.windows = {48, 12}, .version_2 = rules});
    ASSERT_FALSE(scored);
    EXPECT_EQ(scored.error().code, ErrorCode::kCorrupt);
    EXPECT_TRUE(scored.error().message.find("rows.jsonl:2: has an empty list of answers") != std::string::npos)
        << scored.error().message;
  }
  EXPECT_TRUE(evaluate(*reader_, rows, {.windows = {48, 12}, .version_2 = true}));
  const auto nested = folder_ / "nested.json";
  ASSERT_TRUE(write_file(nested, R"({"version": "v2.0", "data": [{"title": "t", "paragraphs": [{"context": "the king.",
      "qas": [{"id": "1", "question": "who?", "answers": []}]}]}]})"));
  const auto as_version_1 = evaluate(*reader_, nested, {.version_2 = false});
  ASSERT_TRUE(as_version_1) << as_version_1.error().message;
  EXPECT_EQ(as_version_1->n_without_golds, 1U);
}

TEST_F(Evaluate, NoAnswerUnderRulesThatKnowNoneIsAFaultOfTheOptions) {
  const auto rows = write_rows(row(0, "Who did not name it?", "king", 64));
  const EvaluateOptions options{.decoder = {.version_2 = true}, .windows = {48, 12}};
  const auto refused = evaluate(*reader_, rows, options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  const auto empty_question = evaluate(*reader_, write_rows(row(0, "", "king", 64)), {.windows = {48, 12}});
  ASSERT_FALSE(empty_question);
  EXPECT_EQ(empty_question.error().code, ErrorCode::kCorrupt) << "the data's fault";
}

TEST_F(Evaluate, ResultsHaveTheNamesAndDecimalsOfTheTrainer) {
  const auto rows = write_rows(row(0, "Who did not name it?", "king", 64));
  const auto report = evaluate(*reader_, rows, {.windows = {48, 12}, .output = folder_ / "results"});
  ASSERT_TRUE(report) << report.error().message;
  const auto results = nlohmann::json::parse(read_file(folder_ / "results" / "eval_results.json").value());
  const auto n_decimals = [&](const char* key) {
    const std::string text = results.at(key).dump();
    const std::size_t point = text.find('.');
    return point == std::string::npos ? 0 : text.size() - point - 1;
  };
  EXPECT_LE(n_decimals("eval_runtime"), 4U);
  EXPECT_LE(n_decimals("eval_samples_per_second"), 3U);
  EXPECT_LE(n_decimals("eval_steps_per_second"), 3U);
  EXPECT_EQ(results["eval_samples"], report->counts.n_windows);
}

TEST_F(Evaluate, WithoutBeingAskedThereIsNoLoss) {
  const auto report = evaluate(*reader_, write_rows(row(0, "Who did not name it?", "king", 64)), {});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_FALSE(report->loss);
  EXPECT_FALSE(nlohmann::json::parse(report->to_json()).contains("loss"));
}

}  // namespace
}  // namespace spanqa

#include "qa/fit_settings.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

#include "base/file.h"
#include "shared_data.h"

namespace spanqa {
namespace {

FitExample right(double margin) { return {margin, "Ada", {"Ada"}}; }
FitExample wrong(double margin) { return {margin, "Bob", {"Ada"}}; }
FitExample unanswerable(double margin) { return {margin, "Bob", {}}; }

double loss(const std::vector<FitExample>& examples, double temperature) {
  double sum = 0.0;
  for (const FitExample& example : examples) {
    const double p = 1.0 / (1.0 + std::exp(-example.margin / temperature));
    sum -= std::log(example.prediction == "Ada" ? p : 1.0 - p);
  }
  return sum;
}

TEST(FitTemperature, OverconfidenceIsTakenBack) {
  // Three of four are right at margin 6: sigmoid(6 / T) = 3/4.
  const std::vector<FitExample> examples = {right(6.0), right(6.0), right(6.0), wrong(6.0)};
  EXPECT_NEAR(fit_temperature(examples).value(), 6.0 / std::log(3.0), 1e-9);
}

TEST(FitTemperature, NoOtherTemperatureIsBetter) {
  const std::vector<FitExample> examples = {right(4.0),         right(2.0),  wrong(1.0),
                                            unanswerable(-2.0), right(-0.5), wrong(3.0)};
  const double best = fit_temperature(examples).value();
  for (const double factor : {0.5, 0.9, 0.99, 1.01, 1.1, 2.0}) {
    EXPECT_LT(loss(examples, best), loss(examples, best * factor));
  }
}

TEST(FitTemperature, StaysWithinItsBoundsAndSaysWhenNothingFits) {
  EXPECT_EQ(fit_temperature({right(1.0), unanswerable(-1.0)}).value(), 0.01);
  EXPECT_EQ(fit_temperature({right(-1.0), wrong(1.0)}).error().code, ErrorCode::kMismatch);
  EXPECT_EQ(fit_temperature({}).error().code, ErrorCode::kInvalidArgument);
}

TEST(FitNoAnswerThreshold, LiesHalfwayBetweenTheScoresItParts) {
  const std::vector<FitExample> examples = {right(3.0), right(1.0), unanswerable(-1.0), unanswerable(-2.0)};
  const auto fitted = fit_no_answer_threshold(examples, 1.0).value();
  EXPECT_NEAR(fitted.threshold, 0.5, 1e-12);
  EXPECT_DOUBLE_EQ(fitted.f1, 100.0);
}

TEST(FitNoAnswerThreshold, EqualScoresAreNotParted) {
  const std::vector<FitExample> examples = {right(1.0), unanswerable(1.0), unanswerable(1.0)};
  const auto fitted = fit_no_answer_threshold(examples, 1.0).value();
  EXPECT_EQ(fitted.threshold, 1.0);
  EXPECT_NEAR(fitted.f1, 200.0 / 3.0, 1e-12);
}

TEST(FitNoAnswerThreshold, NeedsBothKindsOfQuestions) {
  EXPECT_FALSE(fit_no_answer_threshold({right(1.0)}, 1.0));
  EXPECT_FALSE(fit_no_answer_threshold({unanswerable(1.0)}, 1.0));
}

TEST(FitSettings, AFileOfV1LeavesTheThresholdsAndSaysSo) {
  const auto path = std::filesystem::temp_directory_path() / ("spanqa-fit-" + std::to_string(::getpid()) + ".jsonl");
  ASSERT_TRUE(write_file(
      path, R"({"id": "1", "question": "who?", "context": "the king won the war", "answers": ["the king won the war"]})"
            "\n"));
  const auto reader = Reader::open(testing::source_path("tests/fixtures/nn/tiny-bert")).value();
  const auto report = evaluate(*reader, path, {});
  ASSERT_TRUE(report) << report.error().message;
  const auto fit = fit_settings(*reader, path, {}, *report);
  if (fit) {
    EXPECT_EQ(fit->settings.no_answer_threshold, reader->settings().no_answer_threshold);
    ASSERT_FALSE(fit->not_fitted.empty());
    EXPECT_NE(fit->not_fitted.back().find("v2.0"), std::string::npos);
    EXPECT_NE(fit->settings.fitted_on.find("1 questions, 0 of them unanswerable"), std::string::npos);
  } else {  // random weights may find no fit at all
    EXPECT_NE(fit.error().message.find("nothing could be fitted"), std::string::npos);
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace spanqa

#include "train/report.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>

#include "base/file.h"
#include "base/scratch_file.h"
#include "base/utf8.h"
#include "train/svg_plot.h"
#include "train/testing_history.h"

namespace spanqa {
namespace {

RunSummary summary() {
  return {.title = "minilm-squad, seed 42",
          .model = "MiniLM-L6-H384-uncased with a new answer head",
          .state = "finished",
          .command = "spanqa train --config runs/minilm-squad/training.toml --output runs/again",
          .machine = "Intel Xeon, 2 cores, AVX-512 with bfloat16, float32 products, spanqa 0.1.0",
          .counts = {{"training questions", "14,348"}, {"windows", "14,512"}, {"validation questions", "10,570"}},
          .seconds = 1834.0,
          .peak_memory_bytes = 1'520'435'200};
}

RunSettings settings() {
  return {{"model", "models/minilm-base"},
          {"train", "train-articles.json (weight 1)"},
          {"validation", "dev.json"},
          {"epochs", "3"},
          {"batch size", "16 windows"},
          {"accumulation steps", "1"},
          {"learning rate", "5e-05"},
          {"schedule", "linear"},
          {"warmup ratio", "0.1"},
          {"weight decay", "0.01"},
          {"max gradient norm", "1"},
          {"label smoothing", "0"},
          {"window tokens", "384"},
          {"stride", "128"},
          {"seed", "42"},
          {"precision", "float32"},
          {"threads", "2"},
          {"resume", ""}};
}

std::size_t count_of(std::string_view text, std::string_view what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

TEST(Report, HoldsFiguresCurvesSlicesErrorsAndRecipe) {
  const std::string page = report_html(summary(), settings(), testing::run_history());
  for (const char* part :
       {"<h1>minilm-squad, seed 42</h1>", "30 min 34 s", "1.52 GB", "Training loss", "Learning rate", "Gradient norm",
        "Exact match and F1", "Evaluation loss", "By question word", "By answer length", "By context length",
        "Worst errors", "max gradient norm", "spanqa train --config runs/minilm-squad/training.toml", "Intel Xeon",
        "14,348", "<mark>Carolina Panthers</mark>", "2,700 (best)"}) {
    EXPECT_NE(page.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(count_of(page, "<svg"), 9U);
  EXPECT_EQ(count_of(page, "<svg"), count_of(page, "</svg>"));
  EXPECT_EQ(count_of(page, "<svg"), count_of(page, "<details>"));  // each plot has its text twin
}

TEST(Report, NamesAGoldOnceHoweverManyGaveIt) {
  RunHistory history = testing::run_history();
  history.evaluations.back().worst[0].golds = {"Denver Broncos", "Broncos", "Denver Broncos", "Denver Broncos"};
  const std::string page = report_html(summary(), settings(), history);
  EXPECT_NE(page.find(">Denver Broncos · Broncos<"), std::string::npos);
}

TEST(Report, AsksForNothingFromOutside) {
  const std::string page = report_html(summary(), settings(), testing::run_history());
  for (const char* part : {"<script", "src=\"", "href=", "url(", "@import", "<link"}) {
    EXPECT_EQ(page.find(part), std::string::npos) << part;
  }
  EXPECT_NE(page.find("prefers-color-scheme:dark"), std::string::npos);
  EXPECT_EQ(count_of(page, "http://"), 9U);  // the name space of each plot
}

TEST(Report, HostileTextsStayTexts) {
  RunSummary hostile = summary();
  hostile.title = hostile.model = hostile.command = hostile.machine = "</title><script>x</script>\"'\x01\xFF";
  hostile.counts = {{"<i>", "<b>"}};
  const RunSettings options = {{"<u>", "</dl><script>"}};
  RunHistory history = testing::run_history();
  history.evaluations.back().slices[0].name = "</svg><script>";
  history.evaluations.back().slices[0].slices[0].name = "<script>\"";
  history.evaluations.back().metrics.push_back({.name = "<s>", .value = 1.0});
  const std::string page = report_html(hostile, options, history);
  EXPECT_TRUE(is_valid_utf8(page));
  for (const char* part : {"<script", "<img", "<i>", "<b>", "<u>", "<s>", "\x01"}) {
    EXPECT_EQ(page.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(count_of(page, "</main>"), 1U);
  EXPECT_EQ(count_of(page, "</title>"), 1U);
  EXPECT_EQ(count_of(page, "<svg"), count_of(page, "</svg>"));
  EXPECT_EQ(count_of(page, "<table>"), count_of(page, "</table>"));
  EXPECT_EQ(count_of(page, "<dl"), count_of(page, "</dl>"));
  EXPECT_NE(page.find("&lt;img src=x onerror=alert(2)&gt;"), std::string::npos);
}

TEST(Report, BearsARunWithoutRecords) {
  const std::string page = report_html({}, {}, {});
  EXPECT_EQ(page.find("<svg"), std::string::npos);
  EXPECT_NE(page.find("</html>"), std::string::npos);
}

TEST(Report, BearsNumbersThatAreNone) {
  RunHistory history;
  history.steps = {testing::step_record(1, 2)};
  history.steps[0].loss = std::numeric_limits<double>::quiet_NaN();
  history.evaluations = {testing::evaluation_record(1, 1)};
  history.evaluations[0].loss = std::numeric_limits<double>::infinity();
  const std::string page = report_html(summary(), settings(), history);
  EXPECT_EQ(page.find(">nan<"), std::string::npos);
  EXPECT_EQ(page.find(">inf<"), std::string::npos);
}

TEST(Report, ChoosesTheLastEvaluationMarkedBest) {
  RunHistory history = testing::run_history();
  EXPECT_EQ(best_evaluation(history), &history.evaluations.back());
  history.evaluations.back().is_best = false;
  EXPECT_EQ(best_evaluation(history), &history.evaluations[4]);
  for (EvaluationRecord& record : history.evaluations) record.is_best = false;
  EXPECT_EQ(best_evaluation(history), &history.evaluations.back());
  EXPECT_EQ(best_evaluation({}), nullptr);
}

// SPANQA_SAMPLE_REPORT=folder keeps the page and a curve, to be looked at in a browser.
TEST(Report, WritesItsFile) {
  const testing::ScratchFile scratch("x", "");
  const char* kept = std::getenv("SPANQA_SAMPLE_REPORT");
  const std::filesystem::path folder = kept != nullptr ? kept : scratch.path().parent_path();
  const RunHistory history = testing::run_history();
  ASSERT_TRUE(write_report(folder / "report.html", summary(), settings(), history));
  EXPECT_EQ(read_file(folder / "report.html").value(), report_html(summary(), settings(), history));
  LinePlot plot{.title = "Loss", .unit = "", .x_label = "step", .series = {{"loss", {}}}};
  for (const StepRecord& step : history.steps)
    plot.series[0].points.push_back({static_cast<double>(step.step), step.loss});
  ASSERT_TRUE(write_curve_svg(folder / "curve.svg", plot));
}

}  // namespace
}  // namespace spanqa

#include "train/run_curves.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/file.h"
#include "base/scratch_file.h"
#include "train/testing_history.h"

namespace spanqa {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> values(const std::vector<PlotPoint>& points) {
  std::vector<double> out;
  out.reserve(points.size());
  for (const PlotPoint& point : points) out.push_back(point.y);
  return out;
}

NamedRun run_of(std::string name, std::vector<double> losses) {
  NamedRun run{.name = std::move(name), .history = {}};
  for (const double loss : losses) {
    StepRecord record;
    record.step = 10 * (run.history.steps.size() + 1);
    record.loss = loss;
    run.history.steps.push_back(record);
  }
  return run;
}

TEST(RunCurves, EveryCurveHasANameAndComesFromARecord) {
  const std::vector<NamedRun> runs = {{.name = "run", .history = testing::run_history()}};
  ASSERT_EQ(run_curve_names().size(), 7U);
  for (const std::string& name : run_curve_names()) {
    const auto curve = parse_run_curve(name);
    ASSERT_TRUE(curve) << name;
    EXPECT_EQ(run_curve_name(*curve), name);
    const auto plot = run_curves(runs, *curve);
    ASSERT_TRUE(plot) << plot.error().message;
    EXPECT_GE(plot->series.at(0).points.size(), 6U) << name;
    EXPECT_TRUE(std::isfinite(plot->series[0].points[0].y)) << name;
  }
  EXPECT_FALSE(parse_run_curve("Loss"));
}

TEST(RunCurves, LinesStandUnderTheirRunsNames) {
  const std::vector<NamedRun> runs = {run_of("float32", {3.0, 2.0, 1.0}), run_of("bfloat16", {3.5, 2.5})};
  const auto plot = run_curves(runs, RunCurve::kLoss);
  ASSERT_TRUE(plot);
  ASSERT_EQ(plot->series.size(), 2U);
  EXPECT_EQ(plot->series[1].name, "bfloat16");
  EXPECT_EQ(plot->series[1].points.at(1).x, 20.0);
  EXPECT_EQ(plot->series[1].points.at(1).y, 2.5);
  const std::string svg = standalone_svg(*plot);
  for (const char* part : {">Training loss<", ">float32<", ">bfloat16<", "line s1"}) {
    EXPECT_NE(svg.find(part), std::string::npos) << part;
  }
}

TEST(RunCurves, SmoothingIsTheMeanAround) {
  const auto points = run_of("", {1.0, 2.0, 6.0, kNan, 4.0}).history.steps;
  std::vector<PlotPoint> line;
  for (const StepRecord& record : points) line.push_back({static_cast<double>(record.step), record.loss});
  EXPECT_EQ(values(smoothed({line.begin(), line.begin() + 3}, 1)), (std::vector<double>{1.0, 2.0, 6.0}));
  const auto three = values(smoothed(line, 3));
  EXPECT_EQ(three[0], 1.5);
  EXPECT_EQ(three[1], 3.0);
  EXPECT_EQ(three[2], 4.0);
  EXPECT_TRUE(std::isnan(three[3]));
  EXPECT_EQ(three[4], 4.0);
  EXPECT_EQ(values(smoothed({line.begin(), line.begin() + 3}, 100)), (std::vector<double>{3.0, 3.0, 3.0}));
  EXPECT_TRUE(smoothed({}, 5).empty());
}

TEST(RunCurves, SaysWhereALineHasComeTo) {
  const auto line = run_curves(std::vector{run_of("a", {9.0, 9.0, 9.0, 2.0, 4.0})}, RunCurve::kLoss)->series[0];
  EXPECT_EQ(mean_of_last(line, 0.1), 4.0);
  EXPECT_EQ(mean_of_last(line, 0.4), 3.0);
  EXPECT_EQ(mean_of_last(line, 1.0), 6.6);
  EXPECT_TRUE(std::isnan(mean_of_last({}, 0.1)));
}

TEST(RunCurves, RefusesWhatItCannotDraw) {
  EXPECT_EQ(run_curves({}, RunCurve::kLoss).error().code, ErrorCode::kInvalidArgument);
  const std::vector<NamedRun> many(kMaxPlotSeries + 1, run_of("a", {1.0}));
  EXPECT_EQ(run_curves(many, RunCurve::kLoss).error().code, ErrorCode::kInvalidArgument);
  const auto unscored = run_curves(std::vector{run_of("a", {1.0})}, RunCurve::kF1);
  ASSERT_FALSE(unscored);
  EXPECT_EQ(unscored.error().message, "a: the run has recorded no f1");
}

TEST(RunCurves, OpensAFolderOrItsEvents) {
  const testing::ScratchFile scratch("events.jsonl", "");
  const std::filesystem::path folder = scratch.path().parent_path();
  auto log = RunLog::start(folder, {});
  ASSERT_TRUE(log && log->add(testing::step_record(10, 20)));
  for (const std::filesystem::path& path : {folder, folder / "", folder / ".", folder / "events.jsonl"}) {
    const auto run = open_run(path);
    ASSERT_TRUE(run) << run.error().message;
    EXPECT_EQ(run->name, folder.filename().string()) << path;
    EXPECT_EQ(run->history.steps.size(), 1U);
  }
  EXPECT_EQ(open_run(folder / "nothing").error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace spanqa

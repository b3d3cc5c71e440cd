#include "train/svg_plot.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/file.h"
#include "base/scratch_file.h"

namespace spanqa {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

LinePlot plot_of(std::vector<PlotPoint> points) {
  return {.title = "Loss", .unit = "nats", .x_label = "step", .series = {{"loss", std::move(points)}}};
}

std::size_t count_of(std::string_view text, std::string_view what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

void expect_no_odd_numbers(const std::string& svg) {
  EXPECT_EQ(svg.find("nan"), std::string::npos) << svg;
  EXPECT_EQ(svg.find("inf"), std::string::npos) << svg;
}

TEST(SvgPlot, TicksAreRoundAndEnclose) {
  EXPECT_EQ(nice_ticks(0.0, 1.0, 5), (std::vector<double>{0.0, 0.25, 0.5, 0.75, 1.0}));
  EXPECT_EQ(nice_ticks(3.0, 97.0, 5), (std::vector<double>{0.0, 25.0, 50.0, 75.0, 100.0}));
  for (const auto& [low, high] : {std::pair{0.83, 5.1},
                                  {-3.0, 4e6},
                                  {0.0, 5e-5},
                                  {61.2, 79.9},
                                  {7.0, 7.0},
                                  {0.0, 0.0},
                                  {1e15, 1e15 + 1},
                                  {-1e-300, 1e-300}}) {
    const auto ticks = nice_ticks(low, high, 5);
    ASSERT_GE(ticks.size(), 2U);
    EXPECT_LE(ticks.size(), 24U);
    EXPECT_LE(ticks.front(), low);
    EXPECT_GE(ticks.back(), high);
    for (std::size_t i = 1; i < ticks.size(); ++i) EXPECT_LT(ticks[i - 1], ticks[i]);
  }
}

TEST(SvgPlot, LabelsHaveTheDecimalsOfTheirStep) {
  EXPECT_EQ(tick_label(0.5, 0.25), "0.50");
  EXPECT_EQ(tick_label(1500.0, 500.0), "1,500");
  EXPECT_EQ(tick_label(-1234567.0, 1.0), "-1,234,567");
  EXPECT_EQ(tick_label(-100.0, 50.0), "-100");
  EXPECT_EQ(tick_label(4e-5, 1e-5), "4e-5");
  EXPECT_EQ(tick_label(7.5e-5, 2.5e-5), "7.5e-5");
  EXPECT_EQ(tick_label(1e-4, 2.5e-5), "1e-4");
  EXPECT_EQ(tick_label(-2.5e-4, 5e-5), "-2.5e-4");
  EXPECT_EQ(tick_label(2e9, 1e9), "2e9");
  EXPECT_EQ(tick_label(1e-17, 0.1), "0");
}

TEST(SvgPlot, ThinsButKeepsSpikesAndGaps) {
  std::vector<PlotPoint> points;
  points.reserve(50'000);
  for (std::size_t i = 0; i < 50'000; ++i)
    points.push_back({static_cast<double>(i), std::sin(0.001 * static_cast<double>(i))});
  points[12'345].y = 99.0;
  points[23'456].y = -99.0;
  points[34'567].y = kNan;
  const auto thin = thin_points(points, kMaxPlotPoints);
  EXPECT_LE(thin.size(), kMaxPlotPoints);
  EXPECT_GE(thin.size(), kMaxPlotPoints / 3);
  bool has_high = false;
  bool has_low = false;
  bool has_gap = false;
  for (std::size_t i = 0; i < thin.size(); ++i) {
    has_high |= thin[i].y == 99.0;
    has_low |= thin[i].y == -99.0;
    has_gap |= std::isnan(thin[i].y);
    if (i > 0) {
      EXPECT_LT(thin[i - 1].x, thin[i].x);
    }
  }
  EXPECT_TRUE(has_high && has_low && has_gap);
  EXPECT_EQ(thin_points({{1.0, 2.0}}, 3).size(), 1U);
}

TEST(SvgPlot, DrawsALineWithTitleAxesAndTicks) {
  const std::string svg = line_plot_svg(plot_of({{0.0, 0.0}, {50.0, 0.5}, {100.0, 1.0}}));
  EXPECT_NE(svg.find("d=\"M46.0 198.0L227.0 117.0L408.0 36.0\""), std::string::npos) << svg;
  for (const char* part : {">Loss<", ">nats<", ">step<", ">0.75<", ">40<", "</svg>"}) {
    EXPECT_NE(svg.find(part), std::string::npos) << part;
  }
}

TEST(SvgPlot, ShowsOnePointAsADot) {
  const std::string svg = line_plot_svg(plot_of({{10.0, 2.0}}));
  EXPECT_EQ(count_of(svg, "<circle"), 1U);
  expect_no_odd_numbers(svg);
}

TEST(SvgPlot, BreaksTheLineAtNan) {
  const std::string svg = line_plot_svg(plot_of({{0.0, 1.0}, {1.0, 2.0}, {2.0, kNan}, {3.0, 1.0}, {4.0, 2.0}}));
  expect_no_odd_numbers(svg);
  const std::size_t line = svg.find("<path class=\"line s0\"");
  EXPECT_EQ(count_of(svg.substr(line, svg.find("/>", line) - line), "M"), 2U);
}

TEST(SvgPlot, BearsEmptyConstantAndHugeSeries) {
  for (const auto& points : {std::vector<PlotPoint>{},
                             {{0.0, kNan}},
                             {{0.0, 3.0}, {1.0, 3.0}, {2.0, 3.0}},
                             {{0.0, 0.0}, {1.0, 0.0}},
                             {{0.0, 1e300}, {1.0, -1e300}},
                             {{5.0, 1.0}, {5.0, 2.0}}}) {
    expect_no_odd_numbers(line_plot_svg(plot_of(points)));
  }
}

TEST(SvgPlot, NamesSeveralSeries) {
  const std::string svg = line_plot_svg({.title = "Scores",
                                         .unit = "",
                                         .x_label = "step",
                                         .series = {{"F1", {{0.0, 1.0}, {1.0, 2.0}}}, {"EM", {{0.0, 0.5}, {1.0, 1.5}}}},
                                         .has_markers = true});
  EXPECT_NE(svg.find(">F1<"), std::string::npos);
  EXPECT_NE(svg.find(">EM<"), std::string::npos);
  EXPECT_EQ(count_of(svg, "<circle"), 4U);
}

TEST(SvgPlot, CutsNamesThatDoNotFitBesideTheTitle) {
  LinePlot plot = plot_of({{0.0, 1.0}, {1.0, 2.0}});
  plot.series.assign(kMaxPlotSeries, plot.series[0]);
  plot.series[1].name = std::string(60, 'm');
  plot.series[2].name = "\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4";
  const std::string svg = line_plot_svg(plot);
  EXPECT_EQ(svg.find("mmmmmmmmmm"), std::string::npos);
  EXPECT_NE(svg.find("mmm\xE2\x80\xA6<"), std::string::npos) << svg;
  EXPECT_NE(svg.find("\xC3\xA4\xE2\x80\xA6<"), std::string::npos) << svg;
  plot.series.resize(2);
  plot.series[1].name = "bfloat16, the second run";
  EXPECT_NE(line_plot_svg(plot).find(">bfloat16, the seco\xE2\x80\xA6<"), std::string::npos);
}

TEST(SvgPlot, DrawsBarsWithValuesAndNotes) {
  const std::string svg = bar_plot_svg({.title = "By question word",
                                        .series = {"F1", "EM"},
                                        .bars = {{"who", "1,061", {83.4, 77.5}}, {"why", "3", {kNan, 100.0}}}});
  expect_no_odd_numbers(svg);
  for (const char* part : {">who<", ">1,061<", ">83.4<", ">77.5<", ">100.0<"}) {
    EXPECT_NE(svg.find(part), std::string::npos) << part;
  }
}

TEST(SvgPlot, EscapesTexts) {
  LinePlot plot = plot_of({});
  plot.title = plot.unit = plot.x_label = plot.series[0].name = "\"><script>";
  EXPECT_EQ(line_plot_svg(plot).find("<script>"), std::string::npos);
}

TEST(SvgPlot, WritesAFileOfItsOwn) {
  const testing::ScratchFile scratch("curve.svg", "");
  ASSERT_TRUE(write_curve_svg(scratch.path(), plot_of({{0.0, 0.0}, {1.0, 1.0}})));
  const std::string svg = read_file(scratch.path()).value();
  EXPECT_EQ(svg.rfind("<svg", 0), 0U);
  EXPECT_NE(svg.find("<style>"), std::string::npos);
  EXPECT_NE(svg.find("class=\"paper\""), std::string::npos);
}

}  // namespace
}  // namespace spanqa

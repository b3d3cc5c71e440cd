// Plots as SVG: lines over steps and bars of percentages. Text in, text out; no fonts, no scripts, no files needed.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace spanqa {

struct PlotPoint {
  double x = 0.0;
  double y = 0.0;
};

struct PlotSeries {
  std::string name;
  std::vector<PlotPoint> points;  // by ascending x; a y that is not finite is a gap in the line
};

struct LinePlot {
  std::string title;
  std::string unit;     // of y, shown behind the title; may be empty
  std::string x_label;  // "step"
  std::vector<PlotSeries> series;
  bool has_markers = false;  // a dot on each point, for few points
  bool from_zero = false;    // the y axis begins at 0 at the latest
};

struct PlotBar {
  std::string name;
  std::string note;            // beside the name, faint: a count
  std::vector<double> values;  // one for each series, percent
};

struct BarPlot {
  std::string title;
  std::vector<std::string> series;  // at most 2
  std::vector<PlotBar> bars;
};

/// Most points that a plot draws of a series, and that a table of its points lists.
constexpr std::size_t kMaxPlotPoints = 1000;

/// Lines that a plot's colours and dashes tell apart.
constexpr std::size_t kMaxPlotSeries = 4;

/// An <svg> element for an HTML page that has plot_style(). A series with more than kMaxPlotPoints is thinned. Names
/// that do not fit beside the title are cut.
std::string line_plot_svg(const LinePlot& plot);
std::string bar_plot_svg(const BarPlot& plot);

/// CSS of the plots' classes; colours for a light and a dark screen.
std::string_view plot_style();

/// A plot that stands alone, as the whole of an SVG file, with its style.
std::string standalone_svg(const LinePlot& plot);
/// The same in a file. Errors: those of write_file.
Status write_curve_svg(const std::filesystem::path& path, const LinePlot& plot);

/// At most `limit` (at least 3) points that keep lowest, highest and gap of each stretch, so that no spike is lost.
std::vector<PlotPoint> thin_points(const std::vector<PlotPoint>& points, std::size_t limit);

/// About `n` round numbers (1, 2, 2.5 or 5 times a power of ten apart) that enclose [low, high]; low <= high, finite.
std::vector<double> nice_ticks(double low, double high, std::size_t n);

/// Numbers as an axis shows them, all with the decimals that their distance `step` needs: "0.25", "1,500", "4e-05".
std::string tick_label(double value, double step);

}  // namespace spanqa

#include "train/svg_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/file.h"
#include "base/markup.h"
#include "base/utf8.h"

namespace spanqa {
namespace {

// All lengths are those of the view box: 420 wide is legible on a phone and in two columns on a desk.
constexpr double kWidth = 420.0;
constexpr double kHeight = 220.0;
constexpr double kLeft = 46.0;
constexpr double kRight = 408.0;
constexpr double kTop = 36.0;
constexpr double kBottom = 198.0;
constexpr double kCharacter = 6.4;  // about the width of one at 12 pixels

struct Axis {
  std::vector<double> ticks;
  double from = 0.0;  // place of the first tick
  double to = 0.0;    // of the last one

  double low() const { return ticks.front(); }
  double high() const { return ticks.back(); }
  double step() const { return ticks.size() > 1 ? ticks[1] - ticks[0] : 1.0; }
  double place(double value) const { return from + (to - from) * (value - low()) / (high() - low()); }
};

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void add(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool is_empty() const { return low > high; }
};

Axis make_axis(Range range, double from, double to, std::size_t n) {
  if (range.is_empty()) range = {0.0, 1.0};
  return {.ticks = nice_ticks(range.low, range.high, n), .from = from, .to = to};
}

/// The x axis ends where the data end: its outer ticks are cut back to the range.
Axis make_x_axis(Range range) {
  Axis axis = make_axis(range, kLeft, kRight, 7);
  if (range.is_empty() || range.low == range.high) return axis;
  std::erase_if(axis.ticks, [&](double tick) { return tick < range.low || tick > range.high; });
  return axis;
}

/// "7.5e-5": the margin beside an axis has no room for a second digit of the exponent, which says nothing.
std::string scientific(double value) {
  const double exponent = std::floor(std::log10(std::abs(value)) + 1e-9);
  return fmt::format("{:.3g}e{:.0f}", value / std::pow(10.0, exponent), exponent);
}

std::string text(double x, double y, std::string_view css, std::string_view content) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"{}\">{}</text>", x, y, css, escape_markup(content));
}

std::string open_svg(std::string_view title, double height) {
  return fmt::format(
      "<svg class=\"plot\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" "
      "aria-label=\"{}\">\n",
      kWidth, height, escape_markup(title));
}

std::string heading(std::string_view title, std::string_view unit) {
  std::string out = fmt::format("<text x=\"0\" y=\"14\" class=\"title\">{}", escape_markup(title));
  if (!unit.empty()) out += fmt::format("<tspan class=\"unit\" dx=\"8\">{}</tspan>", escape_markup(unit));
  return out + "</text>\n";
}

constexpr double kLegendCharacter = 6.8;
constexpr double kLegendLine = 42.0;  // with the gaps beside it
constexpr double kTitleCharacter = 8.0;

std::string cut_name(const std::string& name, std::size_t most) {
  if (count_code_points(name) <= most) return name;
  const std::string valid = to_valid_utf8(name);
  return valid.substr(0, TextIndex(valid).at_code_point(most - 1).byte) + "…";
}

/// Code points that a name may have, so that all names fit beside the title.
std::size_t longest_name(const LinePlot& plot) {
  constexpr double kLeast = 4.0;
  const auto letters = static_cast<double>(count_code_points(plot.title) + count_code_points(plot.unit));
  const double room = (kRight - kTitleCharacter * letters) / static_cast<double>(plot.series.size()) - kLegendLine;
  return static_cast<std::size_t>(std::max(kLeast, room / kLegendCharacter));
}

std::string legend(const LinePlot& plot) {
  if (plot.series.size() < 2) return "";
  const std::size_t most = longest_name(plot);
  std::string out;
  double right = kRight;
  for (std::size_t i = plot.series.size(); i-- > 0;) {
    const std::string name = cut_name(plot.series[i].name, most);
    out += text(right, 14.0, "label end", name);
    const double end = right - kLegendCharacter * static_cast<double>(count_code_points(name)) - 10.0;
    out += fmt::format("<path class=\"line s{}\" d=\"M{:.1f} 10H{:.1f}\"/>\n", i % kMaxPlotSeries, end - 18.0, end);
    right = end - 32.0;
  }
  return out;
}

/// A linear scale whose ticks need not lie at its ends.
struct Scale {
  Range range;
  double from = 0.0;
  double to = 0.0;
  double place(double value) const {
    if (range.low == range.high) return (from + to) / 2.0;
    return from + (to - from) * (value - range.low) / (range.high - range.low);
  }
};

std::string path_of(const std::vector<PlotPoint>& points, const Scale& x, const Axis& y) {
  std::string out;
  bool is_down = false;
  for (const PlotPoint& point : points) {
    if (!std::isfinite(point.y) || !std::isfinite(point.x)) {
      is_down = false;
      continue;
    }
    out += fmt::format("{}{:.1f} {:.1f}", is_down ? 'L' : 'M', x.place(point.x), y.place(point.y));
    is_down = true;
  }
  return out;
}

std::string draw_series(const LinePlot& plot, std::size_t number, const Scale& x, const Axis& y) {
  const std::vector<PlotPoint> points = thin_points(plot.series[number].points, kMaxPlotPoints);
  std::string out =
      fmt::format("<path class=\"line s{}\" d=\"{}\"/>\n", number % kMaxPlotSeries, path_of(points, x, y));
  // A line of one point cannot be seen.
  if (!plot.has_markers && points.size() > 1) return out;
  for (const PlotPoint& point : points) {
    if (!std::isfinite(point.y) || !std::isfinite(point.x)) continue;
    out += fmt::format("<circle class=\"dot s{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>", number % kMaxPlotSeries,
                       x.place(point.x), y.place(point.y));
  }
  return out + "\n";
}

std::string draw_frame(const LinePlot& plot, const Scale& x, const Axis& x_axis, const Axis& y) {
  std::string out;
  for (const double tick : y.ticks) {
    out += fmt::format("<path class=\"grid\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>", kLeft, y.place(tick), kRight);
    out += text(kLeft - 7.0, y.place(tick) + 4.0, "tick end", tick_label(tick, y.step()));
  }
  for (const double tick : x_axis.ticks) {
    const double place = x.place(tick);
    if (place < kLeft - 0.5 || place > kRight + 0.5) continue;
    out += fmt::format("<path class=\"axis\" d=\"M{:.1f} {:.1f}v4\"/>", place, kBottom);
    out += text(place, kBottom + 17.0, "tick middle", tick_label(tick, x_axis.step()));
  }
  out += fmt::format("<path class=\"axis\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>\n", kLeft, kBottom, kRight);
  return out + text(kLeft - 10.0, kBottom + 17.0, "unit end", plot.x_label) + "\n";
}

constexpr double kBarsLeft = 142.0;
constexpr double kBarsRight = 324.0;
constexpr double kBarsTop = 32.0;
constexpr double kRow = 24.0;
constexpr double kBarHeight = 7.0;
constexpr double kValueColumn = 42.0;

double value_right(std::size_t number, std::size_t n) {
  return kRight + 8.0 - kValueColumn * static_cast<double>(n - 1 - number);
}

std::string draw_bar_row(const PlotBar& bar, double top, std::size_t n_series) {
  std::string out = text(0.0, top + 13.0, "label", bar.name) + text(kBarsLeft - 8.0, top + 13.0, "tick end", bar.note);
  const double height = static_cast<double>(n_series) * (kBarHeight + 1.0);
  double y = top + (kRow - height) / 2.0 - 3.0;
  for (std::size_t i = 0; i < std::min(n_series, bar.values.size()); ++i, y += kBarHeight + 1.0) {
    const double value = bar.values[i];
    if (!std::isfinite(value)) continue;
    const double width = (kBarsRight - kBarsLeft) * std::clamp(value, 0.0, 100.0) / 100.0;
    out +=
        fmt::format("<rect class=\"bar s{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"1\"/>",
                    i, kBarsLeft, y, width, kBarHeight);
    out += text(value_right(i, n_series), top + 13.0, "value end", fmt::format("{:.1f}", value));
  }
  return out + "\n";
}

std::string draw_bar_frame(const BarPlot& plot, double bottom) {
  std::string out;
  for (const double tick : {0.0, 25.0, 50.0, 75.0, 100.0}) {
    const double place = kBarsLeft + (kBarsRight - kBarsLeft) * tick / 100.0;
    out += fmt::format("<path class=\"grid\" d=\"M{:.1f} {:.1f}V{:.1f}\"/>", place, kBarsTop - 4.0, bottom);
    out += text(place, bottom + 14.0, "tick middle", fmt::format("{:.0f}", tick));
  }
  for (std::size_t i = 0; i < plot.series.size(); ++i) {
    const double right = value_right(i, plot.series.size());
    const double width = kCharacter * 1.4 * static_cast<double>(count_code_points(plot.series[i])) + 5.0;
    out += fmt::format("<rect class=\"bar s{}\" x=\"{:.1f}\" y=\"6\" width=\"8\" height=\"8\" rx=\"1\"/>", i,
                       right - width - 8.0);
    out += text(right, 14.0, "label end", plot.series[i]);
  }
  return out + "\n";
}

}  // namespace

std::string line_plot_svg(const LinePlot& plot) {
  Range xs;
  Range ys;
  for (const PlotSeries& series : plot.series) {
    for (const PlotPoint& point : series.points) {
      if (!std::isfinite(point.x) || !std::isfinite(point.y)) continue;
      xs.add(point.x);
      ys.add(point.y);
    }
  }
  // Runs are read from their beginning, unless only a late part of one is shown.
  if (xs.low > 0.0 && xs.low < 0.3 * xs.high) xs.add(0.0);
  if (plot.from_zero && !ys.is_empty()) ys.add(0.0);
  const Axis y = make_axis(ys, kBottom, kTop, 5);
  const Axis x_axis = make_x_axis(xs);
  const Scale x{.range = xs.is_empty() ? Range{0.0, 1.0} : xs, .from = kLeft, .to = kRight};
  std::string out = open_svg(plot.title, kHeight) + heading(plot.title, plot.unit) + legend(plot);
  out += draw_frame(plot, x, x_axis, y);
  for (std::size_t i = 0; i < plot.series.size(); ++i) out += draw_series(plot, i, x, y);
  return out + "</svg>\n";
}

std::string bar_plot_svg(const BarPlot& plot) {
  const double bottom = kBarsTop + kRow * static_cast<double>(plot.bars.size());
  std::string out = open_svg(plot.title, bottom + 20.0) + heading(plot.title, "") + draw_bar_frame(plot, bottom);
  double top = kBarsTop;
  for (const PlotBar& bar : plot.bars) {
    out += draw_bar_row(bar, top, plot.series.size());
    top += kRow;
  }
  return out + "</svg>\n";
}

std::string_view plot_style() {
  return R"(.plot{--s0:#1f5fa8;--s1:#c2571a;--s2:#2d7d5a;--s3:#7a4fa3;--ink:#1c2126;--soft:#66707a;--rule:#e3e6e9;--edge:#b4bbc2;
 display:block;width:100%;height:auto;overflow:visible;
 font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif;font-variant-numeric:tabular-nums}
.plot text{fill:var(--ink)}
.plot .title{font-size:13px;font-weight:600}
.plot .unit,.plot .tick{fill:var(--soft);font-size:11px;font-weight:400}
.plot .end{text-anchor:end}
.plot .middle{text-anchor:middle}
.plot .grid{stroke:var(--rule);fill:none}
.plot .axis{stroke:var(--edge);fill:none}
.plot .line{fill:none;stroke-width:1.6;stroke-linejoin:round;stroke-linecap:round}
.plot .line.s0{stroke:var(--s0)}
.plot .line.s1{stroke:var(--s1);stroke-dasharray:5 3}
.plot .line.s2{stroke:var(--s2)}
.plot .line.s3{stroke:var(--s3);stroke-dasharray:2 3}
.plot .s0{fill:var(--s0)}
.plot .s1{fill:var(--s1)}
.plot .s2{fill:var(--s2)}
.plot .s3{fill:var(--s3)}
.plot .line{fill:none}
@media (prefers-color-scheme:dark){
 .plot{--s0:#79b3f2;--s1:#f0a36a;--s2:#79c9a3;--s3:#c3a1e6;--ink:#e7eaed;--soft:#98a2ac;--rule:#2a3037;--edge:#525b65}
}
@media print{
 .plot{--s0:#1f5fa8;--s1:#c2571a;--s2:#2d7d5a;--s3:#7a4fa3;--ink:#000;--soft:#444;--rule:#ddd;--edge:#999}
}
)";
}

std::string standalone_svg(const LinePlot& plot) {
  std::string svg = line_plot_svg(plot);
  // The paper comes with the plot: a viewer's own may be dark when its scheme is not.
  const std::string_view paper =
      ".paper{fill:#fff}@media (prefers-color-scheme:dark){.paper{fill:#14181c}}@media print{.paper{fill:#fff}}";
  std::string style =
      fmt::format("<style>{}{}</style>\n<rect class=\"paper\" x=\"-12\" y=\"-10\" width=\"{}\" height=\"{}\"/>\n",
                  plot_style(), paper, kWidth + 24.0, kHeight + 20.0);
  svg.insert(svg.find('\n') + 1, style);
  const std::string plain = fmt::format("viewBox=\"0 0 {:.0f} {:.0f}\"", kWidth, kHeight);
  svg.replace(svg.find(plain), plain.size(),
              fmt::format("viewBox=\"-12 -10 {:.0f} {:.0f}\" width=\"{:.0f}\"", kWidth + 24.0, kHeight + 20.0,
                          2.0 * (kWidth + 24.0)));
  return svg;
}

Status write_curve_svg(const std::filesystem::path& path, const LinePlot& plot) {
  return write_file(path, standalone_svg(plot));
}

std::vector<PlotPoint> thin_points(const std::vector<PlotPoint>& points, std::size_t limit) {
  if (points.size() <= limit) return points;
  const std::size_t n_stretches = std::max<std::size_t>(1, limit / 3);
  std::vector<PlotPoint> out;
  for (std::size_t i = 0; i < n_stretches; ++i) {
    const std::size_t begin = i * points.size() / n_stretches;
    const std::size_t end = (i + 1) * points.size() / n_stretches;
    std::vector<std::size_t> kept;
    const auto finite = [&](std::size_t k) { return std::isfinite(points[k].y); };
    for (const bool is_low : {true, false}) {
      std::size_t best = end;
      for (std::size_t k = begin; k < end; ++k) {
        if (!finite(k)) continue;
        if (best == end || (is_low ? points[k].y < points[best].y : points[k].y > points[best].y)) best = k;
      }
      if (best < end) kept.push_back(best);
    }
    for (std::size_t k = begin; k < end; ++k) {
      if (finite(k)) continue;
      kept.push_back(k);
      break;
    }
    std::sort(kept.begin(), kept.end());
    kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
    for (const std::size_t k : kept) out.push_back(points[k]);
  }
  return out;
}

std::vector<double> nice_ticks(double low, double high, std::size_t n) {
  if (low == high) {
    const double half = low == 0.0 ? 0.5 : std::abs(low) * 0.1;
    low -= half;
    high += half;
  }
  const double rough = (high - low) / static_cast<double>(std::max<std::size_t>(n, 2) - 1);
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10.0 * power;
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (factor * power >= rough * 0.999) {
      step = factor * power;
      break;
    }
  }
  const double first = std::floor(low / step + 1e-9);
  const double last = std::ceil(high / step - 1e-9);
  std::vector<double> out;
  // Far from zero a range may be too narrow for numbers to tell its ticks apart.
  for (double i = first; i <= last && out.size() < 4 * n + 4; i += 1.0) out.push_back(i * step);
  if (out.size() < 2 || out.front() == out.back()) return {low, high};
  return out;
}

std::string tick_label(double value, double step) {
  if (std::abs(value) < std::abs(step) * 1e-6) return "0";
  if (std::abs(step) < 1e-3 || std::abs(value) >= 1e9) return scientific(value);
  int decimals = 0;
  for (double scaled = std::abs(step); decimals < 4 && std::abs(scaled - std::round(scaled)) > 1e-6; scaled *= 10.0) {
    ++decimals;
  }
  std::string out = fmt::format("{:.{}f}", value, decimals);
  const std::size_t sign = out.front() == '-' ? 1 : 0;
  for (std::size_t at = std::min(out.find('.'), out.size()); at > sign + 3; at -= 3) out.insert(at - 3, ",");
  return out;
}

}  // namespace spanqa

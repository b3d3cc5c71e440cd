#include "train/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/file.h"
#include "base/markup.h"
#include "train/report_style.h"
#include "train/svg_plot.h"

namespace spanqa {
namespace {

std::string number(double value, const char* form) {
  return std::isfinite(value) ? fmt::format(fmt::runtime(form), value) : std::string("–");
}

std::string counted(std::size_t value) { return tick_label(static_cast<double>(value), 1.0); }

std::string duration(double seconds) {
  constexpr double kMost = 1e15;
  const auto total = static_cast<std::uint64_t>(std::isfinite(seconds) ? std::clamp(seconds, 0.0, kMost) : 0.0);
  if (total >= 3600) return fmt::format("{} h {:02} min", total / 3600, total / 60 % 60);
  if (total >= 60) return fmt::format("{} min {:02} s", total / 60, total % 60);
  return fmt::format("{} s", total);
}

std::string tile(std::string_view name, std::string_view value, std::string_view note) {
  return fmt::format("<div><dt>{}</dt><dd>{}<small>{}</small></dd></div>\n", escape_markup(name), escape_markup(value),
                     escape_markup(note));
}

std::string tiles_html(const RunSummary& summary, const RunHistory& history) {
  std::string out = "<dl class=\"tiles\">\n";
  if (const EvaluationRecord* best = best_evaluation(history)) {
    const std::string where = fmt::format("best, at step {}", counted(best->step));
    out += tile("F1", number(best->f1, "{:.2f}"), where) + tile("Exact match", number(best->exact, "{:.2f}"), where) +
           tile("Evaluation loss", number(best->loss, "{:.3f}"), where);
  }
  if (!history.steps.empty()) {
    const StepRecord& last = history.steps.back();
    out += tile("Training loss", number(last.loss, "{:.3f}"), "the last recorded") +
           tile("Steps", counted(last.step), fmt::format("of {}, {:.2f} epochs", counted(last.n_steps), last.epoch)) +
           tile("Windows a second", number(summary.windows_per_second, "{:.1f}"), "mean over all steps");
  }
  out += tile("Time", duration(summary.seconds), "evaluations included");
  if (summary.peak_memory_bytes > 0) {
    out += tile("Peak memory", fmt::format("{:.2f} GB", static_cast<double>(summary.peak_memory_bytes) / 1e9),
                "resident, of the process");
  }
  return out + "</dl>\n";
}

std::string header_html(const RunSummary& summary) {
  std::string out = fmt::format("<header>\n<div class=\"over\">spanqa training run</div>\n<h1>{}</h1>\n<p>{}{}</p>\n",
                                escape_markup(summary.title), escape_markup(summary.model),
                                summary.state.empty() ? "" : " · " + escape_markup(summary.state));
  std::string line;
  for (const auto& [name, value] : summary.counts) {
    line += fmt::format("{}{} {}", line.empty() ? "" : " · ", escape_markup(value), escape_markup(name));
  }
  if (!line.empty()) out += fmt::format("<p class=\"soft small\">{}</p>\n", line);
  if (!summary.machine.empty()) out += fmt::format("<p class=\"soft small\">{}</p>\n", escape_markup(summary.machine));
  return out + "</header>\n";
}

std::string points_table(const LinePlot& plot) {
  std::string out =
      fmt::format("<details><summary>Points as a table</summary><div class=\"scroll\"><table><thead><tr><th>{}</th>",
                  escape_markup(plot.x_label));
  // Series share their x, so one table serves them all.
  std::vector<std::vector<PlotPoint>> columns;
  if (plot.series.size() == 1) {
    columns.push_back(thin_points(plot.series[0].points, kMaxPlotPoints));
  } else {
    for (const PlotSeries& series : plot.series) columns.push_back(series.points);
  }
  for (const PlotSeries& series : plot.series) out += fmt::format("<th>{}</th>", escape_markup(series.name));
  out += "</tr></thead><tbody>\n";
  for (std::size_t row = 0; !columns.empty() && row < columns[0].size(); ++row) {
    out += fmt::format("<tr><td>{}</td>", tick_label(columns[0][row].x, 1.0));
    for (const auto& column : columns) out += fmt::format("<td>{}</td>", number(column.at(row).y, "{:.4g}"));
    out += "</tr>\n";
  }
  return out + "</tbody></table></div></details>";
}

std::string figure_html(const LinePlot& plot) {
  return "<figure>\n" + line_plot_svg(plot) + points_table(plot) + "</figure>\n";
}

template <typename Record>
PlotSeries series_of(std::string name, const std::vector<Record>& records, double Record::* field) {
  PlotSeries out{.name = std::move(name), .points = {}};
  for (const Record& record : records) out.points.push_back({static_cast<double>(record.step), record.*field});
  return out;
}

std::string curves_html(const RunHistory& history) {
  const auto& steps = history.steps;
  const auto& evaluations = history.evaluations;
  std::string out;
  const auto add = [&out](std::string title, std::string unit, std::vector<PlotSeries> series, bool has_markers,
                          bool from_zero) {
    out += figure_html({.title = std::move(title),
                        .unit = std::move(unit),
                        .x_label = "step",
                        .series = std::move(series),
                        .has_markers = has_markers,
                        .from_zero = from_zero});
  };
  if (!evaluations.empty()) {
    add("Exact match and F1", "percent",
        {series_of("F1", evaluations, &EvaluationRecord::f1), series_of("EM", evaluations, &EvaluationRecord::exact)},
        true, false);
    add("Evaluation loss", "", {series_of("loss", evaluations, &EvaluationRecord::loss)}, true, false);
  }
  if (!steps.empty()) {
    add("Training loss", "mean over windows", {series_of("loss", steps, &StepRecord::loss)}, false, true);
    add("Learning rate", "", {series_of("learning rate", steps, &StepRecord::learning_rate)}, false, true);
    add("Gradient norm", "before clipping", {series_of("norm", steps, &StepRecord::gradient_norm)}, false, true);
    add("Speed", "windows a second", {series_of("windows/s", steps, &StepRecord::windows_per_second)}, false, true);
  }
  return out.empty() ? "" : "<h2>Curves</h2>\n<div class=\"grid\">\n" + out + "</div>\n";
}

/// Figures that not every evaluation has (HasAns_f1) are columns of their own; those of the last one say which.
std::string evaluations_html(const RunHistory& history) {
  if (history.evaluations.empty()) return "";
  const EvaluationRecord* best = best_evaluation(history);
  std::vector<std::string> more;
  for (const MetricValue& metric : history.evaluations.back().metrics) {
    const bool is_shown = metric.name == "f1" || metric.name == "exact" || metric.name == "exact_match";
    if (!is_shown && !metric.is_count) more.push_back(metric.name);
  }
  std::string out =
      "<h2>Evaluations</h2>\n<div class=\"wide\"><table><thead><tr><th>step</th><th>epoch</th><th>loss</th>"
      "<th>EM</th><th>F1</th>";
  for (const std::string& name : more) out += fmt::format("<th>{}</th>", escape_markup(name));
  out += "<th>time</th></tr></thead><tbody>\n";
  for (const EvaluationRecord& record : history.evaluations) {
    out += fmt::format("<tr{}><td>{}{}</td><td>{:.2f}</td><td>{}</td><td>{}</td><td>{}</td>",
                       &record == best ? " class=\"best\"" : "", counted(record.step), &record == best ? " (best)" : "",
                       record.epoch, number(record.loss, "{:.3f}"), number(record.exact, "{:.2f}"),
                       number(record.f1, "{:.2f}"));
    for (const std::string& name : more) {
      std::string cell = "–";
      for (const MetricValue& metric : record.metrics) {
        if (metric.name == name) cell = number(metric.value, "{:.2f}");
      }
      out += fmt::format("<td>{}</td>", cell);
    }
    out += fmt::format("<td>{}</td></tr>\n", duration(record.seconds));
  }
  return out + "</tbody></table></div>\n";
}

std::string slice_figure(const SliceGroup& group) {
  BarPlot plot{.title = "By " + group.name, .series = {"F1", "EM"}, .bars = {}};
  std::string table = fmt::format(
      "<details><summary>Bars as a table</summary><div class=\"scroll\"><table><thead><tr><th>{}</th><th>questions</th>"
      "<th>F1</th><th>EM</th></tr></thead><tbody>\n",
      escape_markup(group.name));
  for (const Slice& slice : group.slices) {
    plot.bars.push_back({.name = slice.name, .note = counted(slice.n_questions), .values = {slice.f1, slice.exact}});
    table += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n", escape_markup(slice.name),
                         counted(slice.n_questions), number(slice.f1, "{:.2f}"), number(slice.exact, "{:.2f}"));
  }
  return "<figure>\n" + bar_plot_svg(plot) + table + "</tbody></table></div></details></figure>\n";
}

/// The first group, which is the longest, beside the others.
std::string slices_html(const EvaluationRecord& record) {
  if (record.slices.empty()) return "";
  std::string out =
      "<h2>By kind of question</h2>\n<div class=\"grid\">\n" + slice_figure(record.slices.front()) + "<div>\n";
  for (std::size_t i = 1; i < record.slices.size(); ++i) out += slice_figure(record.slices[i]);
  return out + "</div>\n</div>\n";
}

std::string marked(const std::string& sentence, const std::string& prediction) {
  const std::size_t at = prediction.empty() ? std::string::npos : sentence.find(prediction);
  if (at == std::string::npos) return escape_markup(sentence);
  return fmt::format("{}<mark>{}</mark>{}", escape_markup(sentence.substr(0, at)), escape_markup(prediction),
                     escape_markup(sentence.substr(at + prediction.size())));
}

std::string error_html(const WorstError& error) {
  std::string golds;
  for (auto gold = error.golds.begin(); gold != error.golds.end(); ++gold) {
    if (std::find(error.golds.begin(), gold, *gold) != gold) continue;  // annotators agree more often than not
    golds += (golds.empty() ? "" : " · ") + escape_markup(*gold);
  }
  std::string out = fmt::format(
      "<li><h3>{}</h3>\n<dl><dt>predicted</dt><dd><span class=\"bad\">{}</span> "
      "<span class=\"soft small\">with probability {}, F1 {}</span></dd>\n",
      escape_markup(error.question), error.prediction.empty() ? "no answer" : escape_markup(error.prediction),
      number(error.probability, "{:.3f}"), number(error.f1, "{:.1f}"));
  out += fmt::format("<dt>expected</dt><dd class=\"good\">{}</dd>\n", golds.empty() ? "no answer" : golds);
  if (!error.sentence.empty()) {
    out += fmt::format("<dt>in the text</dt><dd>{}</dd>\n", marked(error.sentence, error.prediction));
  }
  return out + fmt::format("<dt>id</dt><dd class=\"soft small\">{}</dd></dl></li>\n", escape_markup(error.id));
}

std::string errors_html(const EvaluationRecord& record) {
  if (record.worst.empty()) return "";
  std::string out =
      "<h2>Worst errors</h2>\n<p class=\"soft small\">The wrong answers that the model was surest of.</p>\n<ul "
      "class=\"errors\">\n";
  for (const WorstError& error : record.worst) out += error_html(error);
  return out + "</ul>\n";
}

std::string recipe_html(const RunSummary& summary, const RunSettings& settings) {
  std::string out = "<h2>Recipe</h2>\n";
  if (!summary.command.empty()) {
    out += fmt::format("<p class=\"soft small\">Run it again:</p>\n<pre>{}</pre>\n", escape_markup(summary.command));
  }
  out += "<dl class=\"recipe\">\n";
  for (const auto& [name, value] : settings) {
    out += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escape_markup(name),
                       value.empty() ? "–" : escape_markup(value));
  }
  return out + "</dl>\n";
}

}  // namespace

const EvaluationRecord* best_evaluation(const RunHistory& history) {
  for (std::size_t i = history.evaluations.size(); i-- > 0;) {
    if (history.evaluations[i].is_best) return &history.evaluations[i];
  }
  return history.evaluations.empty() ? nullptr : &history.evaluations.back();
}

std::string report_html(const RunSummary& summary, const RunSettings& settings, const RunHistory& history) {
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
      "<title>{} – spanqa training run</title>\n<style>{}{}</style>\n</head>\n<body>\n<main>\n",
      escape_markup(summary.title), kReportStyle, plot_style());
  out += header_html(summary) + tiles_html(summary, history) + curves_html(history) + evaluations_html(history);
  if (const EvaluationRecord* best = best_evaluation(history)) out += slices_html(*best) + errors_html(*best);
  out += recipe_html(summary, settings);
  return out + "<footer>Written by spanqa train.</footer>\n</main>\n</body>\n</html>\n";
}

Status write_report(const std::filesystem::path& path, const RunSummary& summary, const RunSettings& settings,
                    const RunHistory& history) {
  return write_file(path, report_html(summary, settings, history));
}

}  // namespace spanqa

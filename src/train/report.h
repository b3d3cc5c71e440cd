// report.html: what came of a run, on one page that needs nothing but itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "train/run_log.h"

namespace spanqa {

/// What a report says beside options and history.
struct RunSummary {
  std::string title;                                        // of the page: the name of the run's folder
  std::string model;                                        // what was trained
  std::string state;                                        // "finished", "stopped at step 1,200"
  std::string command;                                      // that runs it again
  std::string machine;                                      // one line: processor, cores, precision
  std::vector<std::pair<std::string, std::string>> counts;  // of data: {"training questions", "14,348"}
  double seconds = 0.0;                                     // of the run, all its parts
  double windows_per_second = 0.0;                          // over all its steps
  std::uint64_t peak_memory_bytes = 0;
};

/// The evaluation with the best F1: the last one marked so, else the last one; nullptr without any.
const EvaluationRecord* best_evaluation(const RunHistory& history);

/// The page. It has no script and asks for nothing from outside; texts from data sets are escaped. Slices and errors
/// are those of best_evaluation(). What there is no record of is left out. Cost: O(history); a few hundred kilobytes.
std::string report_html(const RunSummary& summary, const RunSettings& settings, const RunHistory& history);

/// report_html in a file, complete or not at all. Errors: those of write_file.
Status write_report(const std::filesystem::path& path, const RunSummary& summary, const RunSettings& settings,
                    const RunHistory& history);

}  // namespace spanqa

// What an evaluation found as JSON, the same in report.json and in a training run's events.jsonl.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "qa/squad_metrics.h"
#include "qa/worst_errors.h"

namespace spanqa {

/// An object: counts as whole numbers, figures with a point.
nlohmann::ordered_json metrics_json(const MetricValues& metrics);
/// An array of objects, worst first.
nlohmann::ordered_json worst_errors_json(const std::vector<WorstError>& errors);

}  // namespace spanqa

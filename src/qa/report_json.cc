#include "qa/report_json.h"

#include <cstdint>

namespace spanqa {

using Json = nlohmann::ordered_json;

Json metrics_json(const MetricValues& metrics) {
  Json out = Json::object();
  for (const MetricValue& metric : metrics) {
    if (metric.is_count) {
      out[metric.name] = static_cast<std::int64_t>(metric.value);
    } else {
      out[metric.name] = metric.value;
    }
  }
  return out;
}

Json worst_errors_json(const std::vector<WorstError>& errors) {
  Json out = Json::array();
  for (const WorstError& error : errors) {
    out.push_back({{"id", error.id},
                   {"question", error.question},
                   {"prediction", error.prediction},
                   {"golds", error.golds},
                   {"sentence", error.sentence},
                   {"f1", error.f1},
                   {"probability", error.probability}});
  }
  return out;
}

}  // namespace spanqa

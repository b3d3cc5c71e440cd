// qa_settings.json from anywhere: an error, or values within their ranges.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "qa/qa_settings.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto settings = spanqa::parse_qa_settings({reinterpret_cast<const char*>(data), size}, "input");
  if (!settings) return 0;
  SPANQA_CHECK(std::isfinite(settings->temperature) && settings->temperature > 0.0);
  SPANQA_CHECK(settings->no_answer_threshold >= 0.0 && settings->no_answer_threshold <= 1.0);
  SPANQA_CHECK(std::isfinite(settings->null_score_diff_threshold));
  return 0;
}

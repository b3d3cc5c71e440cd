// Predictions and null-odds files from anywhere: an error or a map, and what was read can be written and read again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/json_text.h"
#include "qa/predictions_files.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  if (const auto predictions = spanqa::parse_predictions(json, "input")) {
    std::string again = "{";
    for (const auto& [id, text] : predictions->by_id) {
      if (again.size() > 1) again += ',';
      spanqa::append_json_string(again, id);
      again += ':';
      spanqa::append_json_string(again, text);
    }
    const auto reread = spanqa::parse_predictions(again + "}", "again");
    SPANQA_CHECK(reread.has_value() && reread->by_id == predictions->by_id);
  }
  if (const auto odds = spanqa::parse_null_odds(json, "input")) {
    for (const auto& [id, entry] : odds->by_id) SPANQA_CHECK(entry.order < odds->by_id.size());
  }
  return 0;
}

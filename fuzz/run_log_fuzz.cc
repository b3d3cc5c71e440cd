// events.jsonl from anywhere: an error, or records that are written and read back alike, and can be shown.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "train/record_json.h"
#include "train/report.h"
#include "train/run_log.h"

namespace {

template <typename Record>
void append_lines(std::string& text, const char* event, const std::vector<Record>& records) {
  for (const Record& record : records) {
    nlohmann::ordered_json line = {{"event", event}};
    line.update(spanqa::to_json(record));
    text += line.dump() + "\n";
  }
}

std::string lines_of(const spanqa::RunHistory& history) {
  std::string text;
  append_lines(text, "step", history.steps);
  append_lines(text, "evaluation", history.evaluations);
  append_lines(text, "checkpoint", history.checkpoints);
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto history = spanqa::parse_run_history({reinterpret_cast<const char*>(data), size}, "input");
  if (!history) {
    SPANQA_CHECK(history.error().code == spanqa::ErrorCode::kCorrupt);
    return 0;
  }
  const std::string lines = lines_of(*history);
  const auto again = spanqa::parse_run_history(lines, "written");
  SPANQA_CHECK(again.has_value() && lines_of(*again) == lines);
  SPANQA_CHECK(!spanqa::report_html({}, {}, *history).empty());
  return 0;
}

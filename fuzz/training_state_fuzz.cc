// training_state.json, run.json and trainer_state.json from anywhere: an error, or what is written and read back alike.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "train/hugging_face_files.h"
#include "train/options_json.h"
#include "train/run_state.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto options = spanqa::options_from_json(text, "input")) {
    const std::string json = spanqa::options_to_json(*options);
    const auto again = spanqa::options_from_json(json, "written");
    SPANQA_CHECK(again.has_value() && spanqa::options_to_json(*again) == json);
    SPANQA_CHECK(!spanqa::training_args_json(*options).empty());
  }
  if (const auto state = spanqa::parse_training_state(text, "input")) {
    const auto json = spanqa::training_state_json(*state);
    SPANQA_CHECK(json.has_value());
    const auto again = spanqa::parse_training_state(*json, "written");
    SPANQA_CHECK(again.has_value() && spanqa::training_state_json(*again) == *json);
  }
  if (auto log = spanqa::parse_log_history(text, "input")) {
    spanqa::RunState run;
    run.log = *std::move(log);
    const std::string json = spanqa::trainer_state_json(run, {});
    SPANQA_CHECK(spanqa::parse_log_history(json, "written").has_value());
  }
  return 0;
}

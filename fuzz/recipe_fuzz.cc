// A recipe from anywhere: an error with the recipe's name, or settings within their ranges.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "cli/config_file.h"
#include "cli/train_flags.h"
#include "train/options_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  CLI::App command("train");
  spanqa::cli::TrainFlags flags;
  flags.add_to(command);
  if (const auto applied = spanqa::cli::apply_config(command, text, "input"); !applied) {
    SPANQA_CHECK(applied.error().code == spanqa::ErrorCode::kInvalidArgument);
    SPANQA_CHECK(applied.error().message.starts_with("input: "));
    return 0;
  }
  if (const auto options = flags.resolve(command)) {
    SPANQA_CHECK(spanqa::check_options(*options).has_value());
    SPANQA_CHECK(!spanqa::cli::printed_options(*options).empty());
  }
  return 0;
}

#include "train/run_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <string_view>

#include "nn/precision.h"
#include "train/options_json.h"

namespace spanqa {
namespace {

/// A word that a shell reads as it is.
std::string quoted(const std::string& word) {
  const bool is_plain = !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || std::string_view("-_./+,:=").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (is_plain) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace

std::string run_command(const TrainOptions& options) {
  std::string command = "spanqa train";
  const auto add = [&](std::string key, const std::string& value) {
    std::replace(key.begin(), key.end(), '_', '-');
    command += fmt::format(" --{} {}", key, quoted(value));
  };
  const bool has_limits =
      std::any_of(options.train.begin(), options.train.end(), [](const TrainingFile& file) { return file.limit != 0; });
  const bool has_weights = std::any_of(options.train.begin(), options.train.end(),
                                       [](const TrainingFile& file) { return file.weight != 1.0; });
  for (const TrainingFile& file : options.train) {
    add("train", file.path.string());
    if (has_limits) add("train-limit", fmt::format("{}", file.limit));
    if (has_weights) add("train-weight", fmt::format("{}", file.weight));
  }
  add("precision", precision_name(options.precision));
  for (const OptionDifference& difference : compare_options(TrainOptions{}, options)) {
    if (difference.key == "train" || difference.key == "precision") continue;
    const auto value = nlohmann::json::parse(difference.b, nullptr, false);
    if (value.is_boolean()) {
      std::string key = difference.key;
      std::replace(key.begin(), key.end(), '_', '-');
      command += (value.get<bool>() ? " --" : " --no-") + key;
    } else {
      add(difference.key, value.is_string() ? value.get<std::string>() : difference.b);
    }
  }
  return command;
}

}  // namespace spanqa

#include "qa/qa_settings.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/json_text.h"

namespace spanqa {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 20;

/// What is wrong with the values, or nothing.
std::string fault_of(const QaSettings& settings) {
  if (!std::isfinite(settings.temperature) || settings.temperature <= 0.0) {
    return fmt::format("temperature must be a finite number above 0 (got {})", settings.temperature);
  }
  if (!(settings.no_answer_threshold >= 0.0 && settings.no_answer_threshold <= 1.0)) {
    return fmt::format("no_answer_threshold must be from 0 to 1 (got {})", settings.no_answer_threshold);
  }
  if (!std::isfinite(settings.null_score_diff_threshold)) {
    return fmt::format("null_score_diff_threshold must be a finite number (got {})",
                       settings.null_score_diff_threshold);
  }
  return {};
}

Status read_number(const Json& value, const std::string& key, std::string_view source, double& out) {
  if (!value.is_number()) {
    return fail(ErrorCode::kCorrupt, fmt::format("{}: {} must be a number, but is {}", source, key, value.type_name()));
  }
  out = value.get<double>();
  return {};
}

Status read_member(const std::string& key, const Json& value, std::string_view source, QaSettings& settings) {
  if (key == "temperature") return read_number(value, key, source, settings.temperature);
  if (key == "no_answer_threshold") return read_number(value, key, source, settings.no_answer_threshold);
  if (key == "null_score_diff_threshold") return read_number(value, key, source, settings.null_score_diff_threshold);
  if (key != "fitted_on") {
    settings.notes.push_back(fmt::format("{}: {} is not a setting this version knows; it has no effect", source, key));
    return {};
  }
  if (!value.is_string()) {
    return fail(ErrorCode::kCorrupt, fmt::format("{}: {} must be a text, but is {}", source, key, value.type_name()));
  }
  settings.fitted_on = value.get<std::string>();
  return {};
}

}  // namespace

Result<QaSettings> parse_qa_settings(std::string_view json, std::string_view source) {
  const Json root = Json::parse(json.begin(), json.end(), nullptr, /*allow_exceptions=*/false);
  if (!root.is_object()) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("{}: not a JSON object; mend or delete it to use the default settings", source));
  }
  QaSettings settings;
  for (const auto& [key, value] : root.items()) SPANQA_TRY(read_member(key, value, source, settings));
  if (const std::string fault = fault_of(settings); !fault.empty()) {
    return fail(ErrorCode::kCorrupt, fmt::format("{}: {}", source, fault));
  }
  return settings;
}

Result<QaSettings> read_qa_settings(const std::filesystem::path& model_folder) {
  const std::filesystem::path path = model_folder / kQaSettingsFile;
  Result<std::string> json = read_file(path, kMaxFileBytes);
  if (!json && json.error().code == ErrorCode::kNotFound) return QaSettings{};
  if (!json) return tl::unexpected<Error>(std::move(json).error());
  return parse_qa_settings(*json, path.string());
}

Status write_qa_settings(const std::filesystem::path& model_folder, const QaSettings& settings) {
  const std::filesystem::path path = model_folder / kQaSettingsFile;
  if (const std::string fault = fault_of(settings); !fault.empty()) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}: {}", path.string(), fault));
  }
  std::string text = "{\n    \"temperature\": ";
  append_json_number(text, settings.temperature);
  text += ",\n    \"no_answer_threshold\": ";
  append_json_number(text, settings.no_answer_threshold);
  text += ",\n    \"null_score_diff_threshold\": ";
  append_json_number(text, settings.null_score_diff_threshold);
  if (!settings.fitted_on.empty()) {
    text += ",\n    \"fitted_on\": ";
    append_json_string(text, settings.fitted_on);
  }
  return write_file(path, text + "\n}\n");
}

}  // namespace spanqa

#include "train/run_state.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "train/checksum.h"
#include "train/options_json.h"
#include "train/python_json.h"

namespace spanqa {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "spanqa training state";
constexpr std::uint64_t kVersion = 1;
constexpr const char* kEvaluationDue = "is_evaluation_due";  // stands there only when it is true

/// Calls `visit(key, member)` for every number of a run.
template <typename Run, typename Visitor>
void visit_run(Run& run, Visitor&& visit) {
  visit("step", run.step);
  visit("n_steps", run.n_steps);
  visit("epoch", run.epoch);
  visit("epoch_index", run.epoch_index);
  visit("batches_done", run.batches_done);
  visit("n_windows", run.n_windows);
  visit("n_tokens", run.n_tokens);
  visit("total_flops", run.total_flops);
  visit("best_f1", run.best_f1);
  visit("best_step", run.best_step);
  visit("n_evaluations_without_gain", run.n_evaluations_without_gain);
  visit("n_unlogged_steps", run.n_unlogged_steps);
  visit("unlogged_loss", run.unlogged_loss);
  visit("unlogged_gradient_norm", run.unlogged_gradient_norm);
  visit("data_checksum", run.data_checksum);
}

bool is_finite(std::uint64_t /*count*/) { return true; }
bool is_finite(double number) { return std::isfinite(number); }
bool is_finite(const std::optional<double>& number) { return !number || std::isfinite(*number); }

Json value_json(std::uint64_t count) { return count; }
Json value_json(double number) { return number; }
Json value_json(const std::optional<double>& number) { return number ? Json(*number) : Json(nullptr); }

bool read_value(const Json& json, std::uint64_t& count) {
  if (!json.is_number_unsigned()) return false;
  count = json.get<std::uint64_t>();
  return true;
}
bool read_value(const Json& json, double& number) {
  if (!json.is_number()) return false;
  number = json.get<double>();
  return std::isfinite(number);
}
bool read_value(const Json& json, std::optional<double>& number) {
  if (json.is_null()) return true;
  return read_value(json, number.emplace());
}

std::uint64_t checksum_of(const Json& document) {
  const std::string text = python_json(document);
  return checksum64(std::as_bytes(std::span(text)));
}

std::string checksum_text(std::uint64_t checksum) { return fmt::format("{:016x}", checksum); }

std::optional<std::uint64_t> parse_checksum(const Json& json) {
  if (!json.is_string()) return std::nullopt;
  const auto& text = json.get_ref<const std::string&>();
  std::uint64_t checksum = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), checksum, 16).ptr;
  if (text.size() != 16 || end != text.data() + text.size()) return std::nullopt;
  return checksum;
}

/// A member that must be there, or null.
const Json& member_of(const Json& object, const char* key) {
  static const Json none;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return !object.is_object() || found == object.end() ? none : *found;
}

Json files_json(const std::map<std::string, FileSum>& files) {
  Json object = Json::object();
  for (const auto& [name, sum] : files) {
    object[name] = {{"n_bytes", sum.n_bytes}, {"checksum", checksum_text(sum.checksum)}};
  }
  return object;
}

Status read_files(const Json& object, std::map<std::string, FileSum>& files) {
  if (!object.is_object()) return fail(ErrorCode::kCorrupt, "files is not there");
  for (const auto& [name, entry] : object.items()) {
    FileSum sum;
    const auto checksum = parse_checksum(member_of(entry, "checksum"));
    const bool is_plain = !name.empty() && name.find('/') == std::string::npos && name != "." && name != "..";
    if (!is_plain || !checksum || !read_value(member_of(entry, "n_bytes"), sum.n_bytes)) {
      return fail(ErrorCode::kCorrupt, fmt::format("files has a wrong entry {}", Json(name).dump()));
    }
    sum.checksum = *checksum;
    files.emplace(name, sum);
  }
  return {};
}

Status check_frame(Json& document) {
  if (member_of(document, "format") != kFormat) {
    return fail(ErrorCode::kCorrupt, fmt::format("its format is not \"{}\"", kFormat));
  }
  std::uint64_t version = 0;
  if (!read_value(member_of(document, "version"), version) || version == 0) {
    return fail(ErrorCode::kCorrupt, "names no version");
  }
  if (version > kVersion) {
    return fail(ErrorCode::kUnsupported, fmt::format("is of version {}, this program reads up to version {}; continue "
                                                     "with the program that wrote it",
                                                     version, kVersion));
  }
  const auto checksum = parse_checksum(member_of(document, "checksum"));
  document.erase("checksum");
  if (checksum != checksum_of(document)) return fail(ErrorCode::kCorrupt, "is not what was written: it is damaged");
  return {};
}

Status read_state(Json& document, std::string_view source, TrainingState& state) {
  SPANQA_TRY(check_frame(document));
  const char* wrong = nullptr;
  const auto read = [&](const char* key, auto& member) {
    if (wrong == nullptr && !read_value(member_of(document, key), member)) wrong = key;
  };
  visit_run(state.run, read);
  read("n_optimizer_steps", state.n_optimizer_steps);
  const Json& due = member_of(document, kEvaluationDue);
  if (!due.is_null() && !due.is_boolean()) wrong = kEvaluationDue;
  state.run.is_evaluation_due = due == true;
  if (wrong != nullptr) return fail(ErrorCode::kCorrupt, fmt::format("{} is not what it should be", wrong));
  SPANQA_TRY(read_files(member_of(document, "files"), state.files));
  auto options = options_from_json(python_json(member_of(document, "options")), fmt::format("{}: options", source));
  if (!options) return tl::unexpected<Error>(std::move(options).error());
  state.options = *std::move(options);
  return {};
}

}  // namespace

LogEntry log_entry(const StepRecord& record) {
  return {
      .step = record.step,
      .epoch = record.epoch,
      .values = {{"grad_norm", record.gradient_norm}, {"learning_rate", record.learning_rate}, {"loss", record.loss}}};
}

LogEntry log_entry(const EvaluationRecord& record) {
  LogEntry entry{.step = record.step, .epoch = record.epoch, .values = {}};
  entry.values.push_back({"eval_loss", record.loss});
  for (const MetricValue& metric : record.metrics) {
    entry.values.push_back({"eval_" + metric.name, metric.value, metric.is_count});
  }
  return entry;
}

Result<std::string> training_state_json(const TrainingState& state) {
  Json document;
  document["format"] = kFormat;
  document["version"] = kVersion;
  const char* wrong = nullptr;
  visit_run(state.run, [&](const char* key, const auto& value) {
    if (!is_finite(value)) wrong = key;
    document[key] = value_json(value);
  });
  if (wrong != nullptr) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} of the run is not a finite number", wrong));
  }
  document["n_optimizer_steps"] = state.n_optimizer_steps;
  if (state.run.is_evaluation_due) document[kEvaluationDue] = true;
  document["options"] = Json::parse(options_to_json(state.options));
  document["files"] = files_json(state.files);
  document["checksum"] = checksum_text(checksum_of(document));
  return python_json(document) + "\n";
}

Result<TrainingState> parse_training_state(std::string_view json, std::string_view source) {
  SPANQA_ASSIGN(Json document, parse_json_object(json, source));
  TrainingState state;
  if (const Status status = read_state(document, source, state); !status) {
    const std::string& message = status.error().message;
    return fail(status.error().code, message.starts_with(source) ? message : fmt::format("{}: {}", source, message));
  }
  return state;
}

}  // namespace spanqa

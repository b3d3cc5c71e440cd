#include "train/options_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <span>
#include <type_traits>

#include "base/check.h"
#include "nn/kernels/dropout.h"
#include "train/python_json.h"

namespace spanqa {
namespace {

using Json = nlohmann::ordered_json;

template <typename Enum>
struct Name {
  Enum value;
  const char* name;
};

template <typename Enum>
constexpr std::array<Name<Enum>, 0> kNames = {};
template <>
constexpr std::array kNames<ScheduleKind> = {Name<ScheduleKind>{ScheduleKind::kLinear, "linear"},
                                             Name<ScheduleKind>{ScheduleKind::kCosine, "cosine"},
                                             Name<ScheduleKind>{ScheduleKind::kConstant, "constant"}};
template <>
constexpr std::array kNames<BatchKind> = {Name<BatchKind>{BatchKind::kWindows, "windows"},
                                          Name<BatchKind>{BatchKind::kTokens, "tokens"}};
template <>
constexpr std::array kNames<LongQuestion> = {Name<LongQuestion>{LongQuestion::kError, "error"},
                                             Name<LongQuestion>{LongQuestion::kTruncate, "truncate"}};
template <>
constexpr std::array kNames<Precision> = {Name<Precision>{Precision::kFloat32, precision_name(Precision::kFloat32)},
                                          Name<Precision>{Precision::kBFloat16, precision_name(Precision::kBFloat16)}};

template <typename Enum>
const char* name_of(Enum value) {
  for (const Name<Enum>& entry : kNames<Enum>) {
    if (entry.value == value) return entry.name;
  }
  SPANQA_CHECK(false);
}

template <typename Enum>
std::optional<Enum> value_of(std::string_view name) {
  for (const Name<Enum>& entry : kNames<Enum>) {
    if (entry.name == name) return entry.value;
  }
  return std::nullopt;
}

/// Calls `visit(key, member)` for every setting.
template <typename Options, typename Visitor>
void visit_options(Options& options, Visitor&& visit) {
  visit("model", options.model);
  visit("output", options.output);
  visit("train", options.train);
  visit("validation", options.validation);
  visit("validation_limit", options.validation_limit);
  visit("max_length", options.windows.max_length);
  visit("overlap", options.windows.overlap);
  visit("max_question_length", options.windows.max_question_length);
  visit("long_question", options.windows.long_question);
  visit("squad_v2", options.squad_v2);
  visit("last_token_bug", options.last_token_bug);
  visit("epochs", options.epochs);
  visit("max_steps", options.max_steps);
  visit("batch_kind", options.batch_kind);
  visit("batch_size", options.batch_size);
  visit("accumulation_steps", options.accumulation_steps);
  visit("group_by_length", options.group_by_length);
  visit("seed", options.seed);
  visit("learning_rate", options.learning_rate);
  visit("weight_decay", options.weight_decay);
  visit("beta1", options.beta1);
  visit("beta2", options.beta2);
  visit("eps", options.eps);
  visit("max_gradient_norm", options.max_gradient_norm);
  visit("schedule", options.schedule);
  visit("warmup_ratio", options.warmup_ratio);
  visit("warmup_steps", options.warmup_steps);
  visit("layer_decay", options.layer_decay);
  visit("frozen_layers", options.frozen_layers);
  visit("label_smoothing", options.label_smoothing);
  visit("hidden_dropout", options.hidden_dropout);
  visit("attention_dropout", options.attention_dropout);
  visit("head_dropout", options.head_dropout);
  visit("evaluate_every", options.evaluate_every);
  visit("save_every", options.save_every);
  visit("checkpoint_limit", options.checkpoint_limit);
  visit("patience", options.patience);
  visit("log_every", options.log_every);
  visit("precision", options.precision);
  visit("n_threads", options.n_threads);
}

Json value_json(const std::vector<TrainingFile>& files) {
  Json list = Json::array();
  for (const TrainingFile& file : files) {
    list.push_back(Json{{"path", file.path.string()}, {"weight", file.weight}, {"limit", file.limit}});
  }
  return list;
}
Json value_json(const std::filesystem::path& path) { return path.string(); }
template <typename Value>
Json value_json(const Value& value) {
  if constexpr (std::is_enum_v<Value>) {
    return name_of(value);
  } else {
    return value;
  }
}

Json options_object(const TrainOptions& options) {
  Json object = Json::object();
  visit_options(options, [&](const char* key, const auto& value) { object[key] = value_json(value); });
  return object;
}

/// What is wrong with a value, for behind its key; empty: nothing.
using Fault = std::string;

Fault wrong_kind(const char* expected, const Json& value) {
  return fmt::format("must be {}, but is {}", expected, python_json(value));
}

Fault read_value(const Json& json, bool& value) {
  if (!json.is_boolean()) return wrong_kind("true or false", json);
  value = json.get<bool>();
  return {};
}
Fault read_value(const Json& json, double& value) {
  if (!json.is_number()) return wrong_kind("a number", json);
  value = json.get<double>();
  return {};
}
Fault read_value(const Json& json, std::size_t& value) {
  if (!json.is_number_unsigned()) return wrong_kind("a whole number from 0", json);
  value = json.get<std::size_t>();
  return {};
}
Fault read_value(const Json& json, int& value) {
  if (!json.is_number_unsigned() || json.get<std::uint64_t>() > std::numeric_limits<int>::max()) {
    return wrong_kind("a small whole number from 0", json);
  }
  value = json.get<int>();
  return {};
}
Fault read_value(const Json& json, std::filesystem::path& value) {
  if (!json.is_string()) return wrong_kind("a text", json);
  value = json.get<std::string>();
  return {};
}
template <typename Enum>
  requires std::is_enum_v<Enum>
Fault read_value(const Json& json, Enum& value) {
  if (json.is_string()) {
    if (const auto known = value_of<Enum>(json.get_ref<const std::string&>())) {
      value = *known;
      return {};
    }
  }
  std::string names;
  for (const Name<Enum>& entry : kNames<Enum>)
    names += fmt::format("{}\"{}\"", names.empty() ? "" : " or ", entry.name);
  return wrong_kind(names.c_str(), json);
}

Fault read_value(const Json& json, std::vector<TrainingFile>& files);

/// Reads members of one object; what it was not asked for is unknown.
class Members {
 public:
  explicit Members(const Json& object) : object_(object) {}

  template <typename Value>
  void operator()(const char* key, Value& value) {
    const auto found = object_.find(key);
    if (!fault_.empty() || found == object_.end()) return;
    known_.insert(key);
    if (const Fault fault = read_value(*found, value); !fault.empty()) fault_ = fmt::format("{} {}", key, fault);
  }
  /// After all members were asked for.
  Fault fault() const {
    if (!fault_.empty()) return fault_;
    for (const auto& [key, value] : object_.items()) {
      if (!known_.contains(key)) return fmt::format("{} is no setting of this version", Json(key).dump());
    }
    return {};
  }

 private:
  const Json& object_;
  std::set<std::string, std::less<>> known_;
  Fault fault_;
};

Fault read_value(const Json& json, std::vector<TrainingFile>& files) {
  if (!json.is_array()) return wrong_kind("a list of files", json);
  for (const Json& entry : json) {
    if (!entry.is_object()) return wrong_kind("a list of objects", entry);
    TrainingFile file;
    Members members(entry);
    members("path", file.path);
    members("weight", file.weight);
    members("limit", file.limit);
    if (const Fault fault = members.fault(); !fault.empty()) return fmt::format("has an entry whose {}", fault);
    files.push_back(std::move(file));
  }
  return {};
}

struct Range {
  const char* key;
  double value;
  double low;
  double high;
  bool low_is_out = false;   // the bound itself is out of range
  bool high_is_out = false;  // likewise
  bool contains() const {
    return std::isfinite(value) && (low_is_out ? value > low : value >= low) &&
           (high_is_out ? value < high : value <= high);
  }
};

// Above every sensible value, and far from where sums of counts would overflow.
constexpr double kMaxCount = 1e12;
constexpr double kMaxNumber = 1e30;

std::vector<Range> ranges_of(const TrainOptions& options) {
  const auto count = [](std::size_t n) { return static_cast<double>(n); };
  std::vector<Range> ranges = {
      {"validation_limit", count(options.validation_limit), 0, kMaxCount},
      {"max_length", count(options.windows.max_length), 1, kMaxCount},
      {"overlap", count(options.windows.overlap), 0, kMaxCount},
      {"max_question_length", count(options.windows.max_question_length), 0, kMaxCount},
      {"epochs", options.epochs, 0, 1e9, true},
      {"max_steps", count(options.max_steps), 0, kMaxCount},
      {"batch_size", count(options.batch_size), 1, kMaxCount},
      {"accumulation_steps", count(options.accumulation_steps), 1, kMaxCount},
      {"learning_rate", options.learning_rate, 0, kMaxNumber},
      {"weight_decay", options.weight_decay, 0, kMaxNumber},
      {"beta1", options.beta1, 0, 1, false, true},
      {"beta2", options.beta2, 0, 1, false, true},
      {"eps", options.eps, 0, 1, true},
      {"max_gradient_norm", options.max_gradient_norm, 0, kMaxNumber},
      {"warmup_ratio", options.warmup_ratio, 0, 1},
      {"warmup_steps", count(options.warmup_steps), 0, kMaxCount},
      {"layer_decay", options.layer_decay, 0, 1, true},
      {"frozen_layers", count(options.frozen_layers), 0, 1e4},
      {"label_smoothing", options.label_smoothing, 0, 1, false, true},
      {"hidden_dropout", options.hidden_dropout, -1, kMaxDropout},
      {"attention_dropout", options.attention_dropout, -1, kMaxDropout},
      {"head_dropout", options.head_dropout, -1, kMaxDropout},
      {"evaluate_every", count(options.evaluate_every), 0, kMaxCount},
      {"save_every", count(options.save_every), 0, kMaxCount},
      {"checkpoint_limit", count(options.checkpoint_limit), 0, kMaxCount},
      {"patience", count(options.patience), 0, kMaxCount},
      {"log_every", count(options.log_every), 1, kMaxCount},
      {"n_threads", static_cast<double>(options.n_threads), 0, 4096},
  };
  for (const TrainingFile& file : options.train) {
    ranges.push_back({"the weight of a file of train", file.weight, 0, 1e6, true});
    ranges.push_back({"the limit of a file of train", count(file.limit), 0, kMaxCount});
  }
  return ranges;
}

}  // namespace

const char* schedule_name(ScheduleKind kind) { return name_of(kind); }
std::optional<ScheduleKind> parse_schedule(std::string_view name) { return value_of<ScheduleKind>(name); }
const char* batch_kind_name(BatchKind kind) { return name_of(kind); }
std::optional<BatchKind> parse_batch_kind(std::string_view name) { return value_of<BatchKind>(name); }

std::string options_to_json(const TrainOptions& options) { return python_json(options_object(options)); }

std::vector<std::pair<std::string, std::string>> option_texts(const TrainOptions& options) {
  std::vector<std::pair<std::string, std::string>> texts;
  const Json object = options_object(options);
  for (const auto& [key, value] : object.items()) {
    texts.emplace_back(key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  return texts;
}

Status check_options(const TrainOptions& options) {
  for (const Range& range : ranges_of(options)) {
    if (range.contains()) continue;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} must be {} {} and {} {} (got {})", range.key, range.low_is_out ? "above" : "at least",
                            range.low, range.high_is_out ? "below" : "at most", range.high, range.value));
  }
  return {};
}

Result<TrainOptions> options_from_json(std::string_view json, std::string_view source) {
  SPANQA_ASSIGN(const Json object, parse_json_object(json, source));
  TrainOptions options;
  Members members(object);
  visit_options(options, members);
  if (const Fault fault = members.fault(); !fault.empty()) {
    return fail(ErrorCode::kCorrupt, fmt::format("{}: {}", source, fault));
  }
  if (const Status status = check_options(options); !status) {
    return fail(ErrorCode::kCorrupt, fmt::format("{}: {}", source, status.error().message));
  }
  return options;
}

std::vector<OptionDifference> compare_options(const TrainOptions& a, const TrainOptions& b) {
  const Json object_a = options_object(a);
  const Json object_b = options_object(b);
  std::vector<OptionDifference> differences;
  for (const auto& [key, value] : object_a.items()) {
    std::string text = python_json(value);
    std::string other = python_json(object_b[key]);
    if (text != other) differences.push_back({key, std::move(text), std::move(other)});
  }
  return differences;
}

bool may_change_on_resume(std::string_view key) {
  constexpr std::array<std::string_view, 6> kFree = {"output",     "n_threads",        "log_every",
                                                     "save_every", "checkpoint_limit", "patience"};
  return std::find(kFree.begin(), kFree.end(), key) != kFree.end();
}

}  // namespace spanqa

#include "train/hugging_face_files.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "nn/model_config.h"
#include "train/options_json.h"
#include "train/python_json.h"

namespace spanqa {
namespace {

using Json = nlohmann::json;  // keys sorted, as the Python stack writes these files

// What stands in these files where epochs decide: the Trainer's default of logging_steps, eval_steps and save_steps.
constexpr std::size_t kUnusedSteps = 500;

constexpr double kMaxCount = 9007199254740992.0;  // 2^53: whole numbers that float64 holds exactly

const char* architecture_of(ModelFamily family) {
  switch (family) {
    case ModelFamily::kBert:
      return "BertForQuestionAnswering";
    case ModelFamily::kDistilBert:
      return "DistilBertForQuestionAnswering";
  }
  return "";
}

/// Names of settings in TrainingArguments and run_qa.py, where the value is the same.
struct Rename {
  const char* own;
  const char* theirs;
};
constexpr Rename kRenames[] = {{"model", "model_name_or_path"},
                               {"output", "output_dir"},
                               {"validation", "validation_file"},
                               {"validation_limit", "max_eval_samples"},
                               {"max_length", "max_seq_length"},
                               {"overlap", "doc_stride"},
                               {"squad_v2", "version_2_with_negative"},
                               {"epochs", "num_train_epochs"},
                               {"accumulation_steps", "gradient_accumulation_steps"},
                               {"batch_size", "per_device_train_batch_size"},
                               {"beta1", "adam_beta1"},
                               {"beta2", "adam_beta2"},
                               {"eps", "adam_epsilon"},
                               {"max_gradient_norm", "max_grad_norm"},
                               {"label_smoothing", "label_smoothing_factor"},
                               {"checkpoint_limit", "save_total_limit"},
                               {"log_every", "logging_steps"}};

const char* interval_name(std::size_t steps) { return steps > 0 ? "steps" : "epoch"; }

Json number_of(const MetricValue& value) {
  if (value.is_count && std::abs(value.value) <= kMaxCount) return static_cast<std::int64_t>(value.value);
  return value.value;
}

Json log_json(const LogEntry& entry) {
  Json object = {{"epoch", entry.epoch}, {"step", entry.step}};
  for (const MetricValue& value : entry.values) {
    if (std::isfinite(value.value)) object[value.name] = number_of(value);
  }
  return object;
}

/// The Trainer keeps its own switches among the callbacks' states.
Json callbacks_json(const RunState& run) {
  return {{"TrainerControl",
           {{"args",
             {{"should_epoch_stop", false},
              {"should_evaluate", false},
              {"should_log", false},
              {"should_save", true},
              {"should_training_stop", run.step >= run.n_steps}}},
            {"attributes", Json::object()}}}};
}

Result<LogEntry> read_entry(const nlohmann::ordered_json& json) {
  LogEntry entry;
  if (!json.is_object()) return fail(ErrorCode::kCorrupt, "log_history has an entry that is not an object");
  for (const auto& [key, value] : json.items()) {
    if (!value.is_number()) {
      return fail(ErrorCode::kCorrupt, fmt::format("log_history has {}, which is not a number", Json(key).dump()));
    }
    if (key == "step" && value.is_number_unsigned()) {
      entry.step = value.get<std::size_t>();
    } else if (key == "epoch") {
      entry.epoch = value.get<double>();
    } else {
      entry.values.push_back({key, value.get<double>(), value.is_number_integer()});
    }
  }
  return entry;
}

}  // namespace

Result<std::string> answering_config_json(std::string_view base, DType dtype, std::string_view source) {
  SPANQA_ASSIGN(const ModelConfig config, parse_model_config(base, source));
  SPANQA_ASSIGN(const auto document, parse_json_object(base, source));
  Json object = document;
  object["architectures"] = Json::array({architecture_of(config.family)});
  const char* const type_key = object.contains("dtype") ? "dtype" : "torch_dtype";
  object[type_key] = dtype_name(dtype);
  if (object.contains("torch_dtype")) object["torch_dtype"] = dtype_name(dtype);
  return python_json(object) + "\n";
}

std::string training_args_json(const TrainOptions& options) {
  Json args = Json::parse(options_to_json(options));
  for (const Rename& rename : kRenames) {
    Json value = std::move(args[rename.own]);
    args.erase(rename.own);
    args[rename.theirs] = std::move(value);
  }
  args["train_file"] = args["train"];
  args.erase("train");
  args["lr_scheduler_type"] =
      options.schedule == ScheduleKind::kConstant ? "constant_with_warmup" : schedule_name(options.schedule);
  args.erase("schedule");
  args["bf16"] = options.precision == Precision::kBFloat16;
  args.erase("precision");
  if (options.max_steps == 0) args["max_steps"] = -1;
  if (options.validation_limit == 0) args["max_eval_samples"] = nullptr;
  if (options.checkpoint_limit == 0) args["save_total_limit"] = nullptr;
  args["eval_strategy"] = options.validation.empty() ? "no" : interval_name(options.evaluate_every);
  args["eval_steps"] = options.evaluate_every;
  args.erase("evaluate_every");
  args["save_strategy"] = interval_name(options.save_every);
  args["save_steps"] = options.save_every > 0 ? options.save_every : kUnusedSteps;
  args.erase("save_every");
  args["logging_strategy"] = "steps";
  args["metric_for_best_model"] = "f1";
  args["greater_is_better"] = true;
  args["optim"] = "adamw_torch";
  return python_json(args) + "\n";
}

std::string trainer_state_json(const RunState& run, const TrainOptions& options) {
  Json state;
  state["best_global_step"] = run.best_f1 ? Json(run.best_step) : Json(nullptr);
  state["best_metric"] = run.best_f1 ? Json(*run.best_f1) : Json(nullptr);
  state["best_model_checkpoint"] = nullptr;
  if (run.best_f1) {
    state["best_model_checkpoint"] = (options.output / fmt::format("checkpoint-{}", run.best_step)).string();
  }
  state["epoch"] = run.epoch;
  state["eval_steps"] = options.evaluate_every > 0 ? options.evaluate_every : kUnusedSteps;
  state["global_step"] = run.step;
  state["is_hyper_param_search"] = false;
  state["is_local_process_zero"] = true;
  state["is_world_process_zero"] = true;
  state["log_history"] = Json::array();
  for (const LogEntry& entry : run.log) state["log_history"].push_back(log_json(entry));
  state["logging_steps"] = options.log_every;
  state["max_steps"] = run.n_steps;
  state["num_input_tokens_seen"] = run.n_tokens;
  state["num_train_epochs"] = static_cast<std::uint64_t>(std::ceil(options.epochs));
  state["save_steps"] = options.save_every > 0 ? options.save_every : kUnusedSteps;
  state["stateful_callbacks"] = callbacks_json(run);
  state["total_flos"] = run.total_flops;
  state["train_batch_size"] = options.batch_size;
  state["trial_name"] = nullptr;
  state["trial_params"] = nullptr;
  return python_json(state) + "\n";
}

Result<std::vector<LogEntry>> parse_log_history(std::string_view json, std::string_view source) {
  SPANQA_ASSIGN(const auto document, parse_json_object(json, source));
  const auto list = document.find("log_history");
  if (list == document.end() || !list->is_array()) {
    return fail(ErrorCode::kCorrupt, fmt::format("{}: holds no log_history", source));
  }
  std::vector<LogEntry> log;
  for (const auto& item : *list) {
    auto entry = read_entry(item);
    if (!entry) return fail(entry.error().code, fmt::format("{}: {}", source, entry.error().message));
    log.push_back(*std::move(entry));
  }
  return log;
}

}  // namespace spanqa

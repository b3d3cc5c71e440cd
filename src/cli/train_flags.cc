#include "cli/train_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "cli/config_file.h"
#include "cli/whole_number.h"
#include "train/options_json.h"

namespace spanqa::cli {
namespace {

constexpr const char* kFromConfig = "as config.json says";

/// A switch with its opposite, so that the command line can overrule a recipe either way.
CLI::Option* add_switch(CLI::App& command, const std::string& name, bool& value, const std::string& description) {
  return command.add_flag("--" + name + ",!--no-" + name, value, description);
}

template <typename Value>
CLI::Option* add_number(CLI::App& command, const std::string& names, Value& value, const std::string& description,
                        std::uint64_t most = kMostCount) {
  CLI::Option* option = command.add_option(names, value, description)->capture_default_str();
  if constexpr (std::is_unsigned_v<Value>) option->check(whole_number(0, most));
  return option;
}

}  // namespace

void TrainFlags::add_data_to(CLI::App& command) {
  constexpr const char* kGroup = "Data";
  const auto group = [&](CLI::Option* option) { return option->group(kGroup); };
  group(command.add_option("-m,--model", model,
                           "Folder of the encoder to begin with, with an answer head or without (config.json, "
                           "model.safetensors, tokenizer)"));
  group(command.add_option("-o,--output", output,
                           "Folder of the run: checkpoints, logs, report, and in model/ the best model"));
  group(command.add_option("--train", train, "Training files: SQuAD v1.1 or v2.0, flat JSON, JSONL or CSV; repeatable")
            ->type_name("FILE"));
  group(command
            .add_option("--train-limit", train_limits,
                        "Questions taken from the beginning of the first, second, ... --train; 0: all")
            ->check(whole_number()));
  group(command.add_option("--train-weight", train_weights,
                           "Weight in the loss of the windows of the first, second, ... --train; default: 1"));
  group(
      command
          .add_option("--validation", validation, "File that the model is scored on; without it the last model is kept")
          ->type_name("FILE"));
  group(add_number(command, "--validation-limit", options.validation_limit, "Questions taken from it; 0: all"));
  group(add_number(command, "--max-length,--max-seq-len", options.windows.max_length,
                   "Tokens of a window, question and special tokens included"));
  group(command
            .add_option("--overlap,--doc-stride", overlap,
                        "Tokens that windows share; default: 128, or half a shorter window")
            ->check(whole_number(0, kMostTokens)));
  group(command
            .add_option("--long-question", long_question,
                        "What becomes of a question that leaves no room for context: "
                        "error skips it, truncate keeps its beginning")
            ->check(CLI::IsMember({"error", "truncate"}))
            ->capture_default_str());
  group(add_number(command, "--max-question-length", options.windows.max_question_length,
                   "Tokens of a question that truncate keeps"));
  group(add_switch(command, "squad-v2", options.squad_v2,
                   "Learn from questions without an answer too, and score by the rules of v2.0"));
  group(add_switch(command, "last-token-bug", options.last_token_bug,
                   "Label an answer at a window's last token as run_qa.py does, one place too far"));
}

void TrainFlags::add_length_to(CLI::App& command) {
  constexpr const char* kGroup = "Length and order";
  const auto group = [&](CLI::Option* option) { return option->group(kGroup); };
  group(add_number(command, "--epochs", options.epochs, "Times that all windows are seen; may be a fraction"));
  group(
      add_number(command, "--max-steps", options.max_steps, "Steps of the run, whatever --epochs says; 0: by epochs"));
  group(command.add_option("--batch-kind", batch_kind, "What --batch-size counts")
            ->check(CLI::IsMember({"windows", "tokens"}))
            ->capture_default_str());
  group(add_number(command, "--batch-size", options.batch_size, "Windows (or tokens) of a batch"));
  group(add_number(command, "--accumulation-steps", options.accumulation_steps, "Batches of one step"));
  group(add_switch(command, "group-by-length", options.group_by_length,
                   "Batches of windows of nearly equal length, in random order [default: off]"));
  group(add_number(command, "--seed", options.seed, "Of the order, dropout and a new answer head", kMostSeed));
}

void TrainFlags::add_optimizer_to(CLI::App& command) {
  constexpr const char* kGroup = "Optimiser (AdamW)";
  const auto group = [&](CLI::Option* option) { return option->group(kGroup); };
  group(add_number(command, "--learning-rate", options.learning_rate, "Highest learning rate of the schedule"));
  group(add_number(command, "--weight-decay", options.weight_decay, "Of all weights but biases and LayerNorm"));
  group(add_number(command, "--beta1", options.beta1, "Decay of the mean of gradients"));
  group(add_number(command, "--beta2", options.beta2, "Decay of the mean of their squares"));
  group(add_number(command, "--eps", options.eps, "Added to the root of that mean"));
  group(add_number(command, "--max-gradient-norm", options.max_gradient_norm,
                   "Longer gradients are cut to this norm; 0: none is"));
  group(command.add_option("--schedule", schedule, "How the learning rate falls after the warm-up")
            ->check(CLI::IsMember({"linear", "cosine", "constant"}))
            ->capture_default_str());
  group(add_number(command, "--warmup-ratio", options.warmup_ratio, "Share of the steps in which it rises from 0"));
  group(
      add_number(command, "--warmup-steps", options.warmup_steps, "The same in steps; above 0 it overrules the ratio"));
  group(add_number(command, "--layer-decay", options.layer_decay,
                   "Factor of the learning rate from each layer to the one below it"));
}

void TrainFlags::add_regularization_to(CLI::App& command) {
  constexpr const char* kGroup = "Regularisation";
  const auto group = [&](CLI::Option* option) { return option->group(kGroup); };
  const auto dropout = [&](const char* name, double& value, const char* description) {
    group(command.add_option(name, value, description)->default_str(kFromConfig));
  };
  dropout("--hidden-dropout", options.hidden_dropout, "Share of numbers dropped between layers, 0 to 0.9");
  dropout("--attention-dropout", options.attention_dropout, "Share of attention weights dropped, 0 to 0.9");
  dropout("--head-dropout", options.head_dropout, "Share dropped before the answer head, 0 to 0.9");
  group(add_number(command, "--label-smoothing", options.label_smoothing,
                   "Share of the target that is spread over all tokens"));
  group(add_number(command, "--frozen-layers", options.frozen_layers,
                   "Embeddings and so many layers, from below, stay as they are; 0: none"));
}

void TrainFlags::add_output_to(CLI::App& command) {
  constexpr const char* kGroup = "Evaluation and checkpoints";
  const auto group = [&](CLI::Option* option) { return option->group(kGroup); };
  group(add_number(command, "--evaluate-every", options.evaluate_every, "Steps between scores; 0: each epoch"));
  group(add_number(command, "--save-every", options.save_every, "Steps between checkpoints; 0: each epoch"));
  group(add_number(command, "--checkpoint-limit", options.checkpoint_limit,
                   "Newest checkpoints kept, beside the best one; 0: all"));
  group(add_number(command, "--patience", options.patience,
                   "Scores in a row without a better F1 that end the run; 0: never"));
  group(add_number(command, "--log-every", options.log_every, "Steps between lines of the log"));
}

void TrainFlags::add_machine_to(CLI::App& command) {
  constexpr const char* kGroup = "Machine";
  command
      .add_option("--precision", precision, "Of the products; auto: bfloat16 where the processor multiplies it faster")
      ->check(CLI::IsMember({"auto", "float32", "bfloat16"}))
      ->capture_default_str()
      ->group(kGroup);
  command.add_option("--threads,--n-threads", options.n_threads, "Threads; default: all cores this process may use")
      ->check(whole_number(0, 1024))
      ->group(kGroup);
}

void TrainFlags::add_to(CLI::App& command) {
  command.add_option("--config", config, "Recipe: a TOML file whose keys are the flags below; a flag overrules it")
      ->type_name("FILE")
      ->configurable(false);
  command.add_flag("--resume", resume, "Continue the run in --output from its last checkpoint")->configurable(false);
  command.add_flag("--dry-run", dry_run, "Print settings, windows and steps; train nothing")->configurable(false);
  command.add_flag("--json", json, "Print the result as JSON; all else goes to standard error")->configurable(false);
  add_data_to(command);
  add_length_to(command);
  add_optimizer_to(command);
  add_regularization_to(command);
  add_output_to(command);
  add_machine_to(command);
}

Result<std::vector<TrainingFile>> TrainFlags::training_files() const {
  if (train_limits.size() > train.size() || train_weights.size() > train.size()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} --train-limit and {} --train-weight for {} --train: each belongs to the --train at its "
                            "place",
                            train_limits.size(), train_weights.size(), train.size()));
  }
  std::vector<TrainingFile> files(train.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    files[i].path = train[i];
    if (i < train_limits.size()) files[i].limit = train_limits[i];
    if (i < train_weights.size()) files[i].weight = train_weights[i];
  }
  return files;
}

Result<TrainOptions> TrainFlags::resolve(CLI::App& command) {
  if (!config.empty()) SPANQA_TRY(apply_config_file(command, config));
  for (const auto& [name, is_missing] : {std::pair("--model FOLDER", model.empty()),
                                         {"--train FILE", train.empty()},
                                         {"--output FOLDER", output.empty()}}) {
    if (is_missing) return fail(ErrorCode::kInvalidArgument, fmt::format("train needs {}", name));
  }
  TrainOptions made = options;
  made.model = model;
  made.output = output;
  made.validation = validation;
  SPANQA_ASSIGN(made.train, training_files());
  made.windows.overlap = overlap.value_or(std::min<std::size_t>(128, made.windows.max_length / 2));
  made.windows.long_question = long_question == "truncate" ? LongQuestion::kTruncate : LongQuestion::kError;
  made.batch_kind = parse_batch_kind(batch_kind).value_or(BatchKind::kWindows);
  made.schedule = parse_schedule(schedule).value_or(ScheduleKind::kLinear);
  made.precision =
      parse_precision(precision).value_or(has_fast_bfloat16() ? Precision::kBFloat16 : Precision::kFloat32);
  SPANQA_TRY(check_options(made));
  return made;
}

std::vector<std::pair<std::string, std::string>> printed_options(const TrainOptions& options) {
  std::vector<std::pair<std::string, std::string>> lines;
  const auto object = nlohmann::ordered_json::parse(options_to_json(options));
  for (const auto& [name, value] : object.items()) {
    std::string key = name == "n_threads" ? "threads" : name;
    std::replace(key.begin(), key.end(), '_', '-');
    if (value.is_array()) {
      for (const TrainingFile& file : options.train) {
        std::string text = file.path.string();
        if (file.limit > 0) text += fmt::format(", first {}", file.limit);
        if (file.weight != 1.0) text += fmt::format(", weight {}", file.weight);
        lines.emplace_back(key, std::move(text));
      }
    } else if (key.ends_with("-dropout") && value.get<double>() < 0) {
      lines.emplace_back(key, kFromConfig);
    } else if (key == "validation" && options.validation.empty()) {
      lines.emplace_back(key, "none");
    } else if (key == "threads" && options.n_threads == 0) {
      lines.emplace_back(key, "all cores");
    } else {
      lines.emplace_back(key, value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
  return lines;
}

}  // namespace spanqa::cli

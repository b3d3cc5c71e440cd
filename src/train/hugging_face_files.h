// What stands beside the weights for people and programs of the Hugging Face world: config.json, training_args.json,
// trainer_state.json.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "nn/dtype.h"
#include "train/options.h"
#include "train/run_state.h"

namespace spanqa {

/// The text of a config.json made that of an answering model stored as `dtype`: `architectures` and `dtype` (or its
/// older name, `torch_dtype`) are set, all else stays; keys sorted. `source` stands in front of the message of an
/// error: those of parse_model_config.
Result<std::string> answering_config_json(std::string_view base, DType dtype, std::string_view source);

/// Every setting, under its name in transformers' TrainingArguments or in run_qa.py where it has one, else under its
/// own; keys sorted.
std::string training_args_json(const TrainOptions& options);

/// The Trainer's own shape; keys sorted. Values of the log that are not finite are left out, for JSON has no word for
/// them.
std::string trainer_state_json(const RunState& run, const TrainOptions& options);

/// The log_history of such a text; kCorrupt with `source` in front when there is none.
Result<std::vector<LogEntry>> parse_log_history(std::string_view json, std::string_view source);

}  // namespace spanqa

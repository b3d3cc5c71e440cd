// The settings of a run as JSON: what run.json, the report and checkpoints hold. Keys are the names of TrainOptions'
// members; those of `windows` stand among the others.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "train/options.h"

namespace spanqa {

/// "linear", "cosine", "constant".
const char* schedule_name(ScheduleKind kind);
std::optional<ScheduleKind> parse_schedule(std::string_view name);
/// "windows", "tokens".
const char* batch_kind_name(BatchKind kind);
std::optional<BatchKind> parse_batch_kind(std::string_view name);

/// Every setting, in the order of TrainOptions, as an indented object without a newline at the end.
std::string options_to_json(const TrainOptions& options);

/// Every setting with its value as text, a string without quotes.
std::vector<std::pair<std::string, std::string>> option_texts(const TrainOptions& options);

/// The reverse of options_to_json; absent keys have their defaults. kCorrupt, naming the key behind `source`, for a key
/// that is not known and for a value of the wrong kind or out of its range.
Result<TrainOptions> options_from_json(std::string_view json, std::string_view source);

/// Whether every number is in its range: kInvalidArgument, naming key and range. Says nothing about files.
Status check_options(const TrainOptions& options);

/// A setting of which two runs have different values, as JSON.
struct OptionDifference {
  std::string key;
  std::string a;
  std::string b;
};
/// In the order of TrainOptions.
std::vector<OptionDifference> compare_options(const TrainOptions& a, const TrainOptions& b);

/// Whether a resumed run may have another value than the one it continues: it changes neither weights nor scores
/// (output, n_threads, how often something is logged or saved, how many checkpoints are kept, patience).
bool may_change_on_resume(std::string_view key);

}  // namespace spanqa

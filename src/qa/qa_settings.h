// What was fitted for a model on a development set: `qa_settings.json` beside its weights.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace spanqa {

/// The file's name in a model folder.
inline constexpr std::string_view kQaSettingsFile = "qa_settings.json";

struct QaSettings {
  double temperature = 1.0;  // of the global decoder's scores; finite, above 0
  // Of the global decoder, 0 to 1. One half: the model holds the span and "no answer" for equally likely.
  double no_answer_threshold = 0.5;
  double null_score_diff_threshold = 0.0;  // of the run_qa decoder; any finite number
  std::string fitted_on = {};              // free text: data set, date, command
  /// Keys this version does not know, for a person to read; they are kept out of what is written.
  std::vector<std::string> notes = {};
};

/// Reads the file in `model_folder`; without one the defaults. kCorrupt, naming the key, for a value of the wrong kind
/// or out of its range.
Result<QaSettings> read_qa_settings(const std::filesystem::path& model_folder);
/// `source` names the text in messages.
Result<QaSettings> parse_qa_settings(std::string_view json, std::string_view source);

/// Writes the file, replacing an old one as a whole. kInvalidArgument for values that could not be read back.
Status write_qa_settings(const std::filesystem::path& model_folder, const QaSettings& settings);

}  // namespace spanqa

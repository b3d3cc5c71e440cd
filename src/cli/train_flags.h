// The settings of a training run as flags, and as keys of a recipe file.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "train/options.h"

namespace spanqa::cli {

/// Values of the flags as given; resolve() makes options of them. Flags have the names of TrainOptions' members, with
/// dashes.
struct TrainFlags {
  TrainOptions options;  // members that are flags as they are
  std::string config;
  std::string model;
  std::string output;
  std::vector<std::string> train;
  std::vector<std::size_t> train_limits;
  std::vector<double> train_weights;
  std::string validation;
  std::optional<std::size_t> overlap;
  std::string long_question = "error";
  std::string batch_kind = "windows";
  std::string schedule = "linear";
  std::string precision = "auto";
  bool resume = false;
  bool dry_run = false;
  bool json = false;

  // The options keep a pointer to this object: it must stay where it is until the command line is parsed.

  void add_to(CLI::App& command);

  /// Reads the file that --config names, if any, and then what was given. Fails with kInvalidArgument when a value is
  /// missing, out of range or does not fit another one. Looks at no file but the recipe.
  Result<TrainOptions> resolve(CLI::App& command);

 private:
  void add_data_to(CLI::App& command);
  void add_length_to(CLI::App& command);
  void add_optimizer_to(CLI::App& command);
  void add_regularization_to(CLI::App& command);
  void add_output_to(CLI::App& command);
  void add_machine_to(CLI::App& command);
  Result<std::vector<TrainingFile>> training_files() const;
};

/// Each setting with its key as flags have it, for people: "learning-rate", "2e-05".
std::vector<std::pair<std::string, std::string>> printed_options(const TrainOptions& options);

}  // namespace spanqa::cli

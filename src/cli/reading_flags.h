// Flags that every subcommand which reads with a model has in common.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "qa/reader.h"

namespace spanqa::cli {

/// Values of the flags as given; resolve() makes options of them.
struct ReadingFlags {
  std::string model;
  int threads = 0;
  std::string precision = "float32";
  std::string decoder;  // empty: --compat speaks of the pipeline, else the subcommand's default
  std::string default_decoder;
  std::string compat = "none";
  int top_k = 1;
  std::optional<int> max_answer_tokens;
  std::size_t max_length = 384;
  std::optional<std::size_t> overlap;
  bool no_answer = false;
  bool no_align = false;
  std::optional<double> threshold;
  std::optional<double> temperature;
  int n_best = 20;
  bool truncate_question = false;
  std::size_t max_question_length = 64;
  bool match_special_tokens = false;
  std::optional<bool> lowercase;
  bool prints_notes = true;  // open_reader() says what a person should know of the model

  // The options keep a pointer to this object, and it to them: it stays where it is until the command line is parsed,
  // and the command lives as long as it is asked.

  /// `default_name`: the subcommand's decoder where no flag names one, "pipeline", "run_qa" or "global".
  void add_to(CLI::App& command, const std::string& default_name);
  /// Only --model, --threads, --precision and the tokenizer's flags.
  void add_model_to(CLI::App& command);
  /// Only --model and the tokenizer's flags.
  void add_tokenizer_to(CLI::App& command);

  /// Opens the model named by --model, else the default one. Prints its notes, and that --max-length is more than it
  /// reads, on standard error.
  Result<std::shared_ptr<const Reader>> open_reader() const;
  /// The folder that open_reader() reads; kNotFound, with what to do, where there is none.
  Result<std::filesystem::path> model_folder() const;
  TokenizerOverrides tokenizer_overrides() const;
  Precision chosen_precision() const;
  /// `reader` gives the fitted temperature and thresholds where no flag does. kInvalidArgument for a value out of range
  /// and for a flag that only another decoder than the chosen one knows.
  Result<AskOptions> resolve(const Reader& reader) const;
  WindowOptions windows() const;

 private:
  /// An option that not every decoder knows.
  struct DecoderFlag {
    const CLI::Option* option;
    std::vector<std::string> decoders;
  };
  CLI::Option* only_for(std::vector<std::string> decoders, CLI::Option* option);
  Status check_decoder_flags(const std::string& chosen) const;
  void print_notes(const Reader& reader) const;

  std::vector<DecoderFlag> decoder_flags_;
  const CLI::Option* max_length_option_ = nullptr;
};

}  // namespace spanqa::cli

// Data sets on the command line: which file, which format, and a pass over it that shows how far it is.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "data/example_reader.h"

namespace spanqa::cli {

/// An input of examples as the flags name it.
struct ExampleInput {
  std::string path;
  std::string format = "auto";

  /// `path` as a positional option named INPUT and --format.
  void add_to(CLI::App& command, const std::string& description);
  /// "-" is JSONL on standard input.
  Result<std::unique_ptr<ExampleReader>> open() const;
  std::string name() const { return path == "-" ? "standard input" : path; }
};

/// Hands every example to `take`, with a progress bar, until the end, an error or Ctrl-C.
Status for_each_example(ExampleReader& examples, const std::string& label, const std::function<Status(Example&)>& take);

}  // namespace spanqa::cli

// Examples on their way out: a file that is complete or absent, or standard output.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/output.h"
#include "data/example_reader.h"
#include "data/example_writer.h"

namespace spanqa::cli {

/// An output of examples as the flags name it.
struct ExampleOutput {
  std::string path = "-";
  std::string format;
  std::string version;

  /// -o/--output, --to and --squad-version.
  void add_to(CLI::App& command);
};

/// kInvalidArgument when both outputs name the same file, or both standard output, so that one would be written over
/// the other; and when one of them is an input (check_not_input). `other` may be empty: there is none.
Status check_outputs(const std::string& path, const std::string& other, const std::vector<std::string>& inputs);

/// Writes examples to where the flags say. The file is opened with the first example, when the version of the input is
/// known: a nested file keeps it unless another one is asked for.
class ExampleSink {
 public:
  /// Both must outlive the object.
  ExampleSink(const ExampleOutput& output, const ExampleReader& input) : output_(&output), input_(&input) {}
  ExampleSink(const ExampleSink&) = delete;  // the writer looks at this very object
  ExampleSink& operator=(const ExampleSink&) = delete;

  Status write(const Example& example);
  /// An input without examples makes a file without examples.
  Status finish();

 private:
  Status open();

  const ExampleOutput* output_;
  const ExampleReader* input_;
  std::optional<Output> standard_output_;
  std::optional<ExampleWriter> writer_;
};

}  // namespace spanqa::cli

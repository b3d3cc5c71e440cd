// Where results go: a file that is complete or absent, or standard output.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace spanqa::cli {

/// Order of calls: open, any number of write and flush, finish once. A file that is not finished does not appear.
class Output {
 public:
  /// "-" or "" is standard output.
  static Result<Output> open(const std::string& path);

  Status write(std::string_view bytes);
  /// Shows what was written so far to whoever reads standard output, a device or a pipe.
  Status flush();
  Status finish();

 private:
  explicit Output(std::optional<AtomicFile> file) : file_(std::move(file)) {}
  std::optional<AtomicFile> file_;
};

/// Output in one call.
Status write_output(const std::string& path, std::string_view bytes);

/// kInvalidArgument when `output` is one of the files that are read ("-": what is piped into standard input), by
/// whatever name or link: it would be written over. Devices are no such files.
Status check_not_input(const std::string& output, const std::vector<std::string>& inputs);

/// All of standard input, or of the file `path` when it is neither empty nor "-".
Result<std::string> read_input(const std::string& path);

}  // namespace spanqa::cli

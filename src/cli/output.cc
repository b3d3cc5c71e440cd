#include "cli/output.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <system_error>
#include <utility>

namespace spanqa::cli {
namespace {

auto write_error() {
  if (errno == EPIPE) return fail(ErrorCode::kIo, "");  // whoever read our output has seen enough
  return fail(ErrorCode::kIo, "standard output: cannot write: " + std::generic_category().message(errno));
}

}  // namespace

Result<Output> Output::open(const std::string& path) {
  if (path.empty() || path == "-") return Output(std::nullopt);
  SPANQA_ASSIGN(AtomicFile file, AtomicFile::create(path));
  return Output(std::move(file));
}

Status Output::write(std::string_view bytes) {
  if (file_) return file_->write(bytes);
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size()) return write_error();
  return {};
}

Status Output::flush() {
  if (file_) return file_->flush();
  if (std::fflush(stdout) != 0) return write_error();
  return {};
}

Status Output::finish() { return file_ ? file_->commit() : flush(); }

Status write_output(const std::string& path, std::string_view bytes) {
  SPANQA_ASSIGN(Output output, Output::open(path));
  SPANQA_TRY(output.write(bytes));
  return output.finish();
}

Status check_not_input(const std::string& output, const std::vector<std::string>& inputs) {
  std::error_code ignored;
  if (output == "-" || !std::filesystem::is_regular_file(output, ignored)) return {};
  for (const std::string& input : inputs) {
    if (!std::filesystem::equivalent(output, input == "-" ? "/dev/stdin" : input, ignored)) continue;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: is read, and would be written over; name another file for the output", output));
  }
  return {};
}

Result<std::string> read_input(const std::string& path) {
  if (!path.empty() && path != "-") return read_file(path);
  std::string text{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  if (std::cin.bad()) return fail(ErrorCode::kIo, "standard input: cannot read");
  return text;
}

}  // namespace spanqa::cli

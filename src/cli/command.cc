#include "cli/command.h"

#include <fmt/format.h>

namespace spanqa::cli {

int report(const Error& error, ExitCode otherwise) {
  if (!error.message.empty()) fmt::print(stderr, "spanqa: {}\n", error.message);
  if (error.code == ErrorCode::kCancelled) return kInterrupted;
  if (error.code == ErrorCode::kModelFault) return kModelError;
  return error.code == ErrorCode::kInvalidArgument ? kUsage : otherwise;
}

int report_data(const Error& error) {
  const int code = report(error, kDataError);
  return code == kUsage ? kDataError : code;
}

}  // namespace spanqa::cli

// Faults of the world are values: a Result<T> holds a T or an Error that says what, where and what to do.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace spanqa {

enum class ErrorCode : std::uint8_t {
  kInvalidArgument,  // the caller asked for something that cannot be (options, flags, empty question)
  kNotFound,         // a file or folder is not there
  kIo,               // reading or writing failed (permission, disk full, file shrank)
  kCorrupt,          // bytes from outside are not what their format promises
  kUnsupported,      // well-formed, but not something spanqa can do (model family, activation)
  kMismatch,         // two parts that must fit do not (vocabulary and embedding sizes, ids and predictions)
  kCancelled,        // the caller or the user asked to stop
  kModelFault,       // a model that opened, and then answered with what is no number
};

/// What went wrong, for programs (`code`) and for people (`message`: what, where and what to do, no final full stop).
struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::kInvalidArgument;
  std::string message;
};

/// A T or an Error. Use `if (!result) return tl::unexpected(result.error());` or the macros below.
template <typename T>
using Result = tl::expected<T, Error>;

/// Success without a value, or an Error.
using Status = Result<void>;

/// `return fail(ErrorCode::kIo, "…")` in any function that returns a Result.
inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

/// The short name of a code, as JSON errors and logs show it: "not_found".
const char* error_code_name(ErrorCode code);

}  // namespace spanqa

/// Returns the error of `expression` (a Result or Status) from the enclosing function, if it has one.
#define SPANQA_TRY(expression)                                                    \
  do {                                                                            \
    if (auto spanqa_status = (expression); !spanqa_status)                        \
      return ::tl::unexpected<::spanqa::Error>(std::move(spanqa_status).error()); \
  } while (false)

#define SPANQA_CONCAT_INNER(a, b) a##b
#define SPANQA_CONCAT(a, b) SPANQA_CONCAT_INNER(a, b)
/// SPANQA_ASSIGN(auto file, MappedFile::open(path)): declares `file`, or returns the error.
#define SPANQA_ASSIGN(declaration, expression)                                                            \
  auto SPANQA_CONCAT(spanqa_result_, __LINE__) = (expression);                                            \
  if (!SPANQA_CONCAT(spanqa_result_, __LINE__))                                                           \
    return ::tl::unexpected<::spanqa::Error>(std::move(SPANQA_CONCAT(spanqa_result_, __LINE__)).error()); \
  declaration = std::move(*SPANQA_CONCAT(spanqa_result_, __LINE__))

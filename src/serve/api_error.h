// Every error that a client can see: one table of kinds, and their JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "serve/http_message.h"

namespace spanqa::serve {

enum class ErrorKind : std::uint8_t {
  kInvalidJson,
  kInvalidRequest,
  kNoIndex,
  kMissingFields,  // /predict's own: its body has no code
  kUnauthorized,
  kNotFound,
  kModelNotFound,
  kMethodNotAllowed,
  kNotAcceptable,
  kRequestTimeout,
  kMisplacedAnswer,
  kBodyTooLarge,
  kContextTooLong,
  kQuestionTooLong,
  kUnsupportedMediaType,
  kExpectationFailed,
  kInvalidField,
  kQueueFull,
  kHeadersTooLarge,
  kInternal,
  kNotReady,
  kShuttingDown,
  kDeadlineExceeded,
};

struct ErrorRow {
  ErrorKind kind;
  int status;
  std::string_view code;
  std::string_view meaning;  // one sentence, for openapi.json and for errors without a message of their own
  bool closes;               // the connection cannot be used afterwards
};

/// In the order of ErrorKind.
std::span<const ErrorRow> error_table();
const ErrorRow& error_row(ErrorKind kind);

/// What is wrong with a request. No path of this machine and no long text of the user stands in it.
struct ApiError {
  ErrorKind kind = ErrorKind::kInternal;
  std::string message = {};                     // empty: the row's meaning
  std::string field = {};                       // "parameters.top_k"; empty where no field is at fault
  std::optional<std::uint64_t> limit = {};      // of what was too large
  std::optional<int> retry_after_seconds = {};  // kQueueFull, kNotReady
  std::string allow = {};                       // kMethodNotAllowed: "GET, HEAD"
};

/// A T or what the client is told.
template <typename T>
using Parsed = tl::expected<T, ApiError>;

inline tl::unexpected<ApiError> refuse(ErrorKind kind, std::string message = {}, std::string field = {}) {
  return tl::unexpected<ApiError>(ApiError{.kind = kind, .message = std::move(message), .field = std::move(field)});
}

/// {"error": message, "code": code}, with "field" and "limit" where there are any. `/predict` refuses missing fields
/// with {"error": message} alone, as the service it stands in for does.
std::string error_json(const ApiError& error);

/// Status, JSON, and the headers that the status asks for (Allow, Retry-After, WWW-Authenticate, Accept-Encoding).
HttpResponse error_response(const ApiError& error);

}  // namespace spanqa::serve

/// SPANQA_PARSE(auto value, expression): as SPANQA_ASSIGN, for a Parsed.
#define SPANQA_PARSE(declaration, expression)                                                                       \
  auto SPANQA_CONCAT(spanqa_parsed_, __LINE__) = (expression);                                                      \
  if (!SPANQA_CONCAT(spanqa_parsed_, __LINE__))                                                                     \
    return ::tl::unexpected<::spanqa::serve::ApiError>(std::move(SPANQA_CONCAT(spanqa_parsed_, __LINE__)).error()); \
  declaration = std::move(*SPANQA_CONCAT(spanqa_parsed_, __LINE__))

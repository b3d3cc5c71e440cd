#include "serve/api_error.h"

#include <array>
#include <nlohmann/json.hpp>

#include "base/check.h"

namespace spanqa::serve {
namespace {

using Json = nlohmann::ordered_json;
using enum ErrorKind;

constexpr bool kCloses = true;
constexpr bool kStays = false;

constexpr std::array kTable = {
    ErrorRow{kInvalidJson, 400, "invalid_json", "The body is not a JSON object in UTF-8.", kStays},
    ErrorRow{kInvalidRequest, 400, "invalid_request", "The request is not well-formed HTTP.", kCloses},
    ErrorRow{kNoIndex, 400, "no_index", "no index loaded", kStays},
    ErrorRow{kMissingFields, 400, "missing_fields", "Please provide both question and context", kStays},
    ErrorRow{kUnauthorized, 401, "unauthorized", "An API key is needed: Authorization: Bearer KEY.", kStays},
    ErrorRow{kNotFound, 404, "not_found", "There is nothing at this path.", kStays},
    ErrorRow{kModelNotFound, 404, "model_not_found", "No model of this name is loaded.", kStays},
    ErrorRow{kMethodNotAllowed, 405, "method_not_allowed", "The path does not answer this method; see Allow.", kStays},
    ErrorRow{kNotAcceptable, 406, "not_acceptable", "The answer comes in none of the types that Accept names.", kStays},
    ErrorRow{kRequestTimeout, 408, "request_timeout", "The request did not arrive in time.", kCloses},
    ErrorRow{kMisplacedAnswer, 409, "misplaced_answer", "The answer does not stand at its place in the context.",
             kStays},
    ErrorRow{kBodyTooLarge, 413, "body_too_large", "The body is larger than the server takes.", kCloses},
    ErrorRow{kContextTooLong, 413, "context_too_long", "The contexts are longer than the server takes.", kStays},
    ErrorRow{kQuestionTooLong, 413, "question_too_long", "A question is longer than the server takes.", kStays},
    ErrorRow{kUnsupportedMediaType, 415, "unsupported_media_type",
             "The body must be application/json in UTF-8, plain or by gzip.", kCloses},
    ErrorRow{kExpectationFailed, 417, "expectation_failed", "The only expectation met is 100-continue.", kCloses},
    ErrorRow{kInvalidField, 422, "invalid_field", "A field is missing, of the wrong type or out of its range.", kStays},
    ErrorRow{kQueueFull, 429, "queue_full", "There is more work than can be done in time; see Retry-After.", kStays},
    ErrorRow{kHeadersTooLarge, 431, "headers_too_large", "The header is larger than the server takes.", kCloses},
    ErrorRow{kInternal, 500, "internal", "The server failed; its log says why.", kStays},
    ErrorRow{kNotReady, 503, "not_ready", "The models are being loaded.", kStays},
    ErrorRow{kShuttingDown, 503, "shutting_down", "The server is shutting down.", kCloses},
    ErrorRow{kDeadlineExceeded, 504, "deadline_exceeded", "The answer was not ready in time.", kStays},
};

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (static_cast<std::size_t>(kTable[i].kind) != i) return false;
  }
  return true;
}
static_assert(is_in_order() && static_cast<std::size_t>(kDeadlineExceeded) + 1 == kTable.size());

std::string message_of(const ApiError& error) {
  return error.message.empty() ? std::string(error_row(error.kind).meaning) : error.message;
}

}  // namespace

std::span<const ErrorRow> error_table() { return kTable; }

const ErrorRow& error_row(ErrorKind kind) {
  const auto i = static_cast<std::size_t>(kind);
  SPANQA_CHECK(i < kTable.size());
  return kTable[i];
}

std::string error_json(const ApiError& error) {
  Json json;
  json["error"] = message_of(error);
  if (error.kind != kMissingFields) json["code"] = error_row(error.kind).code;
  if (!error.field.empty()) json["field"] = error.field;
  if (error.limit) json["limit"] = *error.limit;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

HttpResponse error_response(const ApiError& error) {
  const ErrorRow& row = error_row(error.kind);
  HttpResponse response = json_response(row.status, error_json(error));
  response.close = row.closes;
  if (!error.allow.empty()) response.set("Allow", error.allow);
  if (error.retry_after_seconds) response.set("Retry-After", std::to_string(*error.retry_after_seconds));
  if (error.kind == kUnauthorized) response.set("WWW-Authenticate", "Bearer");
  if (error.kind == kUnsupportedMediaType) response.set("Accept-Encoding", "gzip");
  return response;
}

}  // namespace spanqa::serve

// Server-sent events as bytes.
#pragma once

#include <string>
#include <string_view>

#include "serve/api_error.h"
#include "serve/engine.h"
#include "serve/request_body.h"

namespace spanqa::serve {

/// One event: its name and one line of JSON.
std::string event_bytes(std::string_view name, std::string_view json);

/// A comment that keeps proxies and clients from giving up while a long document is read.
std::string heartbeat_bytes();

/// "progress": {"windows_done", "windows_total", "question", "best"}; "best" as in the answers of /v1/answer but for
/// the sentence, null while there is none.
std::string progress_event(const AnswerCall& call, const EngineProgress& progress);

/// "answer" carries the body that /v1/answer gives without a stream; "error" that of the error.
std::string answer_event(std::string_view full_body);
std::string error_event(const ApiError& error);

/// What `accept` (the header's value; empty: anything) asks for.
struct Accepts {
  bool json = false;
  bool stream = false;
  bool prefers_stream = false;  // named with a quality above that of JSON, or first where both are equal
};
Accepts parse_accept(std::string_view accept);

}  // namespace spanqa::serve

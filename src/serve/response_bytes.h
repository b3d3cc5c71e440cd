// Responses as they go over the wire.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include "serve/http_message.h"

namespace spanqa::serve {

/// What tells the client where a body ends.
enum class BodyEnd : std::uint8_t {
  kLength,  // Content-Length of `response.body`
  kChunks,
  kClose,  // the connection's end; for HTTP/1.0, which knows no chunks
};

struct HeadOptions {
  BodyEnd body_end = BodyEnd::kLength;
  bool close = false;       // no further request on this connection
  bool is_http_10 = false;  // of the request: there a connection closes unless it is said that it does not
};

/// The status line and all headers with the empty line behind them: those of `response`, and Date, Connection and what
/// tells the body's end. A line break within a value becomes a blank, so that nothing echoed can add a header.
std::string head_bytes(const HttpResponse& response, const HeadOptions& options, std::time_t now);

/// False of 1xx, 204 and 304: they end with their headers.
bool may_have_body(int status);

/// One chunk of a chunked body; `data` must not be empty, which would end the body.
std::string chunk_bytes(std::string_view data);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";
inline constexpr std::string_view kContinueBytes = "HTTP/1.1 100 Continue\r\n\r\n";

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7).
std::string http_date(std::time_t now);

}  // namespace spanqa::serve

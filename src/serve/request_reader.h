// Bytes of one connection to requests, one after another. No socket, no timer: whoever has bytes feeds them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "serve/api_error.h"
#include "serve/http_message.h"

namespace spanqa::serve {

/// docs/server.md says why each has its value.
struct HttpLimits {
  std::size_t header_bytes = std::size_t{16} << 10;
  std::size_t header_fields = 100;
  std::size_t body_bytes = std::size_t{8} << 20;
};

/// HTTP/1.1 and 1.0 by Beast's parser, and before it the checks that it leaves out (1.81): one Host, no folded lines,
/// no line feed alone, one framing only, `chunked` the only transfer coding, bounds for chunk extensions and trailers.
///
/// Order of calls: feed() until it gives kRequest, take(), feed({}) for what was sent behind it. After kError: answer
/// error() and close; what follows cannot be told apart any more.
/// Memory: the header or one chunk's frame, then the body; nothing between requests.
class RequestReader {
 public:
  explicit RequestReader(const HttpLimits& limits = {});
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  enum class Event : std::uint8_t {
    kNeedMore,
    kContinue,  // the client waits for "100 Continue" before it sends the body; then as kNeedMore. Told once
    kRequest,
    kError,
  };
  Event feed(std::string_view bytes);
  /// The client sends no more: kError where a request was cut off, else kNeedMore.
  Event end_of_input();

  HttpRequest take();
  const ApiError& error() const;
  /// The request being read as far as it is known, for whoever refuses it. No body; while the header is not complete
  /// method and target may be empty too.
  HttpRequest head() const;

  enum class Phase : std::uint8_t { kIdle, kHeader, kBody };
  /// Which time-out runs: kIdle while no byte of the next request is here.
  Phase phase() const;
  /// Bytes held that no request has used.
  std::size_t n_buffered() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace spanqa::serve

// What a server's sessions hand their requests to. Api implements it; tests of sessions echo.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "serve/api_error.h"
#include "serve/exchange.h"
#include "serve/http_message.h"

namespace spanqa::serve {

/// The life of a server, in this order; it may end from each.
enum class ServerPhase : std::uint8_t {
  kStarting,  // bound, models not warm yet: questions are refused by kNotReady
  kReady,
  kDraining,  // about to stop, still answering: only readiness says so, that balancers look elsewhere
  kStopping,  // new requests on kept connections are refused by kShuttingDown
};

/// Threads: every call may run concurrently; none blocks.
class RequestHandler {
 public:
  RequestHandler() = default;
  virtual ~RequestHandler() = default;
  RequestHandler(const RequestHandler&) = delete;
  RequestHandler& operator=(const RequestHandler&) = delete;

  /// A complete request. Answered through `exchange`, now or later, from any thread.
  virtual void handle(HttpRequest request, std::shared_ptr<Exchange> exchange) = 0;

  /// What a request whose body has not been sent yet (Expect: 100-continue) would be refused with; nothing: send 100.
  virtual std::optional<ApiError> check_head(const HttpRequest& head) const = 0;

  /// The response to what became no request: framing, sizes, time-outs. Counted and logged as a response; `head` is
  /// what is known of the request, `remote` among it.
  virtual HttpResponse refuse(const HttpRequest& head, const ApiError& error) = 0;

  virtual void set_phase(ServerPhase phase) = 0;
};

}  // namespace spanqa::serve

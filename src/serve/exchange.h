// The way back of one request: what the API needs of a connection. Sessions implement it; tests record with it.
#pragma once

#include <functional>
#include <string>

#include "serve/http_message.h"

namespace spanqa::serve {

/// Exactly one of respond() and stream() is called, once; after stream() any number of send(), then end(). Whoever
/// drops the last reference before that has the client answered with kInternal: no request stays without a response.
///
/// Threads: every call may come from anywhere; the session carries it to its own thread. Calls after the client left do
/// nothing.
class Exchange {
 public:
  Exchange() = default;
  virtual ~Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  virtual void respond(HttpResponse response) = 0;

  /// Sends status and headers; the body follows in chunks.
  virtual void stream(HttpResponse head) = 0;
  /// False where the client reads too slowly and the chunk was dropped; a chunk that `must_arrive` never is.
  virtual bool send(std::string chunk, bool must_arrive) = 0;
  virtual void end() = 0;

  /// The client left, or the session gave up on it.
  virtual bool is_gone() const = 0;
  /// Called once when the client leaves before the response is complete; at once where it has left already. At most one
  /// call is kept.
  virtual void on_gone(std::function<void()> call) = 0;
};

}  // namespace spanqa::serve

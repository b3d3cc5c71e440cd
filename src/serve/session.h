// Connections: what comes over a socket goes to the handler as requests, its responses go back.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>

#include "serve/request_handler.h"
#include "serve/request_reader.h"

namespace boost::asio {
class io_context;
namespace ssl {
class context;
}
}  // namespace boost::asio

namespace spanqa::serve {

/// docs/server.md says why each has its value. All above zero. Past one of the first four the client gets
/// kRequestTimeout and is left.
struct SessionTimes {
  std::chrono::milliseconds header{10'000};      // from its first byte; of the first request from accept, TLS included
  std::chrono::milliseconds body{30'000};        // from the end of the header
  std::chrono::milliseconds body_pause{10'000};  // between two reads of a body
  std::chrono::milliseconds idle{75'000};        // between two requests
  std::chrono::milliseconds write{30'000};       // without progress: the client is left without a word
  std::chrono::milliseconds linger{2'000};       // what is still sent after the last response is read and dropped
  std::chrono::milliseconds heartbeat{10'000};   // of an event stream that is silent
};

struct SessionOptions {
  HttpLimits limits = {};
  SessionTimes times = {};
  std::size_t read_ahead_bytes = std::size_t{64} << 10;  // of the requests behind the one being answered
  std::size_t linger_bytes = std::size_t{256} << 10;
  std::size_t stream_bytes = std::size_t{1} << 20;  // not yet written; beyond it Exchange::send drops what it may
};

/// One connection as its server holds it. Threads: the io thread only.
class Connection {
 public:
  Connection() = default;
  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  virtual void start() = 0;
  /// Closes unless a request is under way, be it no more than bytes that the kernel holds.
  virtual void close_if_idle() = 0;
  /// Closes at once. Whoever works for the client is told that it is gone.
  virtual void cut() = 0;
};

/// What the sessions of one server share. Threads: the io thread only. Outlives its sessions.
struct SessionGroup {
  boost::asio::io_context& io;
  SessionOptions options = {};
  RequestHandler* handler = nullptr;
  std::function<void()> on_closed = {};                              // a connection has left `connections`
  std::unordered_set<std::shared_ptr<Connection>> connections = {};  // those that are open
  bool closes_after_response = false;                                // no connection is kept for another request
  bool closes_idle = false;                                          // nor is one waited on for its first
};

struct AcceptedSocket {
  int descriptor = -1;  // not blocking; the session's from now on
  bool is_ip_v6 = false;
  std::string remote = {};  // address of the client, for HttpRequest::remote
};

/// Makes a session, puts it into the group and starts it. With `tls` it begins with the handshake; the context may be
/// dropped afterwards.
///
/// A session reads a request, hands it to the handler, writes the response, and reads the next: one after another,
/// whatever comes meanwhile waits. While a request is being answered the end of the input counts as the client's
/// leaving. A request that cannot be read is refused by RequestHandler::refuse, and the connection ends.
/// Memory: some 6 KiB while idle, the body while one is read; with TLS 70 KiB more, most of it Asio's and OpenSSL's
/// buffers.
void open_session(SessionGroup& group, AcceptedSocket socket, boost::asio::ssl::context* tls);

}  // namespace spanqa::serve

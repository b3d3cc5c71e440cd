// A server within the test, a handler that answers when the test says so, and a client that sends whatever bytes it
// likes. Not installed.
#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "serve/server.h"

namespace spanqa::serve::testing {

inline constexpr std::chrono::seconds kPatience{5};  // after which a test has failed

/// Waits for what another thread brings about.
template <typename Condition>
bool comes_true(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

/// /hold waits for the test, /drop is never answered, /refused wants no body; all else is echoed at once.
class TestHandler final : public RequestHandler {
 public:
  struct Held {
    HttpRequest request;
    std::shared_ptr<Exchange> exchange;
  };

  void handle(HttpRequest request, std::shared_ptr<Exchange> exchange) override {
    const std::lock_guard lock(mutex_);
    ++n_handled_;
    if (request.target.starts_with("/hold")) {
      held_.push_back({std::move(request), std::move(exchange)});
      changed_.notify_all();
    } else if (!request.target.starts_with("/drop")) {
      exchange->respond({.status = 200, .body = echo(request)});
    }
  }
  static std::string echo(const HttpRequest& request) {
    return fmt::format("{} {} {} {}", request.method, request.target, request.remote, request.body);
  }

  std::optional<ApiError> check_head(const HttpRequest& head) const override {
    if (head.target == "/refused") return ApiError{.kind = ErrorKind::kUnauthorized};
    return std::nullopt;
  }
  HttpResponse refuse(const HttpRequest& head, const ApiError& error) override {
    const std::lock_guard lock(mutex_);
    refusals_.push_back(head.target + " " + std::string(error_row(error.kind).code));
    return error_response(error);
  }
  void set_phase(ServerPhase phase) override {
    const std::lock_guard lock(mutex_);
    phases_.push_back(phase);
  }

  /// The next request that waits for the test.
  Held next() {
    std::unique_lock lock(mutex_);
    SPANQA_CHECK(changed_.wait_for(lock, kPatience, [&] { return !held_.empty(); }));
    Held held = std::move(held_.front());
    held_.pop_front();
    return held;
  }
  std::size_t n_handled() const {
    const std::lock_guard lock(mutex_);
    return n_handled_;
  }
  std::vector<std::string> refusals() const {
    const std::lock_guard lock(mutex_);
    return refusals_;
  }
  std::vector<ServerPhase> phases() const {
    const std::lock_guard lock(mutex_);
    return phases_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Held> held_;
  std::size_t n_handled_ = 0;
  std::vector<std::string> refusals_;
  std::vector<ServerPhase> phases_;
};

/// On a port of its own, running until it is told to stop.
class TestServer {
 public:
  explicit TestServer(ServerOptions options = {}, ServerHooks hooks = {}) {
    options.port = 0;
    auto opened = Server::open(options);
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
    server_ = std::move(opened).value();
    thread_ = std::jthread([this, hooks = std::move(hooks)] { status_ = server_->run(handler_, hooks); });
  }
  ~TestServer() { (void)stop(); }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  Status stop() {
    server_->stop();
    return wait();
  }
  Status wait() {
    if (thread_.joinable()) thread_.join();
    return status_;
  }
  Server& server() { return *server_; }
  TestHandler& handler() { return handler_; }
  std::uint16_t port() const { return server_->port(); }

 private:
  TestHandler handler_;
  std::unique_ptr<Server> server_;
  Status status_;
  std::jthread thread_;
};

/// Options of a test that does not catch signals, with limits and times of the sessions.
inline ServerOptions with_session(SessionOptions session) {
  return {.session = session, .grace = std::chrono::milliseconds(2000), .catch_signals = false};
}
inline ServerOptions with_times(SessionTimes times) {
  times.linger = std::chrono::milliseconds(50);  // the client is there to the test's end
  return with_session({.times = times});
}
inline ServerOptions quiet_options() { return with_session({}); }

struct TestResponse {
  int status = 0;  // 0: there was none
  std::string head;
  std::string body;

  bool has(std::string_view header) const { return head.find(header) != std::string::npos; }
};

/// Blocks, at most for kPatience.
class TestClient {
 public:
  explicit TestClient(std::uint16_t port) : TestClient(port, ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  /// With a socket that is not connected yet.
  TestClient(std::uint16_t port, int descriptor) : descriptor_(descriptor) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    is_connected_ = ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    const timeval patience{.tv_sec = kPatience.count(), .tv_usec = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }
  virtual ~TestClient() { close(); }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  bool is_connected() const { return is_connected_; }
  int descriptor() const { return descriptor_; }

  /// False where the server takes no more.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = transmit(bytes);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  bool get(std::string_view target, std::string_view headers = {}) {
    return send(fmt::format("GET {} HTTP/1.1\r\nHost: h\r\n{}\r\n", target, headers));
  }
  bool post(std::string_view target, std::string_view body, std::string_view headers = {}) {
    return send(fmt::format("POST {} HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n{}\r\n{}", target, body.size(),
                            headers, body));
  }

  /// One response whose body ends by its length.
  TestResponse response(bool has_body = true) {
    TestResponse response;
    response.head = through("\r\n\r\n");
    if (!response.head.starts_with("HTTP/1.1 ")) return response;
    response.status = std::stoi(response.head.substr(9, 3));
    const std::size_t length = response.head.find("Content-Length: ");
    if (has_body && length != std::string::npos) response.body = take(std::stoul(response.head.substr(length + 16)));
    return response;
  }
  /// All bytes up to `mark` and with it, or up to where the server ended.
  std::string through(std::string_view mark) {
    std::size_t found = buffer_.find(mark);
    while (found == std::string::npos && receive_more()) found = buffer_.find(mark);
    return take(found == std::string::npos ? buffer_.size() : found + mark.size());
  }
  /// All that is still to come; "[reset]" or "[time-out]" behind it where it ends otherwise than by the server's word.
  std::string rest() {
    while (receive_more()) continue;
    return take(buffer_.size()) + ending_;
  }

  void shut() { ::shutdown(descriptor_, SHUT_WR); }
  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

 protected:
  virtual ssize_t transmit(std::string_view bytes) {
    return ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  virtual ssize_t receive(char* bytes, std::size_t n) { return ::recv(descriptor_, bytes, n, 0); }

 private:
  bool receive_more() {
    char bytes[16384];
    const ssize_t n = receive(bytes, sizeof bytes);
    if (n > 0) buffer_.append(bytes, static_cast<std::size_t>(n));
    if (n < 0) ending_ = errno == ECONNRESET ? "[reset]" : "[time-out]";
    return n > 0;
  }
  std::string take(std::size_t n) {
    while (buffer_.size() < n && receive_more()) continue;
    std::string taken = buffer_.substr(0, n);
    buffer_.erase(0, n);
    return taken;
  }

  int descriptor_ = -1;
  bool is_connected_ = false;
  std::string buffer_;  // received and not yet taken
  std::string ending_;
};

}  // namespace spanqa::serve::testing

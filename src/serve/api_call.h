// One request under way: what it is called, and the one way in which it ends, logged and counted.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "serve/access_log.h"
#include "serve/cors.h"
#include "serve/exchange.h"
#include "serve/metrics.h"
#include "serve/routes.h"

namespace spanqa::serve {

/// What is told of every request. Metrics and log outlive the calls.
struct CallSinks {
  Metrics& metrics;
  AccessLog& log;
  const Cors& cors;
  std::shared_ptr<const void> owner;  // of cors and of the routes: kept as long as the call
};

/// What one response leaves in the log beside what every one does.
struct CallFacts {
  std::optional<ErrorKind> error = std::nullopt;
  std::optional<EngineTimes> times = std::nullopt;
  std::size_t n_windows = 0;
  std::size_t n_tokens = 0;
  std::string question = {};  // empty unless texts are to be logged
  std::string answer = {};
};

/// Ends once: by respond(), refuse(), end_stream() or, where the client leaves, leave(); what comes after does nothing.
/// Whoever drops a call before that has it refused by kShuttingDown.
///
/// Threads: the ends may be called from anywhere, at once; whatever changes the call is for the one thread that works
/// on it.
class ApiCall {
 public:
  /// Counts the request. Its time begins here.
  ApiCall(const CallSinks& sinks, HttpRequest request, std::shared_ptr<Exchange> exchange);
  ~ApiCall();
  ApiCall(const ApiCall&) = delete;
  ApiCall& operator=(const ApiCall&) = delete;

  HttpRequest& request() { return request_; }
  const HttpRequest& request() const { return request_; }
  Clock::time_point begun() const { return begun_; }

  /// Views of request().target: set once the request stays where it is.
  void set_match(RouteMatch match) { match_ = std::move(match); }
  const RouteMatch& match() const { return match_; }
  /// Name for the log.
  void set_model(std::string name) { model_ = std::move(name); }
  bool is_gone() const { return exchange_->is_gone(); }
  /// `call` is called once when the client leaves before the end.
  void on_gone(std::function<void()> call) { exchange_->on_gone(std::move(call)); }

  void respond(HttpResponse response, const CallFacts& facts = {});
  /// A response, or the last event of a stream that has begun. Of an error of our own the client hears no more than
  /// that; the log has its message.
  void refuse(ApiError error);

  /// After it no respond().
  void begin_stream(HttpResponse head);
  /// May be dropped where the client reads too slowly.
  void send(std::string chunk);
  void end_stream(std::string last_chunk, const CallFacts& facts);

  void leave();

 private:
  bool end() { return !has_ended_.exchange(true); }
  void add_headers(HttpResponse& response) const;
  /// `status` 0: the client left.
  void record(int status, std::size_t bytes_out, const CallFacts& facts);

  CallSinks sinks_;
  HttpRequest request_;
  std::shared_ptr<Exchange> exchange_;
  const Clock::time_point begun_ = Clock::now();
  const std::string id_;
  const std::size_t bytes_in_;
  RouteMatch match_;
  std::string model_;
  std::atomic<bool> is_streaming_{false};
  std::atomic<std::size_t> bytes_streamed_{0};
  std::atomic<bool> has_ended_{false};
};

}  // namespace spanqa::serve

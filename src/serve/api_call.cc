#include "serve/api_call.h"

#include <utility>

#include "serve/event_stream.h"
#include "serve/request_id.h"

namespace spanqa::serve {

ApiCall::ApiCall(const CallSinks& sinks, HttpRequest request, std::shared_ptr<Exchange> exchange)
    : sinks_(sinks),
      request_(std::move(request)),
      exchange_(std::move(exchange)),
      id_(request_id(request_)),
      bytes_in_(request_.body.size()) {
  sinks_.metrics.request_begun();
}

ApiCall::~ApiCall() { refuse({.kind = ErrorKind::kShuttingDown}); }

void ApiCall::add_headers(HttpResponse& response) const {
  response.set("X-Request-ID", id_);
  response.set("X-Content-Type-Options", "nosniff");
  response.set("Server", "spanqa");
  if (!has_header(response.headers, "Cache-Control")) response.set("Cache-Control", "no-store");
  sinks_.cors.add_headers(request_, response);
}

void ApiCall::record(int status, std::size_t bytes_out, const CallFacts& facts) {
  const double seconds = std::chrono::duration<double>(Clock::now() - begun_).count();
  const bool is_gone = status == 0 || exchange_->is_gone();
  if (is_gone) {
    sinks_.metrics.cancelled();
  } else {
    sinks_.metrics.response_done(match_.route, status, seconds);
  }
  if (facts.error) sinks_.metrics.rejected(*facts.error);
  if (facts.times) sinks_.metrics.answered(*facts.times);
  sinks_.log.write({.id = id_,
                    .remote = request_.remote,
                    .method = request_.method,
                    .route = std::string(match_.route == nullptr ? "other" : match_.route->operation),
                    .status = status,
                    .code = std::string(facts.error ? error_row(*facts.error).code : ""),
                    .bytes_in = bytes_in_,
                    .bytes_out = bytes_out,
                    .total_ms = seconds * 1000.0,
                    .model = model_,
                    .times = facts.times,
                    .n_windows = facts.n_windows,
                    .n_tokens = facts.n_tokens,
                    .is_gone = is_gone,
                    .question = facts.question,
                    .answer = facts.answer});
}

void ApiCall::respond(HttpResponse response, const CallFacts& facts) {
  if (!end()) return;
  add_headers(response);
  record(response.status, request_.method == "HEAD" ? 0 : response.body.size(), facts);
  exchange_->respond(std::move(response));
}

void ApiCall::refuse(ApiError error) {
  if (has_ended_) return;
  const CallFacts facts{.error = error.kind};
  if (error.kind == ErrorKind::kInternal) {
    if (!error.message.empty()) sinks_.log.note("internal", error.message);
    error = {.kind = ErrorKind::kInternal};
  }
  if (is_streaming_) return end_stream(error_event(error), facts);
  respond(error_response(error), facts);
}

void ApiCall::begin_stream(HttpResponse head) {
  if (has_ended_) return;
  is_streaming_ = true;
  add_headers(head);
  exchange_->stream(std::move(head));
}

void ApiCall::send(std::string chunk) {
  if (has_ended_) return;
  const std::size_t size = chunk.size();
  if (exchange_->send(std::move(chunk), false)) bytes_streamed_ += size;
}

void ApiCall::end_stream(std::string last_chunk, const CallFacts& facts) {
  if (!end()) return;
  record(200, bytes_streamed_ + last_chunk.size(), facts);
  exchange_->send(std::move(last_chunk), true);
  exchange_->end();
}

void ApiCall::leave() {
  if (end()) record(0, bytes_streamed_, {});
}

}  // namespace spanqa::serve

#include "serve/session.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <ctime>
#include <deque>
#include <mutex>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "serve/engine.h"
#include "serve/event_stream.h"
#include "serve/response_bytes.h"

namespace spanqa::serve {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using PlainStream = tcp::socket;
using TlsStream = asio::ssl::stream<tcp::socket>;
using Phase = RequestReader::Phase;

constexpr std::size_t kSmallInput = std::size_t{4} << 10;   // of every connection, all the time
constexpr std::size_t kLargeInput = std::size_t{64} << 10;  // while a body is read

/// Where a response arrives, on the io thread.
class ResponseSink {
 public:
  virtual void on_respond(HttpResponse response) = 0;
  virtual void on_stream(HttpResponse head) = 0;
  virtual void on_chunk(std::string chunk) = 0;
  virtual void on_end() = 0;
  virtual void on_abandoned() = 0;

 protected:
  ~ResponseSink() = default;
};

/// Between a session, which lives on the io thread, and whoever answers its request from whatever thread. It outlives
/// both where it must: after close() it holds nothing of the server.
class Channel : public std::enable_shared_from_this<Channel> {
 public:
  Channel(asio::io_context& io, ResponseSink& sink, std::size_t stream_bytes)
      : io_(io), sink_(&sink), stream_bytes_(stream_bytes) {}

  void respond(HttpResponse response) {
    const std::lock_guard lock(mutex_);
    if (!is_open_) return;
    SPANQA_CHECK(stage_ == Stage::kNothing);
    stage_ = Stage::kComplete;
    post([response = std::move(response)](ResponseSink& sink) mutable { sink.on_respond(std::move(response)); });
  }

  void stream(HttpResponse head) {
    const std::lock_guard lock(mutex_);
    if (!is_open_) return;
    SPANQA_CHECK(stage_ == Stage::kNothing);
    stage_ = Stage::kStreaming;
    post([head = std::move(head)](ResponseSink& sink) mutable { sink.on_stream(std::move(head)); });
  }

  bool send(std::string chunk, bool must_arrive) {
    const std::lock_guard lock(mutex_);
    if (!is_open_) return false;
    SPANQA_CHECK(stage_ == Stage::kStreaming);
    if (!must_arrive && n_queued_ + chunk.size() > stream_bytes_) return false;
    n_queued_ += chunk.size();
    post([chunk = std::move(chunk)](ResponseSink& sink) mutable { sink.on_chunk(std::move(chunk)); });
    return true;
  }

  void end() {
    const std::lock_guard lock(mutex_);
    if (!is_open_) return;
    SPANQA_CHECK(stage_ == Stage::kStreaming);
    stage_ = Stage::kComplete;
    post([](ResponseSink& sink) { sink.on_end(); });
  }

  /// Nobody will answer any more.
  void abandon() {
    const std::lock_guard lock(mutex_);
    if (!is_open_ || stage_ == Stage::kComplete) return;
    stage_ = Stage::kComplete;
    post([](ResponseSink& sink) { sink.on_abandoned(); });
  }

  bool is_gone() const {
    const std::lock_guard lock(mutex_);
    return is_gone_;
  }

  void on_gone(std::function<void()> call) {
    {
      const std::lock_guard lock(mutex_);
      if (is_open_) {
        on_gone_ = std::move(call);
        return;
      }
      if (!is_gone_) return;
    }
    call();
  }

  /// io thread: so much of what was sent has been written.
  void written(std::size_t n) {
    const std::lock_guard lock(mutex_);
    n_queued_ -= n;
  }

  enum class Outcome : std::uint8_t { kWritten, kGone };
  /// io thread: the session has no more use of it.
  void close(Outcome outcome) {
    sink_ = nullptr;
    std::function<void()> call;
    {
      const std::lock_guard lock(mutex_);
      is_open_ = false;
      is_gone_ = outcome == Outcome::kGone;
      call.swap(on_gone_);
    }
    if (outcome == Outcome::kGone && call) call();
  }

 private:
  enum class Stage : std::uint8_t { kNothing, kStreaming, kComplete };

  /// Called with the mutex held: the io context is there as long as the channel is open.
  template <typename Call>
  void post(Call call) {
    asio::post(io_, [self = shared_from_this(), call = std::move(call)]() mutable {
      if (self->sink_ != nullptr) call(*self->sink_);
    });
  }

  asio::io_context& io_;
  ResponseSink* sink_;  // io thread only
  const std::size_t stream_bytes_;
  mutable std::mutex mutex_;  // of all below
  Stage stage_ = Stage::kNothing;
  bool is_open_ = true;
  bool is_gone_ = false;
  std::size_t n_queued_ = 0;  // bytes of chunks that have not been written
  std::function<void()> on_gone_;
};

/// What the handler holds. Its end tells that nobody will answer any more.
class SessionExchange final : public Exchange {
 public:
  explicit SessionExchange(std::shared_ptr<Channel> channel) : channel_(std::move(channel)) {}
  ~SessionExchange() override { channel_->abandon(); }
  SessionExchange(const SessionExchange&) = delete;
  SessionExchange& operator=(const SessionExchange&) = delete;

  void respond(HttpResponse response) override { channel_->respond(std::move(response)); }
  void stream(HttpResponse head) override { channel_->stream(std::move(head)); }
  bool send(std::string chunk, bool must_arrive) override { return channel_->send(std::move(chunk), must_arrive); }
  void end() override { channel_->end(); }
  bool is_gone() const override { return channel_->is_gone(); }
  void on_gone(std::function<void()> call) override { channel_->on_gone(std::move(call)); }

 private:
  const std::shared_ptr<Channel> channel_;
};

/// All on the io thread. Every operation under way holds the session by a shared_ptr; after close() their handlers do
/// nothing.
template <typename Stream>
class Session final : public Connection, public ResponseSink, public std::enable_shared_from_this<Session<Stream>> {
 public:
  Session(SessionGroup& group, Stream stream, std::string remote)
      : group_(group),
        stream_(std::move(stream)),
        timer_(group.io),
        remote_(std::move(remote)),
        reader_(group.options.limits) {}

  void start() override;
  void close_if_idle() override;
  void cut() override { close(); }

 private:
  enum class State : std::uint8_t {
    kHandshake,
    kReading,    // a request, or for one
    kAnswering,  // the handler has it, and has not said all; reads ahead
    kWriting,    // the rest of a response that is complete
    kLingering,  // the last response is out; what the client still sends is dropped
    kClosed,
  };
  static constexpr bool kIsTls = std::is_same_v<Stream, TlsStream>;

  // The clock.
  void set_deadline(Clock::time_point deadline);
  void wait();
  void time_is_up();
  Clock::time_point end_of(Phase phase, Clock::time_point begin) const;

  // In.
  void read();
  void on_read(const error_code& code, std::size_t n);
  void on_read_ahead(const error_code& code, std::string_view bytes);
  void on_event(RequestReader::Event event);
  void want_more();
  bool is_body_wanted();
  void answer(HttpRequest request);
  void refuse(HttpRequest head, const ApiError& error);

  // Out.
  void on_respond(HttpResponse response) override;
  void on_stream(HttpResponse head) override;
  void on_chunk(std::string chunk) override;
  void on_end() override;
  void on_abandoned() override;
  void begin_response(const HttpRequest& request);
  void beat();
  void push_head(const HttpResponse& response, BodyEnd body_end);
  void push(std::string bytes, std::size_t n_payload = 0);
  void write();
  void on_written(const error_code& code, std::size_t n);
  void all_is_written();
  void finish_response();

  // The end.
  void leave();
  void drain();
  void on_drained(const error_code& code, std::size_t n);
  void cancel_read();
  void close();

  tcp::socket& socket() {
    if constexpr (kIsTls) {
      return stream_.next_layer();
    } else {
      return stream_;
    }
  }
  bool has_input() {
    error_code code;
    return socket().available(code) > 0;
  }
  const SessionTimes& times() const { return group_.options.times; }
  std::shared_ptr<Session> held() { return this->shared_from_this(); }

  SessionGroup& group_;
  Stream stream_;
  asio::steady_timer timer_;
  const std::string remote_;
  RequestReader reader_;
  State state_ = State::kHandshake;

  Clock::time_point opened_ = {};
  Clock::time_point deadline_ = Clock::time_point::max();
  Clock::time_point waits_until_ = Clock::time_point::max();  // the timer does; never past the deadline
  std::optional<Phase> phase_;                                // of the reader, and when its time is over
  Clock::time_point phase_end_ = {};

  std::unique_ptr<char[]> input_;
  std::size_t input_size_ = 0;
  std::string ahead_;  // what came while a request was being answered
  std::size_t n_drained_ = 0;
  bool is_reading_ = false;
  bool has_ended_ = false;  // the client sends no more
  bool is_first_ = true;    // no request has been read yet

  struct Piece {
    std::string bytes;
    std::size_t n_payload;  // what Channel counts of it
  };
  std::deque<Piece> output_;
  std::size_t n_written_ = 0;  // of its first piece
  bool is_writing_ = false;

  // Of the request being answered.
  std::shared_ptr<Channel> channel_;  // none where it was refused
  HttpRequest head_;                  // what an error would be told about
  bool closes_ = false;               // the connection, after this response
  bool is_refused_ = false;
  bool is_streaming_ = false;
  bool beats_ = false;
};

// ---- The clock

template <typename Stream>
void Session<Stream>::set_deadline(Clock::time_point deadline) {
  deadline_ = deadline;
  if (deadline_ < waits_until_) wait();
}

/// The timer looks at the deadline at least as often as the shortest of the usual ones is long. So a deadline is moved
/// without touching the timer, which would cost more than all else that a short request needs of it.
template <typename Stream>
void Session<Stream>::wait() {
  const auto tick = std::min({times().header, times().body_pause, times().idle, times().write, times().heartbeat});
  waits_until_ = std::min(deadline_, Clock::now() + tick);
  timer_.expires_at(waits_until_);
  timer_.async_wait([self = held()](const error_code& code) {
    if (code || self->state_ == State::kClosed) return;
    if (Clock::now() >= self->deadline_) self->time_is_up();
    if (self->state_ != State::kClosed) self->wait();
  });
}

template <typename Stream>
void Session<Stream>::time_is_up() {
  switch (state_) {
    case State::kReading:
      return refuse(reader_.head(), ApiError{.kind = ErrorKind::kRequestTimeout});
    case State::kAnswering:
      return is_writing_ ? close() : beat();
    case State::kHandshake:
    case State::kWriting:
    case State::kLingering:
      return close();
    case State::kClosed:
      return;
  }
}

template <typename Stream>
Clock::time_point Session<Stream>::end_of(Phase phase, Clock::time_point begin) const {
  if (phase == Phase::kBody) return begin + times().body;
  if (is_first_) return opened_ + times().header;
  return begin + (phase == Phase::kIdle ? times().idle : times().header);
}

// ---- In

template <typename Stream>
void Session<Stream>::start() {
  opened_ = Clock::now();
  set_deadline(opened_ + times().header);
  if constexpr (kIsTls) {
    stream_.async_handshake(asio::ssl::stream_base::server, [self = held()](const error_code& code) {
      if (self->state_ == State::kClosed) return;
      if (code) return self->close();
      self->state_ = State::kReading;
      self->want_more();
    });
  } else {
    state_ = State::kReading;
    want_more();
  }
}

template <typename Stream>
void Session<Stream>::read() {
  if (is_reading_ || has_ended_) return;
  const std::size_t size = state_ == State::kReading && phase_ == Phase::kBody ? kLargeInput : kSmallInput;
  if (size != input_size_) {
    input_ = std::make_unique_for_overwrite<char[]>(size);
    input_size_ = size;
  }
  is_reading_ = true;
  stream_.async_read_some(asio::buffer(input_.get(), input_size_),
                          [self = held()](const error_code& code, std::size_t n) { self->on_read(code, n); });
}

template <typename Stream>
void Session<Stream>::on_read(const error_code& code, std::size_t n) {
  is_reading_ = false;
  const bool is_cancelled = code == asio::error::operation_aborted;
  has_ended_ = has_ended_ || (code && !is_cancelled);
  const std::string_view bytes(input_.get(), n);
  switch (state_) {
    case State::kReading:
      if (is_cancelled) return want_more();
      if (!code) return on_event(reader_.feed(bytes));
      if (code != asio::error::eof || reader_.phase() == Phase::kIdle) return leave();
      return on_event(reader_.end_of_input());
    case State::kAnswering:
    case State::kWriting:
      return on_read_ahead(code, bytes);
    case State::kLingering:
      return on_drained(code, n);
    case State::kHandshake:
    case State::kClosed:
      return;
  }
}

template <typename Stream>
void Session<Stream>::on_read_ahead(const error_code& code, std::string_view bytes) {
  if (code) {
    if (state_ == State::kAnswering) close();
    return;
  }
  ahead_ += bytes;
  if (ahead_.size() < group_.options.read_ahead_bytes) read();
}

template <typename Stream>
void Session<Stream>::on_event(RequestReader::Event event) {
  switch (event) {
    case RequestReader::Event::kContinue:
      if (!is_body_wanted()) return;
      return want_more();
    case RequestReader::Event::kNeedMore:
      return want_more();
    case RequestReader::Event::kRequest:
      return answer(reader_.take());
    case RequestReader::Event::kError:
      return refuse(reader_.head(), reader_.error());
  }
}

template <typename Stream>
void Session<Stream>::want_more() {
  const Phase phase = reader_.phase();
  if (phase == Phase::kIdle && group_.closes_idle) {
    if (is_reading_) return cancel_read();
    if (!has_input()) return leave();
  }
  const Clock::time_point now = Clock::now();
  if (phase != phase_) {
    phase_ = phase;
    phase_end_ = end_of(phase, now);
  }
  set_deadline(phase == Phase::kBody ? std::min(phase_end_, now + times().body_pause) : phase_end_);
  read();
}

/// Sends the interim response, or refuses the request.
template <typename Stream>
bool Session<Stream>::is_body_wanted() {
  HttpRequest head = reader_.head();
  head.remote = remote_;
  if (const std::optional<ApiError> error = group_.handler->check_head(head)) {
    refuse(std::move(head), *error);
    return false;
  }
  push(std::string(kContinueBytes));
  write();
  return true;
}

template <typename Stream>
void Session<Stream>::answer(HttpRequest request) {
  state_ = State::kAnswering;
  request.remote = remote_;
  begin_response(request);
  set_deadline(Clock::time_point::max());
  channel_ = std::make_shared<Channel>(group_.io, *this, group_.options.stream_bytes);
  group_.handler->handle(std::move(request), std::make_shared<SessionExchange>(channel_));
  read();
}

template <typename Stream>
void Session<Stream>::refuse(HttpRequest head, const ApiError& error) {
  state_ = State::kAnswering;
  head.remote = remote_;
  begin_response(head);
  is_refused_ = true;
  on_respond(group_.handler->refuse(head, error));
}

// ---- Out

template <typename Stream>
void Session<Stream>::begin_response(const HttpRequest& request) {
  is_first_ = false;
  phase_.reset();
  head_ = HttpRequest{.method = request.method,
                      .target = request.target,
                      .keep_alive = request.keep_alive,
                      .is_http_10 = request.is_http_10,
                      .remote = remote_};
}

template <typename Stream>
void Session<Stream>::on_respond(HttpResponse response) {
  push_head(response, BodyEnd::kLength);
  if (head_.method != "HEAD" && may_have_body(response.status)) push(std::move(response.body));
  state_ = State::kWriting;
  set_deadline(Clock::now() + times().write);
  write();
}

template <typename Stream>
void Session<Stream>::on_stream(HttpResponse head) {
  is_streaming_ = true;
  beats_ = head_.method != "HEAD" && head.header("Content-Type").starts_with("text/event-stream");
  push_head(head, head_.is_http_10 ? BodyEnd::kClose : BodyEnd::kChunks);
  write();
}

template <typename Stream>
void Session<Stream>::on_chunk(std::string chunk) {
  const std::size_t n = chunk.size();
  // Nothing follows the head of HEAD's response; an empty chunk would be the last one.
  if (head_.method == "HEAD" || chunk.empty()) return channel_->written(n);
  push(head_.is_http_10 ? std::move(chunk) : chunk_bytes(chunk), n);
  write();
}

template <typename Stream>
void Session<Stream>::beat() {
  push(head_.is_http_10 ? heartbeat_bytes() : chunk_bytes(heartbeat_bytes()));
  write();
}

template <typename Stream>
void Session<Stream>::on_end() {
  if (head_.method != "HEAD" && !head_.is_http_10) push(std::string(kLastChunk));
  state_ = State::kWriting;
  set_deadline(Clock::now() + times().write);
  write();
}

template <typename Stream>
void Session<Stream>::on_abandoned() {
  if (is_streaming_) return close();  // a body without its end tells the client
  on_respond(group_.handler->refuse(head_, ApiError{.kind = ErrorKind::kInternal}));
}

template <typename Stream>
void Session<Stream>::push_head(const HttpResponse& response, BodyEnd body_end) {
  closes_ = response.close || !head_.keep_alive || is_refused_ || has_ended_ || body_end == BodyEnd::kClose ||
            group_.closes_after_response;
  push(head_bytes(response, {.body_end = body_end, .close = closes_, .is_http_10 = head_.is_http_10},
                  std::time(nullptr)));
}

template <typename Stream>
void Session<Stream>::push(std::string bytes, std::size_t n_payload) {
  // Two in one packet; the first piece may be in the kernel's hands already.
  if (output_.size() > (is_writing_ ? 1U : 0U) && output_.back().bytes.size() + bytes.size() <= kLargeInput) {
    output_.back().bytes += bytes;
    output_.back().n_payload += n_payload;
  } else if (!bytes.empty()) {
    output_.push_back({std::move(bytes), n_payload});
  }
}

template <typename Stream>
void Session<Stream>::write() {
  if (is_writing_) return;
  if (output_.empty()) return all_is_written();
  is_writing_ = true;
  if (state_ != State::kReading) set_deadline(Clock::now() + times().write);
  const std::string& bytes = output_.front().bytes;
  stream_.async_write_some(asio::buffer(bytes.data() + n_written_, bytes.size() - n_written_),
                           [self = held()](const error_code& code, std::size_t n) { self->on_written(code, n); });
}

template <typename Stream>
void Session<Stream>::on_written(const error_code& code, std::size_t n) {
  is_writing_ = false;
  if (state_ == State::kClosed) return;
  if (code) return close();
  n_written_ += n;
  if (n_written_ == output_.front().bytes.size()) {
    if (channel_) channel_->written(output_.front().n_payload);
    output_.pop_front();
    n_written_ = 0;
  }
  write();
}

template <typename Stream>
void Session<Stream>::all_is_written() {
  if (state_ == State::kWriting) return finish_response();
  if (state_ == State::kAnswering) {
    set_deadline(beats_ ? Clock::now() + times().heartbeat : Clock::time_point::max());
  }
}

template <typename Stream>
void Session<Stream>::finish_response() {
  if (channel_) std::exchange(channel_, nullptr)->close(Channel::Outcome::kWritten);
  is_streaming_ = false;
  beats_ = false;
  if (closes_ || has_ended_) return leave();
  state_ = State::kReading;
  on_event(reader_.feed(std::exchange(ahead_, {})));
}

// ---- The end

template <typename Stream>
void Session<Stream>::close_if_idle() {
  if (state_ == State::kHandshake) return leave();
  if (state_ == State::kReading && reader_.phase() == Phase::kIdle) want_more();
}

/// A read that is under way may have bytes already that nobody has seen. It ends with them, or as cancelled.
template <typename Stream>
void Session<Stream>::cancel_read() {
  error_code ignored;
  socket().cancel(ignored);
}

/// Says that nothing more will come. Where the client may still be sending, what it sends is read for a while: a
/// socket closed over unread bytes is reset, and a reset takes the response out of the client's kernel.
template <typename Stream>
void Session<Stream>::leave() {
  const bool may_come = !has_ended_ && (is_refused_ || !ahead_.empty() || reader_.n_buffered() > 0 || has_input());
  if constexpr (kIsTls) {
    if (state_ != State::kHandshake) {
      // Nothing else is being written, so close_notify is in the kernel's hands when the call returns.
      stream_.async_shutdown(
          [self = held()](const error_code& code) { self->on_drained(code ? code : asio::error::eof, 0); });
    }
  }
  error_code ignored;
  socket().shutdown(tcp::socket::shutdown_send, ignored);
  if (!may_come) return close();
  state_ = State::kLingering;
  set_deadline(Clock::now() + times().linger);
  drain();
}

/// The bytes of TLS are not worth decrypting: they are taken off the socket below it. The buffer may be in use by a
/// read that has not ended; nobody looks at what either of them brings.
template <typename Stream>
void Session<Stream>::drain() {
  socket().async_read_some(asio::buffer(input_.get(), input_size_),
                           [self = held()](const error_code& code, std::size_t n) {
                             self->on_drained(code, n);
                             if (self->state_ == State::kLingering) self->drain();
                           });
}

/// Whichever of the operations under way sees the client's end first: the others may never do.
template <typename Stream>
void Session<Stream>::on_drained(const error_code& code, std::size_t n) {
  if (state_ != State::kLingering) return;
  n_drained_ += n;
  const bool has_left = code && code.category() != asio::error::get_ssl_category();  // TLS misses what drain() took
  if (has_left || n_drained_ > group_.options.linger_bytes) close();
}

template <typename Stream>
void Session<Stream>::close() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  const std::shared_ptr<Session> keep = held();
  timer_.cancel();
  error_code ignored;
  socket().close(ignored);
  if (channel_) std::exchange(channel_, nullptr)->close(Channel::Outcome::kGone);
  group_.connections.erase(keep);
  group_.on_closed();
}

template <typename Stream>
void begin_session(SessionGroup& group, Stream stream, std::string remote) {
  auto session = std::make_shared<Session<Stream>>(group, std::move(stream), std::move(remote));
  group.connections.insert(session);
  session->start();
}

}  // namespace

void open_session(SessionGroup& group, AcceptedSocket accepted, asio::ssl::context* tls) {
  tcp::socket socket(group.io);
  error_code code;
  socket.assign(accepted.is_ip_v6 ? tcp::v6() : tcp::v4(), accepted.descriptor, code);
  if (code) {
    ::close(accepted.descriptor);
  } else if (tls != nullptr) {
    begin_session(group, TlsStream(std::move(socket), *tls), std::move(accepted.remote));
  } else {
    begin_session(group, std::move(socket), std::move(accepted.remote));
  }
}

}  // namespace spanqa::serve

#include "serve/access_log.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

namespace spanqa::serve {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;

// What poll() calls writable takes so much without waiting, if it is a pipe (PIPE_BUF, pipe(7)).
constexpr std::size_t kPiece = 4096;
constexpr auto kPatience = 1s;  // of the end with a reader that does not read

constexpr std::array<std::string_view, 9> kMethods = {"GET",   "HEAD",    "POST",  "PUT",    "DELETE",
                                                      "PATCH", "OPTIONS", "TRACE", "CONNECT"};

/// "2026-11-25T14:04:57.123Z"
std::string time_stamp() {
  const auto now = std::chrono::system_clock::now();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now - seconds).count();
  return fmt::format("{:%FT%T}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)), ms);
}

double rounded_ms(double ms) { return std::round(ms * 1000.0) / 1000.0; }
double ms_of(std::chrono::nanoseconds time) {
  return rounded_ms(std::chrono::duration<double, std::milli>(time).count());
}

std::string line_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

std::string line_of(const LogEntry& entry) {
  const bool is_known = std::find(kMethods.begin(), kMethods.end(), entry.method) != kMethods.end();
  Json json = {{"time", time_stamp()},
               {"id", entry.id},
               {"remote", entry.remote},
               {"method", is_known ? entry.method : "other"},
               {"route", entry.route},
               {"status", entry.status},
               {"bytes_in", entry.bytes_in},
               {"bytes_out", entry.bytes_out},
               {"ms", rounded_ms(entry.total_ms)}};
  if (!entry.code.empty()) json["code"] = entry.code;
  if (!entry.model.empty()) json["model"] = entry.model;
  if (entry.times) {
    json["queue_ms"] = ms_of(entry.times->queue);
    json["tokenize_ms"] = ms_of(entry.times->tokenize);
    json["inference_ms"] = ms_of(entry.times->inference);
    json["windows"] = entry.n_windows;
    json["tokens"] = entry.n_tokens;
    json["cached"] = entry.times->cached;
  }
  if (entry.is_gone) json["gone"] = true;
  if (!entry.question.empty()) json["question"] = entry.question;
  if (!entry.answer.empty()) json["answer"] = entry.answer;
  return line_of(json);
}

/// A descriptor to append to.
class Sink {
 public:
  static Result<Sink> open(const std::filesystem::path& file) {
    if (file.empty()) return Sink(STDERR_FILENO);
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
    if (descriptor >= 0) return Sink(descriptor);
    const int number = errno;
    return fail(number == ENOENT || number == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kIo,
                fmt::format("{}: cannot open: {}", file.string(), std::strerror(number)));
  }
  Sink(Sink&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Sink& operator=(Sink&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Sink() {
    if (descriptor_ > STDERR_FILENO) ::close(descriptor_);
  }

  enum class Outcome : std::uint8_t { kWritten, kBusy, kFailed };
  /// Takes what was written off the front of `text`; waits `timeout` at most.
  Outcome write(std::string_view& text, std::chrono::milliseconds timeout) const {
    pollfd ready = {.fd = descriptor_, .events = POLLOUT, .revents = 0};
    const int n_ready = ::poll(&ready, 1, static_cast<int>(timeout.count()));
    if (n_ready == 0 || (n_ready < 0 && errno == EINTR)) return Outcome::kBusy;
    if (n_ready < 0) return Outcome::kFailed;
    const ssize_t n = ::write(descriptor_, text.data(), std::min(text.size(), kPiece));
    if (n < 0) return errno == EINTR || errno == EAGAIN ? Outcome::kBusy : Outcome::kFailed;
    text.remove_prefix(static_cast<std::size_t>(n));
    return Outcome::kWritten;
  }

 private:
  explicit Sink(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace

struct AccessLog::Impl {
  Impl(const AccessLogOptions& log_options, Sink first) : options(log_options), sink(std::move(first)) {
    thread = std::thread([this] { run(); });
  }

  void add(const std::string& line) {
    {
      const std::lock_guard lock(mutex);
      if (waiting.size() + n_writing + line.size() > options.most_waiting) {
        ++n_dropped;
        return;
      }
      waiting += line;
      ++n_lines;
    }
    changed.notify_one();
  }

  /// Everything that waits.
  struct Taken {
    std::string text;
    std::size_t n_lines = 0;
    bool reopens = false;
    bool is_end = false;
  };
  Taken take() {
    std::unique_lock lock(mutex);
    n_writing = 0;
    changed.wait(lock, [this] { return !waiting.empty() || stopping || reopen; });
    n_writing = waiting.size();
    return {.text = std::exchange(waiting, {}),
            .n_lines = std::exchange(n_lines, 0),
            .reopens = std::exchange(reopen, false),
            .is_end = stopping && n_writing == 0};
  }

  void run() {
    while (true) {
      const Taken taken = take();
      if (taken.is_end) return;
      if (taken.reopens) open_anew();
      if (!put(taken.text)) n_dropped += taken.n_lines;
    }
  }

  void open_anew() {
    Result<Sink> fresh = Sink::open(options.file);
    if (fresh) {
      sink = *std::move(fresh);
    } else {
      put(line_of(Json{{"time", time_stamp()}, {"event", "log_reopen"}, {"message", fresh.error().message}}));
    }
  }

  /// False: nobody takes the text, or not all of it.
  bool put(std::string_view text) {
    while (!text.empty()) {
      switch (sink.write(text, 100ms)) {
        case Sink::Outcome::kWritten:
          break;
        case Sink::Outcome::kFailed:
          return false;
        case Sink::Outcome::kBusy:
          if (is_out_of_patience()) return false;
      }
    }
    return true;
  }

  bool is_out_of_patience() {
    const std::lock_guard lock(mutex);
    return stopping && Clock::now() > stopping_since + kPatience;
  }

  const AccessLogOptions options;
  Sink sink;  // the thread's own
  std::atomic<std::uint64_t> n_dropped{0};

  std::mutex mutex;
  std::condition_variable changed;
  std::string waiting;        // lines
  std::size_t n_lines = 0;    // of waiting
  std::size_t n_writing = 0;  // bytes that the thread has taken and not written yet
  bool reopen = false;
  bool stopping = false;
  Clock::time_point stopping_since;
  std::thread thread;
};

AccessLog::AccessLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<AccessLog>> AccessLog::open(const AccessLogOptions& options) {
  SPANQA_ASSIGN(Sink sink, Sink::open(options.file));
  return std::unique_ptr<AccessLog>(new AccessLog(std::make_unique<Impl>(options, std::move(sink))));
}

AccessLog::~AccessLog() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    impl_->stopping_since = Clock::now();
  }
  impl_->changed.notify_one();
  impl_->thread.join();
}

void AccessLog::write(const LogEntry& entry) {
  if (impl_->options.is_on) impl_->add(line_of(entry));
}

void AccessLog::note(std::string_view event, std::string_view message) {
  impl_->add(line_of(Json{{"time", time_stamp()}, {"event", event}, {"message", message}}));
}

void AccessLog::reopen() {
  if (impl_->options.file.empty()) return;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->reopen = true;
  }
  impl_->changed.notify_one();
}

std::uint64_t AccessLog::n_dropped() const { return impl_->n_dropped; }

}  // namespace spanqa::serve

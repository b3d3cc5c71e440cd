// What was asked and how it ended, a JSON line each, without what people wrote.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "serve/engine.h"

namespace spanqa::serve {

/// One response.
struct LogEntry {
  std::string id;
  std::string remote;
  std::string method;  // one that HTTP knows, else "other": any other text is the client's own
  std::string route;   // the operation's name, "other" without one; never the target, which may hold text
  int status = 0;
  std::string code;  // of the error; empty without one
  std::size_t bytes_in = 0;
  std::size_t bytes_out = 0;
  double total_ms = 0.0;
  std::string model;                 // empty: none was asked
  std::optional<EngineTimes> times;  // of answers
  std::size_t n_windows = 0;
  std::size_t n_tokens = 0;
  bool is_gone = false;  // the client left before its answer
  // Only with --log-text.
  std::string question;
  std::string answer;
};

struct AccessLogOptions {
  std::filesystem::path file = {};                  // appended to; empty: standard error
  std::size_t most_waiting = std::size_t{4} << 20;  // bytes of lines; what comes while so many wait is dropped
  bool is_on = true;                                // of responses; notes are written all the same
};

/// A thread of its own writes: a full pipe or a slow disk costs lines (counted), never requests.
///
/// Threads: every call may run concurrently; none waits for the file.
class AccessLog {
 public:
  /// kIo, kNotFound: the file cannot be opened.
  static Result<std::unique_ptr<AccessLog>> open(const AccessLogOptions& options);
  /// Writes what waits, for as long as a second, where somebody takes it.
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  void write(const LogEntry& entry);
  /// Something that happened to the server: {"time", "event", "message"}.
  void note(std::string_view event, std::string_view message);

  /// Opens the file of this name anew, as log rotation wants it; where that fails the old one is kept and noted in.
  void reopen();

  std::uint64_t n_dropped() const;

 private:
  struct Impl;
  explicit AccessLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace spanqa::serve

// What the server counts, as Prometheus reads it. docs/server.md lists the names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "qa/reader.h"
#include "serve/api_error.h"
#include "serve/engine.h"
#include "serve/routes.h"

namespace spanqa::serve {

/// One forward pass.
struct BatchFacts {
  std::string model;
  std::size_t n_windows = 0;
  std::size_t n_tokens = 0;
  bool is_wide = false;  // all cores inside the kernels; else one of several batches with one thread each
};

struct ModelInfo {
  std::string name;
  std::uint64_t generation = 0;
  std::string weight_type;
};

/// What is looked up when metrics are read, because others hold it.
struct MetricsSnapshot {
  std::size_t queue_tokens = 0;
  std::size_t connections = 0;
  CacheCounts answers = {};
  CacheCounts contexts = {};
  std::vector<ModelInfo> models = {};
  std::uint64_t log_lines_dropped = 0;
};

/// Threads: every call may run concurrently. Cost: a few microseconds each, text() about a millisecond.
/// Labels come from tables and from the names of models, never from requests: their number is bounded.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// A request has come; response_done() or cancelled() follows.
  void request_begun();
  /// `route` nullptr: no route of the table ("other"). `seconds` from the complete request to its response.
  void response_done(const Route* route, int status, double seconds);
  /// A refusal by its code, of whichever route.
  void rejected(ErrorKind kind);
  /// Its client left before the answer.
  void cancelled();
  /// Of one answered request.
  void answered(const EngineTimes& times);

  void batch_done(const BatchFacts& batch);
  void reload_failed();
  void accept_paused();

  /// Exposition format 0.0.4.
  std::string text(const MetricsSnapshot& snapshot);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace spanqa::serve

// The whole server: models, engine, API and sockets, put together in the order in which they need each other.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "serve/access_log.h"
#include "serve/api.h"
#include "serve/api_keys.h"
#include "serve/model_set.h"
#include "serve/server.h"

namespace spanqa::serve {

/// docs/server.md says why each has its value.
struct ServiceOptions {
  ServerOptions server = {};
  ApiOptions api = {};                                      // names of models and body_bytes come from here
  std::vector<ModelFolder> models = {};                     // at least one, each with a name of its own
  int n_threads = 0;                                        // that read; 0: all usable cores
  std::size_t queue_tokens = 2'000'000;                     // that wait at most
  std::size_t answer_cache_bytes = std::size_t{32} << 20;   // 0: off
  std::size_t context_cache_bytes = std::size_t{32} << 20;  // of all models together
  ApiKeys keys = {};
  std::vector<std::string> cors_origins = {};
  AccessLogOptions log = {};
  std::filesystem::path feedback = {};  // empty: off
};

/// Order of calls: open, load, run.
class Service {
 public:
  /// Takes the port and opens the files, so that what is wrong with them is known before models are loaded. Clients
  /// that come wait.
  static Result<std::unique_ptr<Service>> open(ServiceOptions options);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Opens every model and has it answer a question: what the server needs before it is ready. The first failure.
  Status load();

  std::string url() const;
  std::uint16_t port() const;

  /// Answers until a signal or stop(), on this thread. SIGHUP: the log is opened anew, and the models on a thread of
  /// their own; one that fails stays as it was. Errors: kCancelled where the grace was over before all was answered.
  /// `started` is called once signals are caught and clients are taken.
  Status run(std::function<void()> started = {});
  /// Any thread.
  void stop();
  /// What SIGHUP does. Any thread.
  void reload();

 private:
  struct Impl;
  explicit Service(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace spanqa::serve

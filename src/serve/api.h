// What each route does: requests in, responses out. No socket, no JSON of its own, no thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "serve/access_log.h"
#include "serve/api_keys.h"
#include "serve/cors.h"
#include "serve/engine.h"
#include "serve/feedback.h"
#include "serve/metrics.h"
#include "serve/model_set.h"
#include "serve/request_body.h"
#include "serve/request_handler.h"
#include "serve/request_reader.h"
#include "serve/worker.h"

namespace spanqa::serve {

struct ApiOptions {
  BodyLimits limits = {};
  std::size_t body_bytes = HttpLimits{}.body_bytes;  // unpacked
  std::chrono::milliseconds deadline{55'000};        // of an answer, from the complete request
  std::size_t inline_bytes = std::size_t{16} << 10;  // larger bodies are for the preparation thread
  bool log_text = false;                             // the log holds questions and answers
  std::vector<std::string> model_names = {};         // for openapi.json
  std::string version = "0";
};

/// All but the last two outlive the Api, the engine's last callback and the preparation thread's last job.
struct ApiParts {
  Engine& engine;
  const ModelSet& models;
  Metrics& metrics;
  AccessLog& log;
  Worker& preparation;
  FeedbackStore* feedback = nullptr;  // null: its routes are not there
  ApiKeys keys = {};
  Cors cors = Cors();
  std::function<MetricsSnapshot()> snapshot = {};  // asked by GET /metrics
};

/// For each request in this order: its name, a browser's preflight, route, key, the server's phase, the types it sends
/// and takes, whether there is time for it; then body, model, engine. The first that fails answers.
///
/// Threads: as RequestHandler says. Bodies above inline_bytes, packed ones, many questions over many contexts and
/// feedback are worked on by the preparation thread, all others by the caller's; answers are written by the engine's,
/// those of long texts by the preparation thread.
class Api final : public RequestHandler {
 public:
  Api(ApiOptions options, ApiParts parts);
  ~Api() override;

  void handle(HttpRequest request, std::shared_ptr<Exchange> exchange) override;
  std::optional<ApiError> check_head(const HttpRequest& head) const override;
  HttpResponse refuse(const HttpRequest& head, const ApiError& error) override;
  /// Begins as kStarting.
  void set_phase(ServerPhase phase) override;

 private:
  class Routes;
  std::shared_ptr<Routes> routes_;  // calls under way hold it too
};

}  // namespace spanqa::serve

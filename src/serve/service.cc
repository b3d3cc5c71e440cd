#include "serve/service.h"

#include <fmt/format.h>

#include <utility>

#include "base/check.h"
#include "serve/answer_cache.h"
#include "serve/batching_engine.h"
#include "serve/feedback.h"
#include "serve/metrics.h"
#include "serve/worker.h"

namespace spanqa::serve {
namespace {

std::vector<std::string> names_of(const std::vector<ModelFolder>& folders) {
  std::vector<std::string> names;
  names.reserve(folders.size());
  for (const ModelFolder& folder : folders) names.push_back(folder.name);
  return names;
}

}  // namespace

// Each uses those above it; ~Impl says what ends first.
struct Service::Impl {
  Impl(ServiceOptions given, std::unique_ptr<Server> opened_server, std::unique_ptr<AccessLog> opened_log,
       std::unique_ptr<FeedbackStore> opened_feedback)
      : options(std::move(given)),
        server(std::move(opened_server)),
        log(std::move(opened_log)),
        feedback(std::move(opened_feedback)),
        cache(std::make_shared<AnswerCache>(options.answer_cache_bytes)),
        engine(engine_options()),
        models(model_options(), engine),
        api(options.api, api_parts()) {}

  /// Whoever posts jobs or asks the engine ends before it does; the preparation thread is asked by the engine in turn,
  /// and only refuses by then.
  ~Impl() {
    reloading.stop();
    preparation.stop();
  }

  BatchingOptions engine_options() {
    return {.n_threads = options.n_threads,
            .queue_tokens = options.queue_tokens,
            .deadline = options.api.deadline,
            .cache = cache,
            .batch_done = [this](const BatchFacts& batch) { metrics.batch_done(batch); },
            .log = [this](std::string_view message) { log->note("engine", message); }};
  }

  ModelSetOptions model_options() {
    return {.folders = options.models,
            .reader = {.n_threads = options.n_threads,
                       .context_cache_bytes = options.context_cache_bytes / options.models.size()},
            .replaced = [this](const LoadedModel& model) { cache->forget(model.generation); }};
  }

  ApiParts api_parts() {
    return {.engine = engine,
            .models = models,
            .metrics = metrics,
            .log = *log,
            .preparation = preparation,
            .feedback = feedback.get(),
            .keys = options.keys,
            .cors = Cors(options.cors_origins),
            .snapshot = [this] { return snapshot(); }};
  }

  MetricsSnapshot snapshot() const {
    MetricsSnapshot now{.queue_tokens = engine.queue_tokens(),
                        .connections = server->n_connections(),
                        .answers = cache->counts(),
                        .log_lines_dropped = log->n_dropped()};
    for (const auto& loaded : models.models()) {
      const CacheCounts contexts = loaded->reader->context_cache_counts();
      now.contexts.hits += contexts.hits;
      now.contexts.misses += contexts.misses;
      now.contexts.bytes += contexts.bytes;
      now.models.push_back({.name = loaded->name,
                            .generation = loaded->generation,
                            .weight_type = loaded->reader->model().weight_type()});
    }
    return now;
  }

  void load_anew() {
    const std::vector<LoadFailure> failures = models.load();
    for (const LoadFailure& failure : failures) {
      metrics.reload_failed();
      log->note("reload_failed", fmt::format("{}: {}", failure.name, failure.error.message));
    }
    const std::size_t n = options.models.size();
    log->note("reloaded", fmt::format("{} of {} models", n - failures.size(), n));
  }

  ServerHooks hooks(std::function<void()> started) {
    return {.started = std::move(started),
            .reload =
                [this] {
                  log->reopen();
                  reloading.post(1, [this] { load_anew(); });
                },
            .accept_paused = [this] { metrics.accept_paused(); },
            .log = [this](std::string_view message) { log->note("server", message); }};
  }

  const ServiceOptions options;
  const std::unique_ptr<Server> server;
  const std::unique_ptr<AccessLog> log;
  const std::unique_ptr<FeedbackStore> feedback;  // null: off
  Metrics metrics;
  Worker preparation;
  const std::shared_ptr<AnswerCache> cache;
  BatchingEngine engine;
  ModelSet models;
  Api api;
  Worker reloading{1};  // one load, and one that waits for it: more would load the same again
};

Service::Service(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Service::~Service() = default;

Result<std::unique_ptr<Service>> Service::open(ServiceOptions options) {
  SPANQA_CHECK(!options.models.empty());
  options.api.model_names = names_of(options.models);
  options.api.body_bytes = options.server.session.limits.body_bytes;
  SPANQA_ASSIGN(auto server, Server::open(options.server));
  SPANQA_ASSIGN(auto log, AccessLog::open(options.log));
  std::unique_ptr<FeedbackStore> feedback;
  if (!options.feedback.empty()) {
    SPANQA_ASSIGN(feedback, FeedbackStore::open(options.feedback));
  }
  return std::unique_ptr<Service>(
      new Service(std::make_unique<Impl>(std::move(options), std::move(server), std::move(log), std::move(feedback))));
}

Status Service::load() {
  std::vector<LoadFailure> failures = impl_->models.load();
  if (!failures.empty()) return tl::unexpected<Error>(std::move(failures.front().error));
  impl_->api.set_phase(ServerPhase::kReady);
  return {};
}

std::string Service::url() const { return impl_->server->url(); }
std::uint16_t Service::port() const { return impl_->server->port(); }
Status Service::run(std::function<void()> started) {
  return impl_->server->run(impl_->api, impl_->hooks(std::move(started)));
}
void Service::stop() { impl_->server->stop(); }
void Service::reload() { impl_->server->reload(); }

}  // namespace spanqa::serve

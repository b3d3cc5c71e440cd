#include "serve/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <mutex>
#include <sstream>

#include "base/cpu.h"

namespace spanqa::serve {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Labels;
using prometheus::Registry;

/// From a cached answer to the deadline.
const Histogram::BucketBoundaries kSeconds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                              0.25,   0.5,   1.0,    2.5,   5.0,  10.0,  30.0, 60.0};
const Histogram::BucketBoundaries kBatchTokens = {64, 128, 256, 384, 512, 768, 1024, 2048};
const Histogram::BucketBoundaries kBatchWindows = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64};

Family<Counter>& counters(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}
Family<Gauge>& gauges(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}
Family<Histogram>& histograms(Registry& registry, const char* name, const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

std::string route_label(const Route* route) { return route == nullptr ? "other" : std::string(route->operation); }

double seconds_of(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

/// A counter whose total others keep. A total that falls (a model loaded anew counts from 0) begins again.
class FollowingCounter {
 public:
  explicit FollowingCounter(Counter& counter) : counter_(&counter) {}
  void follow(std::uint64_t total) {
    counter_->Increment(static_cast<double>(total >= last_ ? total - last_ : total));
    last_ = total;
  }

 private:
  Counter* counter_;
  std::uint64_t last_ = 0;
};

/// Hits, misses and size of one cache.
class CacheFamilies {
 public:
  CacheFamilies(Registry& registry, const char* cache)
      : hits_(counters(registry, "spanqa_cache_hits_total", "Look-ups that found what they looked for.")
                  .Add({{"cache", cache}})),
        misses_(counters(registry, "spanqa_cache_misses_total", "Look-ups in vain.").Add({{"cache", cache}})),
        bytes_(&gauges(registry, "spanqa_cache_bytes", "What the cache holds.").Add({{"cache", cache}})) {}
  void follow(const CacheCounts& counts) {
    hits_.follow(counts.hits);
    misses_.follow(counts.misses);
    bytes_->Set(static_cast<double>(counts.bytes));
  }

 private:
  FollowingCounter hits_;
  FollowingCounter misses_;
  Gauge* bytes_;
};

}  // namespace

// Families of one name are one: the registry merges them.
struct Metrics::Impl {
  Registry registry;

  Family<Counter>& requests = counters(registry, "spanqa_http_requests_total", "Responses by route and status.");
  Family<Histogram>& request_seconds =
      histograms(registry, "spanqa_http_request_seconds", "From the complete request to its response.");
  Family<Counter>& rejected = counters(registry, "spanqa_rejected_total", "Refused requests by the error's code.");
  Counter& cancelled =
      counters(registry, "spanqa_cancelled_total", "Requests whose client left before the answer.").Add({});
  Gauge& in_flight = gauges(registry, "spanqa_in_flight", "Requests that are being answered.").Add({});

  Histogram& queue_seconds = histograms(registry, "spanqa_queue_seconds", "Waiting of one request.").Add({}, kSeconds);
  Histogram& tokenize_seconds =
      histograms(registry, "spanqa_tokenize_seconds", "Tokenising of one request.").Add({}, kSeconds);
  Histogram& inference_seconds =
      histograms(registry, "spanqa_inference_seconds", "Reading of one request.").Add({}, kSeconds);

  Family<Counter>& windows = counters(registry, "spanqa_windows_total", "Windows read.");
  Family<Counter>& tokens = counters(registry, "spanqa_tokens_total", "Tokens read, special ones included.");
  Family<Histogram>& batch_tokens = histograms(registry, "spanqa_batch_tokens", "Tokens of one forward pass.");
  Histogram& batch_windows =
      histograms(registry, "spanqa_batch_windows", "Windows of one forward pass.").Add({}, kBatchWindows);

  Counter& reload_failures =
      counters(registry, "spanqa_reload_failures_total", "Models that could not be loaded anew.").Add({});
  Counter& accept_pauses = counters(registry, "spanqa_accept_pauses_total",
                                    "Times that accepting paused: descriptors or connections used up.")
                               .Add({});

  // What follows belongs to text() and its mutex.
  std::mutex mutex;
  CacheFamilies answers{registry, "answers"};
  CacheFamilies contexts{registry, "contexts"};
  FollowingCounter log_lines_dropped{
      counters(registry, "spanqa_log_lines_dropped_total", "Lines of the access log that nobody took.").Add({})};
  Gauge& queue_tokens = gauges(registry, "spanqa_queue_tokens", "Tokens that wait to be read.").Add({});
  Gauge& connections = gauges(registry, "spanqa_connections", "Open connections.").Add({});
  Gauge& resident = gauges(registry, "spanqa_resident_bytes", "Resident memory of the process.").Add({});
  Family<Gauge>& model_info = gauges(registry, "spanqa_model_info", "1 for each model that is loaded.");
  std::vector<Gauge*> models;

  void set_models(const std::vector<ModelInfo>& loaded) {
    for (Gauge* const gauge : models) model_info.Remove(gauge);
    models.clear();
    for (const ModelInfo& model : loaded) {
      models.push_back(&model_info.Add(
          {{"name", model.name}, {"generation", std::to_string(model.generation)}, {"weights", model.weight_type}},
          1.0));
    }
  }
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::request_begun() { impl_->in_flight.Increment(); }

void Metrics::response_done(const Route* route, int status, double seconds) {
  impl_->in_flight.Decrement();
  const std::string label = route_label(route);
  impl_->requests.Add({{"route", label}, {"status", std::to_string(status)}}).Increment();
  impl_->request_seconds.Add({{"route", label}}, kSeconds).Observe(seconds);
}

void Metrics::rejected(ErrorKind kind) {
  impl_->rejected.Add({{"code", std::string(error_row(kind).code)}}).Increment();
}

void Metrics::cancelled() {
  impl_->in_flight.Decrement();
  impl_->cancelled.Increment();
}

void Metrics::answered(const EngineTimes& times) {
  impl_->queue_seconds.Observe(seconds_of(times.queue));
  impl_->tokenize_seconds.Observe(seconds_of(times.tokenize));
  impl_->inference_seconds.Observe(seconds_of(times.inference));
}

void Metrics::batch_done(const BatchFacts& batch) {
  const Labels model = {{"model", batch.model}};
  impl_->windows.Add(model).Increment(static_cast<double>(batch.n_windows));
  impl_->tokens.Add(model).Increment(static_cast<double>(batch.n_tokens));
  impl_->batch_tokens.Add({{"mode", batch.is_wide ? "wide" : "narrow"}}, kBatchTokens)
      .Observe(static_cast<double>(batch.n_tokens));
  impl_->batch_windows.Observe(static_cast<double>(batch.n_windows));
}

void Metrics::reload_failed() { impl_->reload_failures.Increment(); }
void Metrics::accept_paused() { impl_->accept_pauses.Increment(); }

std::string Metrics::text(const MetricsSnapshot& snapshot) {
  const std::lock_guard lock(impl_->mutex);
  impl_->answers.follow(snapshot.answers);
  impl_->contexts.follow(snapshot.contexts);
  impl_->log_lines_dropped.follow(snapshot.log_lines_dropped);
  impl_->queue_tokens.Set(static_cast<double>(snapshot.queue_tokens));
  impl_->connections.Set(static_cast<double>(snapshot.connections));
  impl_->resident.Set(static_cast<double>(resident_memory_bytes()));
  impl_->set_models(snapshot.models);
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, impl_->registry.Collect());
  return std::move(out).str();
}

}  // namespace spanqa::serve

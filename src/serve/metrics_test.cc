#include "serve/metrics.h"

#include <gtest/gtest.h>

#include <chrono>

#include "serve/testing_prometheus.h"

namespace spanqa::serve {
namespace {

using namespace std::chrono_literals;
using testing::samples_of;

const Route* route_of(RouteId id) {
  for (const Route& route : route_table()) {
    if (route.id == id) return &route;
  }
  return nullptr;
}

TEST(Metrics, CountsResponsesByRouteAndStatus) {
  Metrics metrics;
  for (int i = 0; i < 4; ++i) metrics.request_begun();
  metrics.response_done(route_of(RouteId::kPredict), 200, 0.02);
  metrics.response_done(route_of(RouteId::kPredict), 200, 0.2);
  metrics.response_done(nullptr, 404, 0.0);
  const auto samples = samples_of(metrics.text({}));
  EXPECT_EQ(samples.at(R"(spanqa_http_requests_total{route="predict",status="200"})"), 2.0);
  EXPECT_EQ(samples.at(R"(spanqa_http_requests_total{route="other",status="404"})"), 1.0);
  EXPECT_EQ(samples.at(R"(spanqa_http_request_seconds_count{route="predict"})"), 2.0);
  EXPECT_EQ(samples.at(R"(spanqa_http_request_seconds_bucket{route="predict",le="0.025"})"), 1.0);
  EXPECT_EQ(samples.at("spanqa_in_flight"), 1.0);
}

TEST(Metrics, CountsWhatTheEngineDoes) {
  Metrics metrics;
  metrics.batch_done({.model = "a", .n_windows = 3, .n_tokens = 500, .is_wide = true});
  metrics.batch_done({.model = "a", .n_windows = 1, .n_tokens = 100, .is_wide = false});
  metrics.answered({.tokenize = 2ms, .queue = 1ms, .inference = 30ms});
  metrics.cancelled();
  metrics.rejected(ErrorKind::kQueueFull);
  metrics.reload_failed();
  metrics.accept_paused();
  const auto samples = samples_of(metrics.text({}));
  EXPECT_EQ(samples.at(R"(spanqa_windows_total{model="a"})"), 4.0);
  EXPECT_EQ(samples.at(R"(spanqa_tokens_total{model="a"})"), 600.0);
  EXPECT_EQ(samples.at(R"(spanqa_batch_tokens_sum{mode="wide"})"), 500.0);
  EXPECT_EQ(samples.at("spanqa_batch_windows_count"), 2.0);
  EXPECT_NEAR(samples.at("spanqa_inference_seconds_sum"), 0.03, 1e-9);
  EXPECT_EQ(samples.at(R"(spanqa_rejected_total{code="queue_full"})"), 1.0);
  EXPECT_EQ(samples.at("spanqa_cancelled_total"), 1.0);
  EXPECT_EQ(samples.at("spanqa_reload_failures_total"), 1.0);
  EXPECT_EQ(samples.at("spanqa_accept_pauses_total"), 1.0);
}

TEST(Metrics, TellsOfTheSnapshot) {
  Metrics metrics;
  const MetricsSnapshot snapshot{.queue_tokens = 7,
                                 .connections = 2,
                                 .answers = {.hits = 3, .misses = 4, .bytes = 5},
                                 .contexts = {.hits = 1, .misses = 1, .bytes = 9},
                                 .models = {{.name = "a \"b\"", .generation = 2, .weight_type = "float16"}},
                                 .log_lines_dropped = 6};
  const auto samples = samples_of(metrics.text(snapshot));
  EXPECT_EQ(samples.at("spanqa_queue_tokens"), 7.0);
  EXPECT_EQ(samples.at("spanqa_connections"), 2.0);
  EXPECT_EQ(samples.at(R"(spanqa_cache_hits_total{cache="answers"})"), 3.0);
  EXPECT_EQ(samples.at(R"(spanqa_cache_bytes{cache="contexts"})"), 9.0);
  EXPECT_EQ(samples.at(R"(spanqa_model_info{generation="2",name="a \"b\"",weights="float16"})"), 1.0);
  EXPECT_EQ(samples.at("spanqa_log_lines_dropped_total"), 6.0);
  EXPECT_GT(samples.at("spanqa_resident_bytes"), 1e6);
}

TEST(Metrics, CountersGoOnWhereATotalBeginsAnew) {
  Metrics metrics;
  const auto hits = [&](std::uint64_t total) {
    const auto samples = samples_of(metrics.text({.contexts = {.hits = total, .misses = 0, .bytes = 0}}));
    return samples.at(R"(spanqa_cache_hits_total{cache="contexts"})");
  };
  EXPECT_EQ(hits(5), 5.0);
  EXPECT_EQ(hits(7), 7.0);
  EXPECT_EQ(hits(1), 8.0) << "the model was loaded anew";
}

TEST(Metrics, ForgetsModelsThatWereReplaced) {
  Metrics metrics;
  metrics.text({.models = {{.name = "a", .generation = 1, .weight_type = "float16"}}});
  const auto samples = samples_of(metrics.text({.models = {{.name = "a", .generation = 2, .weight_type = "float32"}}}));
  EXPECT_FALSE(samples.contains(R"(spanqa_model_info{generation="1",name="a",weights="float16"})"));
  EXPECT_TRUE(samples.contains(R"(spanqa_model_info{generation="2",name="a",weights="float32"})"));
}

}  // namespace
}  // namespace spanqa::serve

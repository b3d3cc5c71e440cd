// A lone question over HTTP beside Reader::ask of the same question, in turn, in one process: what the server adds.
//
//   OMP_WAIT_POLICY=passive build/release/bench/serve_lone [QUESTIONS]     (2,000 without a number)
//
// Needs the shared folder: beside the checkout, or named by SPANQA_SHARED. tools/serve/lone.py runs it. Prints JSON.
// The answer cache is off; both sides keep their tokenised contexts.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "data/example_reader.h"
#include "qa/default_model.h"
#include "qa/reader.h"
#include "serve/service.h"
#include "serve/testing_server.h"
#include "shared_data.h"

namespace spanqa {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kWarmUp = 20;  // questions that nobody counts

struct Times {
  std::vector<double> http;  // milliseconds
  std::vector<double> reader;
};

/// A service on its own thread until the end of the scope.
class Running {
 public:
  explicit Running(std::unique_ptr<serve::Service> service)
      : service_(std::move(service)), thread_([this] { static_cast<void>(service_->run()); }) {}
  ~Running() {
    service_->stop();
    thread_.join();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  std::unique_ptr<serve::Service> service_;
  std::thread thread_;
};

Result<std::unique_ptr<serve::Service>> open_service(const std::filesystem::path& folder) {
  serve::ServiceOptions options;
  options.server.port = 0;
  options.models.push_back({.name = "default", .folder = folder});
  options.answer_cache_bytes = 0;
  options.log.is_on = false;
  auto service = serve::Service::open(std::move(options));
  if (!service) return service;
  if (const Status loaded = (*service)->load(); !loaded) return tl::unexpected(loaded.error());
  return service;
}

double milliseconds_since(Clock::time_point begun) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begun).count();
}

/// Milliseconds until the answer stood; below 0 where there was none.
double ask_http(serve::testing::TestClient& client, const Example& example) {
  const std::string body = nlohmann::json{{"question", example.question}, {"context", *example.context}}.dump();
  const auto begun = Clock::now();
  const bool sent = client.post("/predict", body, "Content-Type: application/json\r\n");
  const bool answered = sent && client.response().status == 200;
  return answered ? milliseconds_since(begun) : -1.0;
}

double ask_reader(const Reader& reader, const Example& example) {
  AskOptions options{.decoder = PipelineOptions{}};  // as /predict
  options.windows.long_question = LongQuestion::kFit;
  const auto begun = Clock::now();
  const bool answered = static_cast<bool>(reader.ask(example.question, *example.context, options));
  return answered ? milliseconds_since(begun) : -1.0;
}

/// Each question by both, the first of the two by turns: the second finds the text in the processor's caches.
Times measure(std::uint16_t port, const Reader& reader, const std::vector<Example>& examples) {
  serve::testing::TestClient client(port);
  Times times;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const bool http_first = i % 2 == 0;
    double http = http_first ? ask_http(client, examples[i]) : 0.0;
    const double direct = ask_reader(reader, examples[i]);
    if (!http_first) http = ask_http(client, examples[i]);
    if (i < kWarmUp) continue;
    times.http.push_back(http);
    times.reader.push_back(direct);
  }
  return times;
}

double percentile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
  return values[std::max<std::size_t>(rank, 1) - 1];
}

/// `wanted` and the warm-up, spread over the articles.
std::vector<Example> spread(const std::vector<Example>& all, std::size_t wanted) {
  const std::size_t n = std::min(all.size(), wanted + kWarmUp);
  std::vector<Example> chosen;
  for (std::size_t i = 0; i < n; ++i) chosen.push_back(all[i * all.size() / n]);
  return chosen;
}

int complain(std::string_view what) {
  fmt::print(stderr, "serve_lone: {}\n", what);
  return 2;
}

int print(const Times& times) {
  if (times.http.empty()) return complain("too few questions");
  const auto failed = [](double ms) { return ms < 0.0; };
  if (std::ranges::any_of(times.http, failed)) return complain("a question was not answered over HTTP");
  if (std::ranges::any_of(times.reader, failed)) return complain("a question was not answered by the reader");
  nlohmann::ordered_json json;
  json["questions"] = times.http.size();
  json["http_p50_ms"] = percentile(times.http, 0.5);
  json["reader_p50_ms"] = percentile(times.reader, 0.5);
  json["http_p99_ms"] = percentile(times.http, 0.99);
  json["reader_p99_ms"] = percentile(times.reader, 0.99);
  fmt::print("{}\n", json.dump());
  return 0;
}

int run_lone(std::size_t n_questions) {
  const auto examples = read_examples(testing::shared_path("data/squad-v1.1/dev-v1.1.json"));
  if (!examples) return complain(examples.error().message);
  const auto folder = find_default_model();
  if (!folder) return complain(folder.error().message);
  const auto reader = Reader::open(*folder);
  if (!reader) return complain(reader.error().message);
  auto service = open_service(*folder);
  if (!service) return complain(service.error().message);
  const std::uint16_t port = (*service)->port();
  const Running running(*std::move(service));
  return print(measure(port, **reader, spread(*examples, n_questions)));
}

}  // namespace
}  // namespace spanqa

int main(int argc, char** argv) {
  std::size_t n_questions = 2000;
  if (argc > 1) {
    const std::string_view text = argv[1];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n_questions);
    if (error != std::errc() || end != text.data() + text.size())
      return spanqa::complain("QUESTIONS is no whole number");
  }
  return spanqa::run_lone(n_questions);
}

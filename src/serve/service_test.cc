#include "serve/service.h"

#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>

#include "base/cpu.h"
#include "base/file.h"
#include "base/scratch_file.h"
#include "qa/testing_reader.h"
#include "serve/testing_prometheus.h"
#include "serve/testing_server.h"

namespace spanqa::serve {
namespace {

using Json = nlohmann::json;
using spanqa::testing::ScratchFile;
using spanqa::testing::source_path;
using testing::comes_true;
using testing::TestClient;
using testing::TestResponse;

ServiceOptions tiny_options() {
  ServiceOptions options;
  options.server.port = 0;
  options.server.catch_signals = false;
  options.models = {{.name = "tiny", .folder = source_path("tests/fixtures/nn/tiny-bert")},
                    {.name = "org/other", .folder = source_path("tests/fixtures/nn/tiny-distilbert")}};
  // ThreadSanitizer does not know OpenMP's regions: its runs have OMP_NUM_THREADS=1, and so one core for wide passes.
  options.n_threads = usable_cores();
  return options;
}

/// Loaded and running, its log in a file.
class RunningService {
 public:
  explicit RunningService(ServiceOptions options = tiny_options()) : log_("log", "") {
    options.log.file = log_.path();
    auto opened = Service::open(std::move(options));
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
    service_ = *std::move(opened);
    const Status loaded = service_->load();
    EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().message);
    thread_ = std::thread([this] { status_ = service_->run([this] { has_started_ = true; }); });
    EXPECT_TRUE(comes_true([this] { return has_started_.load(); }));
  }
  ~RunningService() {
    if (thread_.joinable()) (void)stop();
  }
  Service& operator*() { return *service_; }
  Service* operator->() { return service_.get(); }

  Status stop() {
    service_->stop();
    thread_.join();
    return status_;
  }
  /// After stop(): the log is complete.
  std::string log() {
    service_.reset();
    return read_file(log_.path()).value();
  }

  TestResponse get(const std::string& target) {
    TestClient client(service_->port());
    client.get(target);
    return client.response();
  }
  TestResponse ask(const std::string& target, const std::string& question) {
    TestClient client(service_->port());
    client.post(target, Json{{"question", question}, {"context", spanqa::testing::kContext}}.dump());
    return client.response();
  }

 private:
  ScratchFile log_;
  std::unique_ptr<Service> service_;
  std::atomic<bool> has_started_{false};
  std::thread thread_;
  Status status_;
};

TEST(Service, AnswersAsTheReaderDoes) {
  RunningService service;
  const auto reader = spanqa::testing::tiny_reader();
  const AskOptions options{.decoder = PipelineOptions{},
                           .windows = {.max_question_length = SIZE_MAX, .long_question = LongQuestion::kFit}};
  const Answers expected = reader->ask(spanqa::testing::kQuestion, spanqa::testing::kContext, options).value();
  const TestResponse response = service.ask("/predict", spanqa::testing::kQuestion);
  ASSERT_EQ(response.status, 200) << response.body;
  const Json json = Json::parse(response.body);
  EXPECT_EQ(json["answer"], expected.answers.front().text);
  EXPECT_NEAR(json["score"].get<double>(), expected.answers.front().score, 1e-5);
  EXPECT_EQ(json["context"], spanqa::testing::kContext);
  EXPECT_TRUE(service.stop());
}

TEST(Service, IsReadyWithEveryModelWarm) {
  RunningService service;
  EXPECT_EQ(service.get("/health/ready").status, 200);
  EXPECT_EQ(Json::parse(service.get("/health").body)["models"], Json::array({"tiny", "org/other"}));
  EXPECT_EQ(Json::parse(service.get("/v1/models").body)["models"][1]["family"], "distilbert");
}

TEST(Service, SaysWhichModelItCannotLoad) {
  ServiceOptions options = tiny_options();
  options.models[1].folder = source_path("tests/fixtures/text");
  auto service = Service::open(std::move(options)).value();
  const Status loaded = service->load();
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message.find("tests/fixtures/text"), std::string::npos) << loaded.error().message;
}

TEST(Service, AFileThatCannotBeHadIsKnownBeforeModelsAreLoaded) {
  ServiceOptions options = tiny_options();
  options.log.file = "/nowhere/at/all/log";
  EXPECT_EQ(Service::open(options).error().code, ErrorCode::kNotFound);
  options.log.file.clear();
  options.feedback = "/nowhere/at/all/feedback";
  EXPECT_EQ(Service::open(std::move(options)).error().code, ErrorCode::kNotFound);
}

TEST(Service, CountsWindowsHitsAndConnections) {
  RunningService service;
  const auto samples = [&] { return testing::samples_of(service.get("/metrics").body); };
  const auto n_windows = [&] { return samples().at(R"(spanqa_windows_total{model="tiny"})"); };
  const double before = n_windows();
  EXPECT_EQ(service.ask("/predict", "Who?").status, 200);
  EXPECT_TRUE(comes_true([&] { return n_windows() == before + 1.0; }));
  EXPECT_EQ(service.ask("/predict", "Who?").status, 200);
  EXPECT_EQ(n_windows(), before + 1.0) << "the second was known";
  const auto after = samples();
  EXPECT_GE(after.at(R"(spanqa_cache_hits_total{cache="answers"})"), 1.0);
  EXPECT_GE(after.at("spanqa_connections"), 1.0);
  EXPECT_EQ(after.at("spanqa_queue_tokens"), 0.0);
}

TEST(Service, ModelsAreLoadedAnewWhileQuestionsAreAnswered) {
  RunningService service;
  const auto generation = [&] {
    return Json::parse(service.get("/v1/models").body)["models"][0]["generation"].get<int>();
  };
  const int before = generation();
  std::atomic<bool> done{false};
  std::atomic<int> n_failed{0};
  std::thread asker([&] {
    for (int i = 0; !done; ++i) n_failed += service.ask("/predict", "Who " + std::to_string(i) + "?").status != 200;
  });
  for (int i = 0; i < 3; ++i) service->reload();
  EXPECT_TRUE(comes_true([&] { return generation() > before; }));
  done = true;
  asker.join();
  EXPECT_EQ(n_failed, 0);
  EXPECT_TRUE(service.stop());
  EXPECT_NE(service.log().find("\"event\":\"reloaded\""), std::string::npos);
}

TEST(Service, AModelThatCannotBeLoadedAnewStaysAndIsCounted) {
  const ScratchFile place("unused", "");
  const auto folder = place.path().parent_path() / "model";
  std::filesystem::copy(source_path("tests/fixtures/nn/tiny-bert"), folder);
  ServiceOptions options = tiny_options();
  options.models = {{.name = "tiny", .folder = folder}};
  RunningService service(std::move(options));
  std::filesystem::rename(folder, place.path().parent_path() / "gone");
  service->reload();
  EXPECT_TRUE(comes_true(
      [&] { return testing::samples_of(service.get("/metrics").body).at("spanqa_reload_failures_total") == 1.0; }));
  EXPECT_EQ(service.ask("/predict", "Who?").status, 200);
  EXPECT_EQ(service.get("/health/ready").status, 200);
}

TEST(Service, StreamsAndKeepsKeysAndFeedback) {
  const ScratchFile feedback("feedback.jsonl", "");
  ServiceOptions options = tiny_options();
  options.keys = ApiKeys::parse("key").value();
  options.feedback = feedback.path();
  RunningService service(std::move(options));
  EXPECT_EQ(service.ask("/predict", "Who?").status, 401);
  TestClient client(service->port());
  const std::string body = Json{{"question", "Who?"}, {"context", spanqa::testing::kContext}}.dump();
  client.post("/v1/answer", body, "X-API-Key: key\r\nAccept: text/event-stream\r\n");
  const std::string stream = client.through("0\r\n\r\n");
  EXPECT_NE(stream.find("event: answer"), std::string::npos) << stream;
  client.post("/v1/feedback", R"({"question": "Who?", "context": "Ann.", "verdict": "right", "answer": "Ann"})",
              "X-API-Key: key\r\n");
  EXPECT_EQ(client.response(false).status, 204);
  EXPECT_NE(read_file(feedback.path()).value().find("\"verdict\""), std::string::npos);
}

}  // namespace
}  // namespace spanqa::serve

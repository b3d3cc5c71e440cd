#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <utility>

#include "program.h"
#include "serve/testing_server.h"

namespace spanqa::testing {
namespace {

using serve::testing::comes_true;
using serve::testing::TestClient;
using serve::testing::TestResponse;

constexpr const char* kBody = R"({"question": "Who lives here?", "context": "Ada lives here."})";

class ServeTest : public ProgramTest {
 protected:
  /// On a port that is free.
  Running serve(std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.begin(), {"serve", "--port", "0"});
    Running running = start(arguments);
    EXPECT_TRUE(running.wait_for_lines(1));
    const std::string line = running.out();
    EXPECT_TRUE(line.starts_with("listening on http://127.0.0.1:")) << line;
    port_ = static_cast<std::uint16_t>(std::stoi(line.substr(line.rfind(':') + 1)));
    return running;
  }
  TestResponse predict(const std::string& body = kBody) const {
    TestClient client(port_);
    client.post("/predict", body);
    return client.response();
  }
  std::uint16_t port() const { return port_; }
  /// A request stands in the queue.
  bool waits_to_be_read() const {
    TestClient client(port_);
    client.get("/metrics");
    const std::string text = client.response().body;
    const std::string name = "\nspanqa_queue_tokens ";
    const std::size_t at = text.find(name);
    return at != std::string::npos && text.substr(at + name.size(), 2) != "0\n";
  }

 private:
  std::uint16_t port_ = 0;
};

TEST_F(ServeTest, AnswersUntilItIsToldToStop) {
  Running running = serve();
  const TestResponse response = predict();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(nlohmann::json::parse(response.body)["answer"], "Ada");
  running.signal(SIGTERM);
  const Outcome outcome = running.wait();
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const nlohmann::json line = nlohmann::json::parse(outcome.err);
  EXPECT_EQ(line["route"], "predict");
  EXPECT_EQ(line["status"], 200);
  EXPECT_EQ(line["remote"], "127.0.0.1");
  EXPECT_EQ(outcome.err.find("Ada"), std::string::npos) << "the log holds no text";
}

TEST_F(ServeTest, CtrlCEndsItLikeAnyStop) {
  Running running = serve({"--no-access-log"});
  running.signal(SIGINT);
  const Outcome outcome = running.wait();
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.err, "");
}

TEST_F(ServeTest, HangUpLoadsTheModelAnew) {
  Running running = serve({"--access-log", "log"});
  const auto generation = [&] {
    TestClient client(port());
    client.get("/v1/models");
    return nlohmann::json::parse(client.response().body)["models"][0]["generation"].get<int>();
  };
  const int before = generation();
  running.signal(SIGHUP);
  EXPECT_TRUE(comes_true([&] { return generation() > before; }));
  EXPECT_EQ(predict().status, 200);
  running.signal(SIGTERM);
  EXPECT_EQ(running.wait().code, 0);
  EXPECT_HAS(contents(folder() / "log"), "\"event\":\"reloaded\"");
}

TEST_F(ServeTest, ASecondSignalEndsItWhateverIsUnderWay) {
  for (const int number : {SIGTERM, SIGINT}) {
    Running running = serve({"--deadline-ms", "3600000"});
    std::string text;
    while (text.size() < 400'000) text += "Nobody knows who lives in the house at the end of the road. ";
    TestClient client(port());
    client.post("/predict", nlohmann::json{{"question", "Who lives here?"}, {"context", text}}.dump());
    EXPECT_TRUE(comes_true([&] { return waits_to_be_read(); }));
    running.signal(SIGTERM);
    EXPECT_TRUE(comes_true([&] { return !TestClient(port()).is_connected(); }));
    EXPECT_FALSE(running.ended()) << "it reads to the end";
    running.signal(number);
    EXPECT_EQ(running.wait().code, 128 + number);
  }
}

/// A model that is being loaded until the test gives it its configuration.
class WaitingModel {
 public:
  explicit WaitingModel(std::filesystem::path folder) : pipe_(folder / "config.json"), file_(folder / "kept.json") {
    std::filesystem::copy(source_path("tests/fixtures/nn/tiny-bert"), folder);
    std::filesystem::rename(pipe_, file_);
    EXPECT_EQ(::mkfifo(pipe_.c_str(), 0600), 0);
  }
  ~WaitingModel() {
    if (writer_ >= 0) ::close(writer_);
  }
  WaitingModel(const WaitingModel&) = delete;
  WaitingModel& operator=(const WaitingModel&) = delete;

  bool is_waited_for() {
    return comes_true([this] { return (writer_ = ::open(pipe_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)) >= 0; });
  }
  void give() {
    const std::string text = contents(file_);
    std::filesystem::rename(file_, pipe_);  // for whoever opens it from now on
    EXPECT_EQ(::write(writer_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ::close(std::exchange(writer_, -1));
  }

 private:
  std::filesystem::path pipe_;
  std::filesystem::path file_;
  int writer_ = -1;
};

TEST_F(ServeTest, EndsAtOnceWhileModelsAreBeingLoaded) {
  for (const int number : {SIGTERM, SIGINT}) {
    WaitingModel model(folder() / std::to_string(number));
    Running running = start({"serve", "--port", "0", "--model", std::to_string(number)});
    ASSERT_TRUE(model.is_waited_for());
    running.signal(number);
    const Outcome outcome = running.wait();
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(outcome.out, "") << "it never said that it listens";
    EXPECT_EQ(outcome.err, "");
  }
}

TEST_F(ServeTest, AHangUpWhileModelsAreBeingLoadedLoadsThemAnewAfterwards) {
  WaitingModel model(folder() / "model");
  Running running = start({"serve", "--port", "0", "--model", "model", "--access-log", "log"});
  ASSERT_TRUE(model.is_waited_for());
  running.signal(SIGHUP);
  model.give();
  ASSERT_TRUE(running.wait_for_lines(1));
  EXPECT_TRUE(comes_true([&] { return contents(folder() / "log").find("\"reloaded\"") != std::string::npos; }));
  running.signal(SIGTERM);
  EXPECT_EQ(running.wait().code, 0);
}

TEST_F(ServeTest, KeysComeFromTheEnvironment) {
  ::setenv("SPANQA_API_KEYS", "secret-key", 1);
  Running running = serve();
  ::unsetenv("SPANQA_API_KEYS");
  EXPECT_EQ(predict().status, 401);
  TestClient client(port());
  client.post("/predict", kBody, "Authorization: Bearer secret-key\r\n");
  EXPECT_EQ(client.response().status, 200);
  running.signal(SIGTERM);
  const Outcome outcome = running.wait();
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.err.find("secret-key"), std::string::npos);
}

TEST_F(ServeTest, EachFaultHasItsExitCode) {
  EXPECT_EQ(run({"serve", "--port", "70000"}).code, 2);
  EXPECT_EQ(run({"serve", "--port", "0", "--address", "nowhere.example"}).code, 2);
  EXPECT_EQ(run({"serve", "--port", "0", "--access-log", "/nowhere/at/all/log"}).code, 3);
  const Outcome model = run({"serve", "--port", "0", "--model", "missing=models/none"});
  EXPECT_EQ(model.code, 4);
  EXPECT_HAS(model.err, "models/none");
  EXPECT_EQ(model.out, "") << "it never listened to anybody";
  Running running = serve();
  const Outcome second = run({"serve", "--port", std::to_string(port())});
  EXPECT_EQ(second.code, 3);
  EXPECT_HAS(second.err, std::to_string(port()));
  running.signal(SIGTERM);
  EXPECT_EQ(running.wait().code, 0);
}

}  // namespace
}  // namespace spanqa::testing

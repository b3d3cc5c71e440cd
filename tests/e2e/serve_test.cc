#include <gtest/gtest.h>

#include <csignal>

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

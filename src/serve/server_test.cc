#include "serve/server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>

#include "serve/testing_server.h"

namespace spanqa::serve {
namespace {

using testing::comes_true;
using testing::quiet_options;
using testing::TestClient;
using testing::TestHandler;
using testing::TestResponse;
using testing::TestServer;
using namespace std::chrono_literals;

const std::vector<ServerPhase> kEndsWell = {ServerPhase::kDraining, ServerPhase::kStopping};

TEST(Server, TakesAPortThatIsFree) {
  TestServer server(quiet_options());
  EXPECT_GT(server.port(), 0);
  EXPECT_EQ(server.server().url(), "http://127.0.0.1:" + std::to_string(server.port()));
  ServerOptions same = quiet_options();
  same.port = server.port();
  const auto second = Server::open(same);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kIo);
  EXPECT_NE(second.error().message.find(std::to_string(server.port())), std::string::npos) << second.error().message;
}

TEST(Server, AnAddressIsGivenInFigures) {
  ServerOptions options = quiet_options();
  options.address = "nowhere.example";
  const auto server = Server::open(options);
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code, ErrorCode::kInvalidArgument);
}

TEST(Server, ServesIpv6AndIpv4AtOnce) {
  ServerOptions options = quiet_options();
  options.address = "::";
  options.port = 0;
  if (!Server::open(options)) GTEST_SKIP() << "this machine has no IPv6";
  TestServer server(options);
  EXPECT_EQ(server.server().url(), "http://[::]:" + std::to_string(server.port()));
  TestClient client(server.port());
  ASSERT_TRUE(client.get("/a"));
  EXPECT_EQ(client.response().body, "GET /a 127.0.0.1 ") << "an IPv4 address is shown as one";
}

TEST(Server, ClientsThatCameBeforeItRunsAreServed) {
  ServerOptions options = quiet_options();
  options.port = 0;
  auto server = Server::open(options);
  ASSERT_TRUE(server);
  TestClient client((*server)->port());
  ASSERT_TRUE(client.is_connected());
  ASSERT_TRUE(client.get("/a", "Connection: close\r\n"));
  TestHandler handler;
  std::jthread thread([&] { EXPECT_TRUE((*server)->run(handler)); });
  EXPECT_EQ(client.response().status, 200);
  (*server)->stop();
}

TEST(Server, StopsOnceWhatIsUnderWayIsAnswered) {
  TestServer server(quiet_options());
  TestClient idle(server.port());
  ASSERT_TRUE(idle.get("/a"));
  EXPECT_EQ(idle.response().status, 200);
  TestClient half_read(server.port());
  ASSERT_TRUE(half_read.send("POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nha"));
  TestClient asking(server.port());
  ASSERT_TRUE(asking.get("/hold"));
  const TestHandler::Held held = server.handler().next();
  server.server().stop();
  EXPECT_EQ(idle.rest(), "") << "closed at once";
  EXPECT_TRUE(comes_true([&] { return !TestClient(server.port()).is_connected(); })) << "nobody listens";
  ASSERT_TRUE(half_read.send("lf"));
  const TestResponse late = half_read.response();
  EXPECT_EQ(late.body, "POST /b 127.0.0.1 half");
  EXPECT_TRUE(late.has("Connection: close"));
  held.exchange->respond({.status = 200, .body = "held"});
  const TestResponse last = asking.response();
  EXPECT_EQ(last.body, "held");
  EXPECT_TRUE(last.has("Connection: close"));
  const Status status = server.wait();
  EXPECT_TRUE(status) << status.error().message;
  EXPECT_EQ(server.handler().phases(), kEndsWell);
}

TEST(Server, ARequestThatTheKernelHoldsIsAnsweredBeforeItStops) {
  TestServer server(quiet_options());
  TestClient busy(server.port());
  TestClient kept(server.port());
  ASSERT_TRUE(kept.get("/a"));
  EXPECT_EQ(kept.response().status, 200);
  std::atomic<bool> blocks = true;
  ASSERT_TRUE(busy.get("/hold"));
  const TestHandler::Held held = server.handler().next();
  // The client's end is told of on the io thread, which so is kept from reading what comes meanwhile.
  held.exchange->on_gone([&] {
    while (blocks) std::this_thread::sleep_for(1ms);
  });
  busy.close();
  ASSERT_TRUE(comes_true([&] { return held.exchange->is_gone(); }));
  ASSERT_TRUE(kept.get("/b"));
  TestClient fresh(server.port());
  ASSERT_TRUE(fresh.get("/c"));
  server.server().stop();
  blocks = false;
  EXPECT_EQ(kept.response().body, "GET /b 127.0.0.1 ");
  EXPECT_EQ(fresh.response().body, "GET /c 127.0.0.1 ") << "not even accepted when the word came";
  EXPECT_TRUE(server.wait());
}

TEST(Server, CutsWhatOutlastsTheGrace) {
  ServerOptions options = quiet_options();
  options.grace = 100ms;
  TestServer server(options);
  TestClient client(server.port());
  ASSERT_TRUE(client.get("/hold"));
  const TestHandler::Held held = server.handler().next();
  std::atomic<bool> is_told = false;
  held.exchange->on_gone([&] { is_told = true; });
  const Status status = server.stop();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(is_told);
  EXPECT_TRUE(held.exchange->is_gone());
  EXPECT_EQ(client.rest(), "");
  EXPECT_EQ(server.handler().phases(), kEndsWell);
}

TEST(Server, AnExchangeMayOutliveIt) {
  TestHandler::Held held;
  {
    ServerOptions options = quiet_options();
    options.grace = 0ms;
    TestServer server(options);
    TestClient client(server.port());
    ASSERT_TRUE(client.get("/hold"));
    held = server.handler().next();
    EXPECT_FALSE(server.stop());
  }
  EXPECT_TRUE(held.exchange->is_gone());
  held.exchange->respond({.status = 200});
}

TEST(Server, GoesOnListeningForTheDrainDelay) {
  ServerOptions options = quiet_options();
  options.drain_delay = 400ms;
  TestServer server(options);
  TestClient kept(server.port());
  ASSERT_TRUE(kept.get("/a"));
  EXPECT_FALSE(kept.response().has("Connection: close"));
  server.server().stop();
  ASSERT_TRUE(comes_true([&] { return !server.handler().phases().empty(); }));
  TestClient late(server.port());
  ASSERT_TRUE(late.get("/b"));
  EXPECT_TRUE(late.response().has("Connection: close"));
  ASSERT_TRUE(kept.get("/c"));
  EXPECT_TRUE(kept.response().has("Connection: close"));
  EXPECT_TRUE(server.wait());
  EXPECT_FALSE(TestClient(server.port()).is_connected());
}

TEST(Server, ConnectionsAboveTheMostWait) {
  ServerOptions options = quiet_options();
  options.max_connections = 2;
  std::atomic<int> n_pauses = 0;
  std::atomic<int> n_lines = 0;
  TestServer server(options, {.accept_paused = [&] { ++n_pauses; }, .log = [&](std::string_view) { ++n_lines; }});
  TestClient first(server.port());
  TestClient second(server.port());
  for (TestClient* client : {&first, &second}) {
    ASSERT_TRUE(client->get("/a"));
    EXPECT_EQ(client->response().status, 200);
  }
  TestClient third(server.port());
  ASSERT_TRUE(third.get("/b"));
  pollfd ready{.fd = third.descriptor(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&ready, 1, 50), 0) << "not yet";
  EXPECT_EQ(server.server().n_connections(), 2U);
  EXPECT_EQ(n_pauses, 1);
  first.close();
  EXPECT_EQ(third.response().status, 200);
  EXPECT_EQ(n_pauses, 2);
  EXPECT_EQ(n_lines, 1) << "one a minute";
}

/// All descriptors of the process up to `n`, until it ends.
class UsedUpDescriptors {
 public:
  explicit UsedUpDescriptors(rlim_t n) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit tight = before_;
    tight.rlim_cur = n;
    ::setrlimit(RLIMIT_NOFILE, &tight);
    for (int one = 0; (one = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) taken_.push_back(one);
  }
  ~UsedUpDescriptors() {
    for (const int one : taken_) ::close(one);
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }
  UsedUpDescriptors(const UsedUpDescriptors&) = delete;
  UsedUpDescriptors& operator=(const UsedUpDescriptors&) = delete;

 private:
  rlimit before_{};
  std::vector<int> taken_;
};

TEST(Server, WaitsForDescriptorsAndRecovers) {
  ServerOptions options = quiet_options();
  options.accept_pause = 10ms;
  std::atomic<int> n_pauses = 0;
  std::atomic<int> n_lines = 0;
  TestServer server(options, {.accept_paused = [&] { ++n_pauses; }, .log = [&](std::string_view) { ++n_lines; }});
  TestClient before(server.port());
  ASSERT_TRUE(before.get("/a"));
  EXPECT_EQ(before.response().status, 200);
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::unique_ptr<TestClient> waiting;
  {
    const UsedUpDescriptors used_up(200);
    waiting = std::make_unique<TestClient>(server.port(), descriptor);
    ASSERT_TRUE(waiting->is_connected()) << "by the kernel";
    ASSERT_TRUE(waiting->get("/b"));
    EXPECT_TRUE(comes_true([&] { return n_pauses >= 3; }));
    ASSERT_TRUE(before.get("/c"));
    EXPECT_EQ(before.response().status, 200) << "those that are open are served";
  }
  EXPECT_EQ(waiting->response().status, 200);
  EXPECT_EQ(n_lines, 1) << "one a minute";
}

TEST(Server, TakesAllTheDescriptorsItMay) {
  TestServer server(quiet_options());
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, limit.rlim_max);
}

TEST(Server, ObeysSignals) {
  ServerOptions options = quiet_options();
  options.catch_signals = true;
  std::atomic<int> n_reloads = 0;
  TestServer server(options, {.reload = [&] { ++n_reloads; }});
  TestClient client(server.port());
  ASSERT_TRUE(client.get("/a"));
  EXPECT_EQ(client.response().status, 200) << "it runs, and so catches signals";
  ::kill(::getpid(), SIGHUP);
  EXPECT_TRUE(comes_true([&] { return n_reloads == 1; }));
  ASSERT_TRUE(client.get("/hold"));
  const TestHandler::Held held = server.handler().next();
  ::kill(::getpid(), SIGTERM);
  EXPECT_TRUE(comes_true([&] { return !server.handler().phases().empty(); }));
  held.exchange->respond({.status = 200});
  EXPECT_EQ(client.response().status, 200);
  EXPECT_TRUE(server.wait());
  struct sigaction action{};
  ASSERT_EQ(::sigaction(SIGTERM, nullptr, &action), 0);
  EXPECT_EQ(action.sa_handler, SIG_DFL);
}

}  // namespace
}  // namespace spanqa::serve

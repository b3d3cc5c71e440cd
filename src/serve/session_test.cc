#include "serve/session.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>

#include "serve/event_stream.h"
#include "serve/testing_server.h"

namespace spanqa::serve {
namespace {

using testing::comes_true;
using testing::quiet_options;
using testing::TestClient;
using testing::TestHandler;
using testing::TestResponse;
using testing::TestServer;
using testing::with_session;
using testing::with_times;
using namespace std::chrono_literals;

HttpResponse event_stream() {
  HttpResponse head{.status = 200};
  head.set("Content-Type", "text/event-stream");
  return head;
}

TEST(Session, AnswersOneRequestAfterAnotherOnOneConnection) {
  TestServer server(quiet_options());
  TestClient client(server.port());
  ASSERT_TRUE(client.get("/a"));
  const TestResponse first = client.response();
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body, "GET /a 127.0.0.1 ");
  EXPECT_TRUE(first.has("Date: ")) << first.head;
  EXPECT_FALSE(first.has("Connection")) << first.head;
  ASSERT_TRUE(client.post("/b", "body", "Connection: close\r\n"));
  const TestResponse last = client.response();
  EXPECT_EQ(last.body, "POST /b 127.0.0.1 body");
  EXPECT_TRUE(last.has("Connection: close")) << last.head;
  EXPECT_EQ(client.rest(), "");
}

TEST(Session, ReadsARequestThatComesByteByByte) {
  TestServer server(quiet_options());
  TestClient client(server.port());
  const std::string request =
      "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n";
  for (const char& c : request) ASSERT_TRUE(client.send({&c, 1}));
  EXPECT_EQ(client.response().body, "POST /a 127.0.0.1 abcde");
}

TEST(Session, CarriesLargeBodiesBothWays) {
  TestServer server(quiet_options());
  TestClient client(server.port());
  const std::string body(std::size_t{3} << 20, 'x');
  ASSERT_TRUE(client.post("/a", body));
  EXPECT_TRUE(client.response().body == "POST /a 127.0.0.1 " + body);
  ASSERT_TRUE(client.get("/b")) << "and goes on";
  EXPECT_EQ(client.response().body, "GET /b 127.0.0.1 ");
}

TEST(Session, AnswersPipelinedRequestsInTheirOrder) {
  TestServer server(quiet_options());
  TestClient client(server.port());
  const std::string rest =
      "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nxGET /c HTTP/1.1\r\nHost: h\r\n\r\n";
  ASSERT_TRUE(client.send("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n" + rest.substr(0, 30)));
  const TestHandler::Held held = server.handler().next();
  ASSERT_TRUE(client.send(rest.substr(30)));
  EXPECT_EQ(server.handler().n_handled(), 1U) << "the others wait";
  held.exchange->respond({.status = 200, .body = "first"});
  EXPECT_EQ(client.response().body, "first");
  EXPECT_EQ(client.response().body, "POST /b 127.0.0.1 x");
  EXPECT_EQ(client.response().body, "GET /c 127.0.0.1 ");
}

TEST(Session, DoesNotReadOnWithoutEnd) {
  TestServer server(quiet_options());
  TestClient client(server.port());
  ASSERT_TRUE(client.get("/hold"));
  const TestHandler::Held held = server.handler().next();
  const std::string requests(std::size_t{1} << 20, '\n');
  std::size_t n_sent = 0;
  pollfd ready{.fd = client.descriptor(), .events = POLLOUT, .revents = 0};
  while (n_sent < (std::size_t{64} << 20) && ::poll(&ready, 1, 200) == 1) {
    const ssize_t n = ::send(client.descriptor(), requests.data(), requests.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) n_sent += static_cast<std::size_t>(n);
  }
  EXPECT_LT(n_sent, std::size_t{64} << 20) << "what the kernel holds, and little more";
  held.exchange->respond({.status = 200, .body = "here"});
  EXPECT_EQ(client.response().body, "here");
}

TEST(Session, SendsContinueToAClientThatWaitsForIt) {
  TestServer server(quiet_options());
  TestClient client(server.port());
  const std::string headers = " HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
  ASSERT_TRUE(client.send("POST /a" + headers));
  EXPECT_EQ(client.response().head, "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(client.send("abc"));
  EXPECT_EQ(client.response().body, "POST /a 127.0.0.1 abc");
  ASSERT_TRUE(client.send("POST /refused" + headers));
  const TestResponse refused = client.response();
  EXPECT_EQ(refused.status, 401) << "without its body being asked for";
  EXPECT_TRUE(refused.has("Connection: close"));
  EXPECT_EQ(client.rest(), "");
  EXPECT_EQ(server.handler().n_handled(), 1U);
}

TEST(Session, ABodyThatIsTooLargeIsRefusedAndDrained) {
  TestServer server(with_session({.limits = {.body_bytes = 1000}}));
  for (const std::size_t size : {std::size_t{1001}, std::size_t{200000}}) {
    TestClient client(server.port());
    ASSERT_TRUE(client.post("/a", std::string(size, 'x')));
    std::this_thread::sleep_for(20ms);  // a reset would have come by now, and have taken the response with it
    EXPECT_EQ(client.response().status, 413);
    EXPECT_EQ(client.rest(), "") << size;
  }
  EXPECT_EQ(server.handler().refusals(), (std::vector<std::string>(2, "/a body_too_large")));
}

TEST(Session, AClientThatNeverStopsSendingIsLeft) {
  TestServer server(with_session({.limits = {.body_bytes = 1000}, .linger_bytes = 100000}));
  TestClient client(server.port());
  const std::string much(std::size_t{1} << 20, 'x');
  ASSERT_TRUE(client.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999\r\n\r\n"));
  int n = 0;
  while (n < 64 && client.send(much)) ++n;
  EXPECT_LT(n, 64);
  EXPECT_TRUE(comes_true([&] { return server.server().n_connections() == 0; }));
}

TEST(Session, RefusesWhatCannotBeRead) {
  TestServer server(quiet_options());
  const auto refused = [&](const std::string& bytes) {
    TestClient client(server.port());
    EXPECT_TRUE(client.send(bytes));
    const TestResponse response = client.response();
    EXPECT_TRUE(response.has("Connection: close")) << response.head;
    EXPECT_EQ(client.rest(), "");
    return response.status;
  };
  EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(20000, 'x')), 431);
  EXPECT_EQ(refused("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
  EXPECT_EQ(refused("nonsense\r\n\r\n"), 400);
  EXPECT_EQ(refused("\x16\x03\x01\x02\r\n\r\n"), 400) << "TLS where none is spoken";
  EXPECT_EQ(refused("POST / HTTP/1.1\r\nHost: h\r\nExpect: a-miracle\r\nContent-Length: 1\r\n\r\n"), 417);
}

TEST(Session, RandomBytesDoNoHarm) {
  TestServer server(quiet_options());
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 150; ++round) {
    std::string bytes = round % 3 == 0 ? "" : "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n";
    for (std::size_t n = random() % 400; n > 0; --n) bytes += static_cast<char>(random());
    for (std::size_t n = random() % 4; n > 0 && !bytes.empty(); --n) bytes[random() % bytes.size()] ^= 0x10;
    TestClient client(server.port());
    (void)client.send(bytes);
    if (round % 2 == 0) {
      client.shut();
      EXPECT_EQ(client.rest().find("[time-out]"), std::string::npos) << round;
    }
  }
  TestClient client(server.port());
  ASSERT_TRUE(client.get("/a"));
  EXPECT_EQ(client.response().status, 200);
}

/// Sends `bytes` one by one until the server has something to say.
TestResponse response_to_slow(TestClient& client, std::string_view bytes) {
  pollfd ready{.fd = client.descriptor(), .events = POLLIN, .revents = 0};
  for (const char& c : bytes) {
    if (!client.send({&c, 1}) || ::poll(&ready, 1, 20) == 1) break;
  }
  return client.response();
}

TEST(Session, AHeaderThatDribblesInIsGivenUp) {
  TestServer server(with_times({.header = 150ms}));
  TestClient client(server.port());
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(response_to_slow(client, "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(1000, 'x')).status, 408);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 150ms);
  client.shut();
  EXPECT_EQ(client.rest(), "");
  EXPECT_EQ(server.handler().refusals(), std::vector<std::string>{" request_timeout"});
}

TEST(Session, ABodyThatDribblesInIsGivenUp) {
  TestServer server(with_times({.body = 150ms}));
  TestClient client(server.port());
  ASSERT_TRUE(client.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n"));
  EXPECT_EQ(response_to_slow(client, std::string(1000, 'x')).status, 408);
  EXPECT_EQ(server.handler().refusals(), std::vector<std::string>{"/a request_timeout"});
}

TEST(Session, ABodyThatStopsIsGivenUp) {
  TestServer server(with_times({.body_pause = 100ms}));
  TestClient client(server.port());
  ASSERT_TRUE(client.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nx"));
  EXPECT_EQ(client.response().status, 408);
}

TEST(Session, ASilentConnectionIsGivenUp) {
  TestServer server(with_times({.header = 200ms, .idle = 600ms}));
  TestClient silent(server.port());
  TestClient idle(server.port());
  ASSERT_TRUE(idle.get("/a"));
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(idle.response().status, 200);
  EXPECT_EQ(silent.response().status, 408) << "has never said a word";
  EXPECT_EQ(idle.response().status, 408);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 500ms) << "kept for longer than a header";
}

TEST(Session, ALingeringConnectionIsGivenUp) {
  TestServer server(with_times({}));
  TestClient client(server.port());
  ASSERT_TRUE(client.send("nonsense\r\n\r\n"));
  EXPECT_EQ(client.response().status, 400);
  EXPECT_TRUE(comes_true([&] { return server.server().n_connections() == 0; })) << "though the client holds it open";
}

TEST(Session, AHalfClosedRequestIsRefused) {
  TestServer server(quiet_options());
  TestClient client(server.port());
  ASSERT_TRUE(client.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nx"));
  client.shut();
  EXPECT_EQ(client.response().status, 400);
  EXPECT_EQ(client.rest(), "");
}

TEST(Session, TellsThatTheClientIsGone) {
  TestServer server(quiet_options());
  for (const bool half : {false, true}) {
    TestClient client(server.port());
    ASSERT_TRUE(client.get("/hold"));
    const TestHandler::Held held = server.handler().next();
    std::atomic<int> n_calls = 0;
    held.exchange->on_gone([&] { ++n_calls; });
    EXPECT_FALSE(held.exchange->is_gone());
    if (half) {
      client.shut();
    } else {
      client.close();
    }
    EXPECT_TRUE(comes_true([&] { return n_calls == 1; })) << half;
    EXPECT_TRUE(held.exchange->is_gone());
    held.exchange->respond({.status = 200});
    held.exchange->on_gone([&] { ++n_calls; });
    EXPECT_EQ(n_calls, 2) << "at once, where the client has left already";
  }
  EXPECT_TRUE(comes_true([&] { return server.server().n_connections() == 0; }));
}

TEST(Session, AClientThatHasItsAnswerIsNotGone) {
  TestServer server(quiet_options());
  std::atomic<int> n_calls = 0;
  TestClient client(server.port());
  ASSERT_TRUE(client.get("/hold"));
  const TestHandler::Held held = server.handler().next();
  held.exchange->on_gone([&] { ++n_calls; });
  held.exchange->respond({.status = 200});
  EXPECT_EQ(client.response().status, 200);
  client.close();
  EXPECT_TRUE(comes_true([&] { return server.server().n_connections() == 0; }));
  EXPECT_EQ(n_calls, 0);
  EXPECT_FALSE(held.exchange->is_gone());
}

TEST(Session, ARequestThatNobodyAnswersIsAFaultOfOurs) {
  TestServer server(quiet_options());
  TestClient client(server.port());
  ASSERT_TRUE(client.get("/drop"));
  EXPECT_EQ(client.response().status, 500);
  ASSERT_TRUE(client.get("/hold"));
  {
    const TestHandler::Held held = server.handler().next();
    held.exchange->stream(event_stream());
    held.exchange->send("begun", true);
    EXPECT_TRUE(client.response().has("Transfer-Encoding: chunked"));
    EXPECT_EQ(client.through("begun\r\n"), "5\r\nbegun\r\n");
  }
  EXPECT_EQ(client.rest(), "") << "no last chunk: the client sees that it is cut off";
  EXPECT_EQ(server.handler().refusals(), std::vector<std::string>{"/drop internal"});
}

TEST(Session, StreamsInChunks) {
  TestServer server(quiet_options());
  TestClient client(server.port());
  ASSERT_TRUE(client.get("/hold"));
  const TestHandler::Held held = server.handler().next();
  held.exchange->stream(event_stream());
  EXPECT_TRUE(client.response().has("Transfer-Encoding: chunked\r\n")) << "before there is a chunk";
  EXPECT_TRUE(held.exchange->send("one", false));
  EXPECT_EQ(client.through("one\r\n"), "3\r\none\r\n");
  EXPECT_TRUE(held.exchange->send("", false));
  EXPECT_TRUE(held.exchange->send("two", true));
  held.exchange->end();
  EXPECT_EQ(client.through("0\r\n\r\n"), "3\r\ntwo\r\n0\r\n\r\n");
  ASSERT_TRUE(client.get("/b"));
  EXPECT_EQ(client.response().body, "GET /b 127.0.0.1 ");
}

TEST(Session, ASilentStreamBeats) {
  TestServer server(with_times({.heartbeat = 30ms}));
  TestClient client(server.port());
  ASSERT_TRUE(client.get("/hold"));
  const TestHandler::Held held = server.handler().next();
  held.exchange->stream(event_stream());
  ASSERT_EQ(client.response().status, 200);
  for (int i = 0; i < 3; ++i) EXPECT_NE(client.through("\n\n\r\n").find(heartbeat_bytes()), std::string::npos);
  held.exchange->end();
  EXPECT_TRUE(client.through("0\r\n\r\n").ends_with("0\r\n\r\n"));
}

TEST(Session, ASlowReaderLosesProgressAndNeverTheResult) {
  TestServer server(with_session({.stream_bytes = std::size_t{64} << 10}));
  TestClient client(server.port());
  ASSERT_TRUE(client.get("/hold"));
  const TestHandler::Held held = server.handler().next();
  held.exchange->stream(event_stream());
  const std::string progress(16000, 'p');
  std::size_t n_sent = 0;
  while (n_sent < 100000 && held.exchange->send(progress, false)) ++n_sent;
  ASSERT_LT(n_sent, 100000U) << "it is dropped at some time";
  EXPECT_TRUE(held.exchange->send("the result", true));
  held.exchange->end();
  const std::string body = client.through("0\r\n\r\n");
  EXPECT_NE(body.find("a\r\nthe result\r\n0\r\n\r\n"), std::string::npos);
  EXPECT_GT(body.size(), n_sent * progress.size());
}

TEST(Session, AReaderThatStopsIsGivenUp) {
  TestServer server(with_times({.write = 100ms}));
  for (const bool streams : {false, true}) {
    TestClient client(server.port());
    ASSERT_TRUE(client.get("/hold"));
    const TestHandler::Held held = server.handler().next();
    const std::string much(std::size_t{32} << 20, 'x');
    if (streams) {
      held.exchange->stream(event_stream());
      held.exchange->send(much, true);
    } else {
      held.exchange->respond({.status = 200, .body = much});
    }
    EXPECT_TRUE(comes_true([&] { return held.exchange->is_gone(); })) << streams;
  }
}

TEST(Session, HeadGetsTheLengthAndNoBody) {
  TestServer server(quiet_options());
  TestClient client(server.port());
  ASSERT_TRUE(client.send("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\nHEAD /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_TRUE(client.response(false).has("Content-Length: 18\r\n"));
  const TestHandler::Held held = server.handler().next();
  held.exchange->stream(event_stream());
  held.exchange->send("nothing of it", true);
  held.exchange->end();
  EXPECT_TRUE(client.response(false).has("Transfer-Encoding: chunked"));
  ASSERT_TRUE(client.get("/b"));
  EXPECT_EQ(client.response().body, "GET /b 127.0.0.1 ");
}

TEST(Session, SpeaksHttp10) {
  TestServer server(quiet_options());
  TestClient kept(server.port());
  ASSERT_TRUE(kept.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_TRUE(kept.response().has("Connection: keep-alive\r\n"));
  ASSERT_TRUE(kept.send("GET /b HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(kept.response().has("Connection: close\r\n"));
  EXPECT_EQ(kept.rest(), "");
  TestClient streamed(server.port());
  ASSERT_TRUE(streamed.send("GET /hold HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  const TestHandler::Held held = server.handler().next();
  held.exchange->stream(event_stream());
  held.exchange->send("whole", true);
  held.exchange->end();
  const TestResponse head = streamed.response();
  EXPECT_TRUE(head.has("Connection: close\r\n"));
  EXPECT_FALSE(head.has("Transfer-Encoding"));
  EXPECT_EQ(streamed.rest(), "whole") << "without the frames of chunks";
}

TEST(Session, AHandlerMayCloseTheConnection) {
  TestServer server(quiet_options());
  TestClient client(server.port());
  ASSERT_TRUE(client.get("/hold"));
  ASSERT_TRUE(client.get("/never"));
  server.handler().next().exchange->respond({.status = 503, .close = true});
  const TestResponse response = client.response();
  EXPECT_EQ(response.status, 503);
  EXPECT_TRUE(response.has("Connection: close"));
  client.shut();
  EXPECT_EQ(client.rest(), "");
  EXPECT_EQ(server.handler().n_handled(), 1U);
}

TEST(Session, AnswersFromManyThreadsReachTheirOwnClients) {
  TestServer server(quiet_options());
  constexpr int kClients = 8;
  constexpr int kRequests = 25;
  std::vector<std::jthread> threads;
  threads.reserve(kClients + 2);
  for (int worker = 0; worker < 2; ++worker) {
    threads.emplace_back([&] {
      for (int i = 0; i < kClients * kRequests / 2; ++i) {
        const TestHandler::Held held = server.handler().next();
        held.exchange->on_gone([] {});
        held.exchange->respond({.status = 200, .body = held.request.target});
      }
    });
  }
  for (int c = 0; c < kClients; ++c) {
    threads.emplace_back([&server, c] {
      TestClient client(server.port());
      for (int i = 0; i < kRequests; ++i) {
        const std::string target = fmt::format("/hold/{}/{}", c, i);
        ASSERT_TRUE(client.get(target));
        ASSERT_EQ(client.response().body, target);
      }
    });
  }
}

}  // namespace
}  // namespace spanqa::serve

#include "serve/request_reader.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace spanqa::serve {
namespace {

using Event = RequestReader::Event;

std::string shown(const HttpRequest& request) {
  return request.method + " " + request.target + " [" + request.body + "]" + (request.keep_alive ? "" : " close");
}

/// What a client's bytes give, in order; fed in parts of at most `part` bytes.
std::vector<std::string> events_of(std::string_view bytes, std::size_t part, const HttpLimits& limits = {}) {
  RequestReader reader(limits);
  std::vector<std::string> events;
  const auto take_all = [&](Event event) {
    for (; event == Event::kRequest; event = reader.feed({})) events.push_back(shown(reader.take()));
    if (event == Event::kContinue) events.push_back("continue " + reader.head().target);
    if (event == Event::kError) {
      const ErrorRow& row = error_row(reader.error().kind);
      events.push_back(std::to_string(row.status) + " " + std::string(row.code));
    }
    return event != Event::kError;
  };
  for (std::size_t i = 0; i < bytes.size(); i += part) {
    if (!take_all(reader.feed(bytes.substr(i, part)))) return events;
  }
  take_all(reader.end_of_input());
  return events;
}

std::vector<std::string> events_of(std::string_view bytes) { return events_of(bytes, bytes.size() + 1); }

using Events = std::vector<std::string>;

TEST(RequestReader, GivesRequestsOneAfterAnother) {
  EXPECT_EQ(events_of("GET /info HTTP/1.1\r\nHost: h\r\n\r\n"), Events{"GET /info []"});
  EXPECT_EQ(events_of("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
                      "\r\nGET /b HTTP/1.1\r\nhost: h\r\nConnection: close\r\n\r\n"),
            (Events{"POST /a [abc]", "GET /b [] close"}));
  EXPECT_EQ(events_of("GET / HTTP/1.0\r\n\r\n"), Events{"GET / [] close"});
  EXPECT_EQ(events_of("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), Events{"GET / []"});
  EXPECT_EQ(events_of(""), Events{});
  EXPECT_EQ(events_of("\r\n\r\n"), Events{});
}

TEST(RequestReader, UndoesChunks) {
  EXPECT_EQ(events_of("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"
                      "3\r\nabc\r\nA;ext=1\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n"),
            (Events{"POST / [abc0123456789]", "GET /b []"}));
}

TEST(RequestReader, AsksForTheBodyOfAClientThatWaits) {
  const std::string head = "POST /p HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n";
  RequestReader reader;
  ASSERT_EQ(reader.feed(head), Event::kContinue);
  EXPECT_EQ(reader.head().target, "/p");
  EXPECT_EQ(reader.feed("a"), Event::kNeedMore) << "asked once";
  EXPECT_EQ(reader.feed("bc"), Event::kRequest);
  EXPECT_EQ(reader.take().body, "abc");
  EXPECT_EQ(events_of(head + "abc"), Events{"POST /p [abc]"}) << "the body is here already";
  EXPECT_EQ(events_of("POST / HTTP/1.1\r\nHost: h\r\nExpect: a-miracle\r\nContent-Length: 3\r\n\r\nabc"),
            Events{"417 expectation_failed"});
  EXPECT_EQ(events_of("GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n"), Events{"GET / []"});
}

TEST(RequestReader, RefusesEveryFramingThatTwoReadersCouldReadDifferently) {
  const auto with = [](const std::string& headers) {
    return events_of("POST / HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  };
  for (const char* headers : {"Content-Length: 3\r\nTransfer-Encoding: chunked",
                              "Transfer-Encoding: chunked\r\nContent-Length: 3",
                              "Transfer-Encoding: gzip\r\nContent-Length: 3",
                              "Transfer-Encoding: identity",
                              "Transfer-Encoding: gzip, chunked",
                              "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                              "Transfer-Encoding: chunked, chunked",
                              "Transfer-Encoding : chunked",
                              "Transfer-Encoding:",
                              "Content-Length: 3\r\nContent-Length: 3",
                              "Content-Length: 3, 3",
                              "Content-Length: -3",
                              "Content-Length: +3",
                              "Content-Length: 0x3",
                              "Content-Length:",
                              "Content-Length: 99999999999999999999",
                              "X: a\r\n folded",
                              "no colon",
                              "Host: again",
                              " X: a",
                              "X\x01: a"}) {
    EXPECT_EQ(with(headers), Events{"400 invalid_request"}) << headers;
  }
}

TEST(RequestReader, RefusesWhatIsNoHttp) {
  for (const char* bytes :
       {"GET / HTTP/1.1\r\n\r\n", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", "GET / HTTP/0.9\r\nHost: h\r\n\r\n",
        "GET /\r\n\r\n", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\nHost: h\n\n",
        "\x16\x03\x01\x02\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "G\x80T / HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n"}) {
    EXPECT_EQ(events_of(bytes), Events{"400 invalid_request"}) << bytes;
  }
  using namespace std::string_literals;
  EXPECT_EQ(events_of("GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n"s), Events{"400 invalid_request"});
}

TEST(RequestReader, KeepsToItsLimits) {
  const HttpLimits limits{.header_bytes = 60, .header_fields = 3, .body_bytes = 4};
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\n";
  EXPECT_EQ(events_of(head + "Content-Length: 4\r\n\r\nabcd", 1000, limits), Events{"POST / [abcd]"});
  EXPECT_EQ(events_of(head + "Content-Length: 5\r\n\r\n", 1000, limits), Events{"413 body_too_large"});
  EXPECT_EQ(events_of(head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n", 1000, limits),
            Events{"413 body_too_large"});
  EXPECT_EQ(events_of(head + "X: " + std::string(100, 'x'), 1000, limits), Events{"431 headers_too_large"});
  EXPECT_EQ(events_of(head + "X: " + std::string(40, 'x') + "\r\n\r\n", 1000, limits), Events{"431 headers_too_large"});
  EXPECT_EQ(events_of(head + "A:\r\nB:\r\nC:\r\n\r\n", 1000, limits), Events{"431 headers_too_large"});
  const std::string chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(events_of(chunked + "1;" + std::string(10000, 'e')), Events{"400 invalid_request"});
  EXPECT_EQ(events_of(chunked + "0\r\n" + std::string(10000, 't')), Events{"400 invalid_request"});
}

TEST(RequestReader, SaysOfARefusedRequestWhatItKnows) {
  const std::string head = "PUT /p HTTP/1.1\r\nHost: h\r\nX-Request-ID: 7\r\n";
  RequestReader by_length(HttpLimits{.body_bytes = 4});
  ASSERT_EQ(by_length.feed(head + "Content-Length: 5\r\n\r\n"), Event::kError);
  EXPECT_EQ(by_length.head().method, "PUT");
  EXPECT_EQ(by_length.head().target, "/p");
  EXPECT_EQ(by_length.head().header("x-request-id"), "7");
  RequestReader by_chunks(HttpLimits{.body_bytes = 4});
  ASSERT_EQ(by_chunks.feed(head + "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde"), Event::kError);
  EXPECT_EQ(by_chunks.head().target, "/p");
  RequestReader by_framing;
  ASSERT_EQ(by_framing.feed(head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), Event::kError);
  EXPECT_EQ(by_framing.head().method, "PUT");
  EXPECT_EQ(by_framing.head().target, "/p");
  EXPECT_EQ(by_framing.head().header("x-request-id"), "7");
  RequestReader no_http;
  ASSERT_EQ(no_http.feed("nonsense\r\n\r\n"), Event::kError);
  EXPECT_EQ(no_http.head().method, "");
}

TEST(RequestReader, ARequestThatIsCutOffIsAnError) {
  const std::string whole = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
  for (std::size_t n = 1; n < whole.size(); ++n) {
    EXPECT_EQ(events_of(whole.substr(0, n)), Events{"400 invalid_request"}) << n;
  }
}

TEST(RequestReader, GivesTheSameWhateverThePartsThatBytesComeIn) {
  const std::vector<std::string> streams = {
      "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x\r\nd\r\n0\r\nT: x\r\n\r\n"
      "GET /b HTTP/1.1\r\nHost: h\r\n\r\nPOST /c HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n\r\n"
      "GET /d HTTP/1.1\r\nHost: h\r\n\r\n",
      "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nler: x\r\n\r\nGET /b HTTP/1.1\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nX: \n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\n\r\nnonsense\r\n\r\n",
  };
  for (const std::string& stream : streams) {
    const Events whole = events_of(stream);
    for (std::size_t part = 1; part < stream.size(); ++part) EXPECT_EQ(events_of(stream, part), whole) << part;
  }
}

TEST(RequestReader, ToldTimeOutsApart) {
  RequestReader reader;
  EXPECT_EQ(reader.phase(), RequestReader::Phase::kIdle);
  (void)reader.feed("G");
  EXPECT_EQ(reader.phase(), RequestReader::Phase::kHeader);
  (void)reader.feed("ET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n");
  EXPECT_EQ(reader.phase(), RequestReader::Phase::kBody);
  EXPECT_EQ(reader.feed("x"), Event::kRequest);
  (void)reader.take();
  EXPECT_EQ(reader.phase(), RequestReader::Phase::kIdle);
}

TEST(RequestReader, RandomAndDamagedBytesDoNoHarm) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string good = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc";
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = round % 2 == 0 ? good + good : std::string(random() % 300, '\0');
    for (std::size_t n = round % 2 == 0 ? random() % 6 : bytes.size(); n > 0 && !bytes.empty(); --n) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    (void)events_of(bytes, 1 + random() % 50);
  }
}

}  // namespace
}  // namespace spanqa::serve

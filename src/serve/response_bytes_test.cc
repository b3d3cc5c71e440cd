#include "serve/response_bytes.h"

#include <gtest/gtest.h>

namespace spanqa::serve {
namespace {

constexpr std::time_t kThen = 784111777;

TEST(ResponseBytes, AHeadSaysWhereItsBodyEnds) {
  HttpResponse response{.status = 200, .body = "four"};
  response.set("X-A", "b");
  EXPECT_EQ(head_bytes(response, {}, kThen),
            "HTTP/1.1 200 OK\r\nX-A: b\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 4\r\n\r\n");
  EXPECT_EQ(head_bytes(response, {.body_end = BodyEnd::kChunks, .close = true}, kThen),
            "HTTP/1.1 200 OK\r\nX-A: b\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: close\r\n"
            "Transfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(head_bytes({.status = 200}, {.body_end = BodyEnd::kClose, .close = true, .is_http_10 = true}, kThen),
            "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: close\r\n\r\n");
}

TEST(ResponseBytes, AStatusWithoutBodyHasNoLength) {
  EXPECT_EQ(head_bytes({.status = 204}, {}, kThen),
            "HTTP/1.1 204 No Content\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
  EXPECT_FALSE(may_have_body(304));
  EXPECT_FALSE(may_have_body(100));
  EXPECT_TRUE(may_have_body(200));
  EXPECT_TRUE(may_have_body(503));
}

TEST(ResponseBytes, TellsHttp10ThatTheConnectionStays) {
  EXPECT_NE(head_bytes({.status = 200}, {.is_http_10 = true}, kThen).find("Connection: keep-alive\r\n"),
            std::string::npos);
  EXPECT_EQ(head_bytes({.status = 200}, {}, kThen).find("Connection"), std::string::npos);
}

TEST(ResponseBytes, AValueCannotAddAHeader) {
  HttpResponse response{.status = 200};
  response.set("X-Request-ID", "a\r\nSet-Cookie: b\nc");
  const std::string bytes = head_bytes(response, {}, kThen);
  EXPECT_NE(bytes.find("X-Request-ID: a  Set-Cookie: b c\r\n"), std::string::npos);
  EXPECT_EQ(bytes.find("\nSet-Cookie"), std::string::npos);
}

TEST(ResponseBytes, ChunksCarryTheirSizeInHexadecimal) {
  EXPECT_EQ(chunk_bytes("abc"), "3\r\nabc\r\n");
  EXPECT_EQ(chunk_bytes(std::string(26, 'x')), "1a\r\n" + std::string(26, 'x') + "\r\n");
}

TEST(ResponseBytes, DatesAreThoseOfTheStandard) {
  EXPECT_EQ(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(http_date(1709164799), "Wed, 28 Feb 2024 23:59:59 GMT");
}

}  // namespace
}  // namespace spanqa::serve

#include "serve/http_message.h"

#include <gtest/gtest.h>

namespace spanqa::serve {
namespace {

TEST(HttpRequest, FindsTheFirstHeaderWhateverItsCase) {
  HttpRequest request;
  request.headers = {{"X-A", "1"}, {"x-a", "2"}};
  EXPECT_EQ(request.header("x-A"), "1");
  EXPECT_EQ(request.header("X-B"), "");
  EXPECT_TRUE(has_header(request.headers, "x-a"));
  EXPECT_FALSE(has_header(request.headers, "x"));
}

TEST(EqualIgnoringCase, LeavesAllButAsciiLettersAlone) {
  EXPECT_TRUE(equal_ignoring_case("", ""));
  EXPECT_TRUE(equal_ignoring_case("aZ-[", "Az-["));
  EXPECT_FALSE(equal_ignoring_case("a", "ab"));
  EXPECT_FALSE(equal_ignoring_case("[", "{"));
  EXPECT_FALSE(equal_ignoring_case("\xc3\x84", "\xc3\xa4"));
}

TEST(JsonResponse, SaysWhatItIs) {
  const HttpResponse response = json_response(200, "{}");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("Content-Type"), "application/json");
  EXPECT_EQ(response.body, "{}");
  EXPECT_FALSE(response.close);
  EXPECT_EQ(reason_phrase(404), "Not Found");
  EXPECT_EQ(reason_phrase(299), "Unknown");
}

}  // namespace
}  // namespace spanqa::serve

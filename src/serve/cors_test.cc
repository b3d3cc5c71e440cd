#include "serve/cors.h"

#include <gtest/gtest.h>

namespace spanqa::serve {
namespace {

constexpr const char* kPage = "https://page.example";

HttpRequest request_from(const std::string& origin, const std::string& method = "POST") {
  HttpRequest request{.method = method, .target = "/predict"};
  if (!origin.empty()) request.headers.push_back({"Origin", origin});
  return request;
}

HttpRequest preflight_from(const std::string& origin) {
  HttpRequest request = request_from(origin, "OPTIONS");
  request.headers.push_back({"Access-Control-Request-Method", "POST"});
  return request;
}

HttpResponse with_headers(const Cors& cors, const HttpRequest& request) {
  HttpResponse response;
  cors.add_headers(request, response);
  return response;
}

TEST(Cors, SaysNothingUnlessOriginsAreNamed) {
  EXPECT_FALSE(Cors().is_on());
  EXPECT_TRUE(with_headers(Cors(), request_from(kPage)).headers.empty());
}

TEST(Cors, LetsTheNamedOriginsRead) {
  const Cors cors({"https://other.example", kPage});
  const HttpResponse response = with_headers(cors, request_from(kPage));
  EXPECT_EQ(response.header("Access-Control-Allow-Origin"), kPage);
  EXPECT_EQ(response.header("Vary"), "Origin");
  EXPECT_NE(response.header("Access-Control-Expose-Headers").find("X-Request-ID"), std::string_view::npos);
}

TEST(Cors, LetsNoOtherOriginRead) {
  const Cors cors({kPage});
  for (const char* origin : {"https://page.example.evil", "http://page.example", "null", ""}) {
    const HttpResponse response = with_headers(cors, request_from(origin));
    EXPECT_FALSE(has_header(response.headers, "Access-Control-Allow-Origin")) << origin;
    EXPECT_EQ(response.header("Vary"), "Origin") << "a cache must not give it to the origin that may";
  }
}

TEST(Cors, AStarAllowsEveryOrigin) {
  EXPECT_EQ(with_headers(Cors({"*"}), request_from(kPage)).header("Access-Control-Allow-Origin"), "*");
}

TEST(Cors, APreflightIsAnOptionsRequestWithBothHeaders) {
  EXPECT_TRUE(Cors::is_preflight(preflight_from(kPage)));
  EXPECT_FALSE(Cors::is_preflight(request_from(kPage, "OPTIONS")));
  HttpRequest post = preflight_from(kPage);
  post.method = "POST";
  EXPECT_FALSE(Cors::is_preflight(post));
}

TEST(Cors, APreflightTellsWhatTheRouteAllows) {
  const Cors cors({kPage});
  const auto response = cors.preflight(preflight_from(kPage), "POST");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 204);
  EXPECT_EQ(response->header("Access-Control-Allow-Methods"), "POST");
  EXPECT_NE(response->header("Access-Control-Allow-Headers").find("Authorization"), std::string_view::npos);
  EXPECT_FALSE(cors.preflight(preflight_from("https://evil.example"), "POST"));
}

}  // namespace
}  // namespace spanqa::serve

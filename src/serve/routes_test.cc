#include "serve/routes.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace spanqa::serve {
namespace {

std::string outcome(const Router& router, std::string_view method, std::string_view target) {
  const auto match = router.match(method, target);
  if (!match) {
    std::string text(error_row(match.error().kind).code);
    if (!match.error().allow.empty()) text += ": " + match.error().allow;
    return text;
  }
  std::string text(match->route->operation);
  if (!match->parameter.empty()) text += " " + match->parameter;
  if (!match->query.empty()) text += " ?" + std::string(match->query);
  if (match->is_head) text += " (head)";
  return text;
}

TEST(RouteTable, EveryOperationAndEveryMethodOfAPathIsThereOnce) {
  std::set<std::string_view> operations;
  std::set<std::string> places;
  for (const Route& route : route_table()) {
    EXPECT_TRUE(operations.insert(route.operation).second) << route.operation;
    EXPECT_TRUE(places.insert(std::string(route.method) + std::string(route.path)).second) << route.path;
    EXPECT_TRUE(route.method == "GET" || route.method == "POST") << route.path;
    EXPECT_EQ(route.request_schema.empty(), route.method == "GET") << route.path;
    EXPECT_TRUE(route.summary.ends_with(".")) << route.summary;
    const std::size_t brace = route.path.find('{');
    EXPECT_TRUE(brace == std::string_view::npos || route.path.find('}') == route.path.size() - 1) << route.path;
  }
}

TEST(RouteTable, HealthAndMetricsNeedNoKeyAndEveryAnswerDoes) {
  for (const Route& route : route_table()) {
    const bool is_exempt = route.key == Key::kExempt;
    const bool must_be = route.path.starts_with("/health") || route.path == "/metrics";
    EXPECT_FALSE(route.method == "POST" && is_exempt) << route.path;
    EXPECT_TRUE(!must_be || is_exempt) << route.path;
  }
}

TEST(Router, SendsRequestsWhereTheyBelong) {
  const Router router;
  EXPECT_EQ(outcome(router, "GET", "/"), "page");
  EXPECT_EQ(outcome(router, "POST", "/"), "ask");
  EXPECT_EQ(outcome(router, "HEAD", "/"), "page (head)");
  EXPECT_EQ(outcome(router, "POST", "/predict"), "predict");
  EXPECT_EQ(outcome(router, "POST", "/predict?compat=hf"), "predict ?compat=hf");
  EXPECT_EQ(outcome(router, "HEAD", "/health/ready"), "ready (head)");
  EXPECT_EQ(outcome(router, "GET", "/assets/index-1a.js"), "asset index-1a.js");
}

TEST(Router, TakesNamesOfModelsWithOneSlashHoweverTheyAreWritten) {
  const Router router;
  EXPECT_EQ(outcome(router, "POST", "/models/minilm"), "ask_model minilm");
  EXPECT_EQ(outcome(router, "POST", "/models/deepset/roberta"), "ask_model deepset/roberta");
  EXPECT_EQ(outcome(router, "POST", "/models/deepset%2Froberta"), "ask_model deepset/roberta");
  EXPECT_EQ(outcome(router, "POST", "/models/deepset%2froberta"), "ask_model deepset/roberta");
  EXPECT_EQ(outcome(router, "POST", "/models/caf%C3%A9"), "ask_model caf\xc3\xa9");
  for (const std::string_view wrong : {"/models", "/models/", "/models//a", "/models/a/", "/models/a/b/c",
                                       "/models/a%2Fb/c", "/models/%", "/models/%2", "/models/%zz", "/models/%2F"}) {
    EXPECT_EQ(outcome(router, "POST", wrong), "not_found") << wrong;
  }
}

TEST(Router, TellsWhichMethodsAPathAnswers) {
  const Router router;
  EXPECT_EQ(outcome(router, "DELETE", "/"), "method_not_allowed: GET, HEAD, POST");
  EXPECT_EQ(outcome(router, "OPTIONS", "/predict"), "method_not_allowed: POST");
  EXPECT_EQ(outcome(router, "HEAD", "/predict"), "method_not_allowed: POST");
  EXPECT_EQ(outcome(router, "GET", "/models/a/b"), "method_not_allowed: POST");
  EXPECT_EQ(outcome(router, "post", "/predict"), "method_not_allowed: POST");
  EXPECT_EQ(outcome(router, "POST", "/metrics"), "method_not_allowed: GET, HEAD");
}

TEST(Router, FindsNothingElsewhere) {
  const Router router;
  for (const std::string_view target : {"", "*", "/nothing", "/predict/", "//predict", "/Predict", "predict",
                                        "/assets/", "/assets/a/b", "/assets/..%2Fsecret", "http://host"}) {
    EXPECT_EQ(outcome(router, "GET", target), "not_found") << target;
  }
}

TEST(Router, ReadsAbsoluteTargets) {
  const Router router;
  EXPECT_EQ(outcome(router, "GET", "http://127.0.0.1:5000/info?a=/b#c"), "info ?a=/b#c");
  EXPECT_EQ(outcome(router, "GET", "http://host/info#part"), "info");
}

TEST(Router, HasFeedbackOnlyWhereItIsOn) {
  EXPECT_EQ(outcome(Router(), "POST", "/v1/feedback"), "not_found");
  const Router router({.feedback = true});
  EXPECT_EQ(outcome(router, "POST", "/v1/feedback"), "store_feedback");
  EXPECT_EQ(outcome(router, "GET", "/v1/feedback"), "export_feedback");
  EXPECT_EQ(outcome(router, "PUT", "/v1/feedback"), "method_not_allowed: GET, HEAD, POST");
}

}  // namespace
}  // namespace spanqa::serve

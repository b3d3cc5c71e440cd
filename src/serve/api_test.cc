#include "serve/api.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <map>
#include <set>
#include <string>
#include <thread>

#include "data/example_reader.h"
#include "serve/openapi.h"
#include "serve/page.h"
#include "serve/testing_api.h"
#include "serve/testing_prometheus.h"
#include "serve/testing_schema.h"

namespace spanqa::serve {
namespace {

using Json = nlohmann::json;
using testing::ApiFixture;
using testing::json_of;

constexpr const char* kFlat = R"({"question": "Who wrote it?", "context": "Ann Lee wrote it."})";
const std::string kGzipOfFlat(
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x2a\x2c\x4d\x2d\x2e\xc9\xcc\xcf\x53\xb2\x52\x0a"
    "\xcf\xc8\xb7\x57\xd2\x51\x4a\xce\xcf\x2b\x49\xad\x28\x01\x0a\x38\xe6\xe5\xe9\x29\xd5\x02\x00\xca"
    "\x2b\xb6\x50\x24\x00\x00\x00",
    55);

/// A body that the route takes.
std::string body_for(const Route& route) {
  static const std::map<RouteId, std::string> bodies = {
      {RouteId::kHuggingFace, R"({"inputs": {"question": "Who?", "context": "Ann."}})"},
      {RouteId::kHuggingFaceModel, R"({"inputs": {"question": "Who?", "context": "Ann."}})"},
      {RouteId::kPredict, kFlat},
      {RouteId::kAnswer, kFlat},
      {RouteId::kTokenize, R"({"text": "Ann."})"},
      {RouteId::kStoreFeedback, R"({"question": "Who?", "context": "Ann.", "verdict": "right", "answer": "Ann"})"}};
  const auto found = bodies.find(route.id);
  return found == bodies.end() ? std::string() : found->second;
}

std::string target_for(const Route& route) {
  if (route.id == RouteId::kHuggingFaceModel) return "/models/tiny";
  if (route.id != RouteId::kAsset) return std::string(route.path);
  for (const PageFile& file : page_files()) {
    if (file.is_asset) return "/assets/" + std::string(file.name);
  }
  return "/assets/none";
}

HttpRequest request_for(const Route& route) {
  if (route.method == "GET") return {.method = "GET", .target = target_for(route)};
  return ApiFixture::post_request(target_for(route), body_for(route));
}

std::string code_of(const HttpResponse& response) { return json_of(response).value("code", ""); }

ApiKeys keys_of(const char* text) { return ApiKeys::parse(text).value(); }

TEST(Api, EveryRouteGivesWhatTheTableSays) {
  ApiFixture fixture({.feedback = true});
  const testing::SchemaChecker checker(Json::parse(openapi_json(Router({.feedback = true}), {.models = {"tiny"}})));
  for (const Route& route : route_table()) {
    if (route.id == RouteId::kAsset && target_for(route) == "/assets/none") continue;
    const HttpResponse response = fixture.send(request_for(route));
    EXPECT_EQ(response.status, route.success) << route.operation << response.body;
    if (route.response_type != "*/*") {
      EXPECT_EQ(response.header("Content-Type"), route.response_type) << route.operation;
    }
    if (route.response_schema.empty()) continue;
    EXPECT_EQ(checker.fault(std::string(route.response_schema), Json::parse(response.body)), "") << route.operation;
  }
}

TEST(Api, EveryResponseNamesTheRequestAndForbidsSniffingAndKeeping) {
  ApiFixture fixture;
  for (const char* target : {"/health", "/nothing", "/v1/models", "/"}) {
    const HttpResponse response = fixture.get(target, {{"X-Request-ID", "mine-7"}});
    EXPECT_EQ(response.header("X-Request-ID"), "mine-7") << target;
    EXPECT_EQ(response.header("X-Content-Type-Options"), "nosniff") << target;
    EXPECT_EQ(response.header("Server"), "spanqa");
    EXPECT_EQ(response.header("Cache-Control"), std::string_view(target) == "/" ? "no-cache" : "no-store");
  }
  EXPECT_EQ(fixture.get("/health", {{"X-Request-ID", "not fit"}}).header("X-Request-ID").size(), 16U);
}

TEST(Api, HeadIsAnsweredAsGet) {
  ApiFixture fixture;
  const HttpResponse get = fixture.get("/health/live");
  const HttpResponse head = fixture.send({.method = "HEAD", .target = "/health/live"});
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, get.body) << "the session leaves the body out and tells its length";
}

TEST(Api, RefusesPathsAndMethodsThatItHasNot) {
  ApiFixture fixture;
  EXPECT_EQ(code_of(fixture.get("/nothing")), "not_found");
  EXPECT_EQ(fixture.get("/assets/nothing.js").status, 404);
  EXPECT_EQ(fixture.get("/v1/feedback").status, 404) << "feedback is off";
  const HttpResponse response = fixture.get("/predict");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.header("Allow"), "POST");
  EXPECT_EQ(fixture.send({.method = "OPTIONS", .target = "/"}).header("Allow"), "GET, HEAD, POST");
  EXPECT_EQ(fixture.send({.method = "BREW", .target = "/"}).status, 405);
}

TEST(Api, AsksForAKeyWhereTheTableSaysSo) {
  ApiFixture fixture({.feedback = true, .keys = keys_of("first,second")});
  for (const Route& route : route_table()) {
    HttpRequest request = request_for(route);
    const HttpResponse without = fixture.send(request);
    EXPECT_EQ(without.status == 401, route.key == Key::kNeeded) << route.operation;
    if (route.key == Key::kExempt) continue;
    EXPECT_EQ(without.header("WWW-Authenticate"), "Bearer");
    EXPECT_EQ(code_of(without), "unauthorized");
    request.headers.push_back({"Authorization", "Bearer second"});
    EXPECT_EQ(fixture.send(request).status, route.success) << route.operation;
    request.headers.back() = {"X-API-Key", "third"};
    EXPECT_EQ(fixture.send(request).status, 401) << route.operation;
  }
}

TEST(Api, AnswersABrowsersPreflightOnlyWhereCorsIsOn) {
  const HttpRequest preflight{
      .method = "OPTIONS",
      .target = "/predict",
      .headers = {{"Origin", "https://page.example"}, {"Access-Control-Request-Method", "POST"}}};
  ApiFixture off;
  EXPECT_EQ(off.send(preflight).status, 405);
  ApiFixture on({.keys = keys_of("key"), .cors = Cors({"https://page.example"})});
  const HttpResponse response = on.send(preflight);
  EXPECT_EQ(response.status, 204) << "browsers send no key with it";
  EXPECT_EQ(response.header("Access-Control-Allow-Methods"), "POST");
  EXPECT_EQ(response.header("Access-Control-Allow-Origin"), "https://page.example");
  HttpRequest other = preflight;
  other.headers[0].value = "https://evil.example";
  EXPECT_EQ(on.send(other).status, 405);
  other = preflight;
  other.target = "/nothing";
  EXPECT_EQ(on.send(other).status, 404);
  const HttpResponse refused = on.post("/predict", kFlat, {{"Origin", "https://page.example"}});
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.header("Access-Control-Allow-Origin"), "https://page.example") << "the page may read why";
}

TEST(Api, RefusesTypesThatItDoesNotTakeOrGive) {
  ApiFixture fixture;
  EXPECT_EQ(fixture.send({.method = "POST", .target = "/predict", .body = kFlat}).status, 200) << "no type is JSON";
  const HttpResponse form = fixture.send({.method = "POST",
                                          .target = "/predict",
                                          .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                                          .body = kFlat});
  EXPECT_EQ(form.status, 415);
  EXPECT_EQ(form.header("Accept-Encoding"), "gzip");
  EXPECT_EQ(code_of(fixture.post("/predict", kFlat, {{"Content-Encoding", "br"}})), "unsupported_media_type");
  EXPECT_EQ(code_of(fixture.post("/predict", kFlat, {{"Accept", "text/html"}})), "not_acceptable");
  EXPECT_EQ(code_of(fixture.post("/predict", kFlat, {{"Accept", "text/event-stream"}})), "not_acceptable");
  EXPECT_EQ(fixture.post("/predict", kFlat, {{"Accept", "text/html, */*;q=0.1"}}).status, 200);
}

TEST(Api, UnpacksBodiesWithinTheLimit) {
  ApiFixture fixture({.options = {.body_bytes = 40}});
  const HttpResponse response = fixture.post("/predict", kGzipOfFlat, {{"Content-Encoding", "gzip"}});
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(json_of(response)["answer"], "Ann");
  EXPECT_EQ(code_of(fixture.post("/predict", kGzipOfFlat.substr(0, 30), {{"Content-Encoding", "gzip"}})),
            "invalid_request");
  ApiFixture small({.options = {.body_bytes = 20}});
  EXPECT_EQ(code_of(small.post("/predict", kGzipOfFlat, {{"Content-Encoding", "gzip"}})), "body_too_large");
}

TEST(Api, TellsWhatIsWrongWithABody) {
  ApiFixture fixture({.options = {.limits = {.question_bytes = 20, .context_bytes = 30}}, .feedback = true});
  const HttpResponse missing = fixture.post("/predict", R"({"question": "Who?", "context": ""})");
  EXPECT_EQ(missing.status, 400);
  EXPECT_EQ(missing.body, R"({"error":"Please provide both question and context"})");
  const auto code = [&](const std::string& target, const std::string& body) {
    return code_of(fixture.post(target, body));
  };
  EXPECT_EQ(code("/predict", "{"), "invalid_json");
  EXPECT_EQ(code("/predict", "[]"), "invalid_json");
  EXPECT_EQ(code("/predict", ""), "invalid_json");
  EXPECT_EQ(code("/", R"({"inputs": 3})"), "invalid_field");
  EXPECT_EQ(code("/v1/answer", R"({"question": "Who?", "context": "Ann.", "more": 1})"), "invalid_field");
  EXPECT_EQ(code("/v1/answer", R"({"question": "Who?", "index": "x"})"), "no_index");
  EXPECT_EQ(code("/predict", R"({"question": "Who?", "context": "Ann and somebody else wrote it."})"),
            "context_too_long");
  EXPECT_EQ(code("/predict", R"({"question": "Who wrote the first one?", "context": "Ann."})"), "question_too_long");
  EXPECT_EQ(code("/models/other", R"({"inputs": {"question": "Who?", "context": "Ann."}})"), "model_not_found");
  EXPECT_EQ(code("/v1/answer", R"({"question": "Who?", "context": "Ann.", "model": "other"})"), "model_not_found");
  EXPECT_EQ(code("/v1/tokenize", R"({"text": "Ann.", "model": "other"})"), "model_not_found");
  EXPECT_EQ(code("/v1/feedback", R"({"question": "Who?", "context": "Ann.", "verdict": "right", "answer": "Bob"})"),
            "misplaced_answer");
  EXPECT_EQ(fixture.engine.n_submitted, 0);
}

TEST(Api, TellsWhatTheEngineRefuses) {
  ApiFixture fixture;
  const auto refused_by = [&](const ApiError& error) {
    fixture.engine.refusal = error;
    return fixture.post("/predict", kFlat);
  };
  const HttpResponse full = refused_by({.kind = ErrorKind::kQueueFull, .retry_after_seconds = 3});
  EXPECT_EQ(full.status, 429);
  EXPECT_EQ(full.header("Retry-After"), "3");
  EXPECT_EQ(refused_by({.kind = ErrorKind::kDeadlineExceeded}).status, 504);
  EXPECT_EQ(refused_by({.kind = ErrorKind::kContextTooLong}).status, 413);
  EXPECT_EQ(refused_by({.kind = ErrorKind::kInvalidField, .field = "context"}).status, 422);
}

TEST(Api, HidesWhatWentWrongInsideAndLogsIt) {
  ApiFixture fixture;
  fixture.engine.refusal = ApiError{.kind = ErrorKind::kInternal, .message = "/srv/models/x: no such tensor"};
  const HttpResponse response = fixture.post("/predict", kFlat);
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.body.find("/srv"), std::string::npos);
  EXPECT_NE(fixture.log_text().find("/srv/models/x: no such tensor"), std::string::npos);
}

TEST(Api, UnderOverloadNoBodyIsParsed) {
  ApiFixture fixture;
  fixture.engine.wait = 7;
  const HttpResponse response = fixture.post("/predict", "{ this is no JSON");
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(response.header("Retry-After"), "7");
  EXPECT_EQ(fixture.post("/v1/tokenize", R"({"text": "Ann."})").status, 200) << "what needs no engine goes on";
}

TEST(Api, WhatWaitedForItsThreadInVainIsNotParsed) {
  ApiFixture fixture({.options = {.deadline = std::chrono::milliseconds(20), .inline_bytes = 0}});
  std::promise<void> free;
  ASSERT_TRUE(fixture.preparation().post(1, [freed = free.get_future().share()] { freed.wait(); }));
  const auto left = fixture.begin(ApiFixture::post_request("/predict", "{ this is no JSON"));
  const auto late = fixture.begin(ApiFixture::post_request("/predict", "{ this is no JSON"));
  left->leave();
  std::this_thread::sleep_for(std::chrono::milliseconds(21));
  free.set_value();
  ASSERT_TRUE(late->is_answered());
  EXPECT_EQ(late->response().status, 504);
  EXPECT_FALSE(left->has_begun());
  EXPECT_EQ(testing::samples_of(fixture.metrics.text({})).at("spanqa_cancelled_total"), 1.0);
}

TEST(Api, ItsPhaseDecidesWhatIsAnswered) {
  ApiFixture fixture;
  const auto statuses = [&](ServerPhase phase) {
    fixture.api().set_phase(phase);
    return std::vector<int>{fixture.get("/health/live").status, fixture.get("/health/ready").status,
                            fixture.get("/health").status, fixture.post("/predict", kFlat).status,
                            fixture.get("/metrics").status};
  };
  EXPECT_EQ(statuses(ServerPhase::kStarting), (std::vector{200, 503, 200, 503, 200}));
  EXPECT_EQ(code_of(fixture.post("/predict", kFlat)), "not_ready");
  EXPECT_EQ(statuses(ServerPhase::kReady), (std::vector{200, 200, 200, 200, 200}));
  EXPECT_EQ(statuses(ServerPhase::kDraining), (std::vector{200, 503, 200, 200, 200}));
  EXPECT_EQ(json_of(fixture.get("/health"))["status"], "not_ready");
  EXPECT_EQ(statuses(ServerPhase::kStopping), (std::vector{200, 503, 200, 503, 200}));
  const HttpResponse stopping = fixture.post("/predict", kFlat);
  EXPECT_EQ(code_of(stopping), "shutting_down");
  EXPECT_TRUE(stopping.close);
}

TEST(Api, RefusesBeforeABodyIsSent) {
  ApiFixture fixture({.keys = keys_of("key")});
  const auto kind = [&](const HttpRequest& head) {
    const auto error = fixture.api().check_head(head);
    return error ? std::optional(error->kind) : std::nullopt;
  };
  HttpRequest head{.method = "POST", .target = "/predict"};
  EXPECT_EQ(kind(head), ErrorKind::kUnauthorized);
  head.headers = {{"X-API-Key", "key"}};
  EXPECT_EQ(kind(head), std::nullopt);
  head.headers.push_back({"Content-Type", "text/plain"});
  EXPECT_EQ(kind(head), ErrorKind::kUnsupportedMediaType);
  head.target = "/nothing";
  EXPECT_EQ(kind(head), ErrorKind::kNotFound);
  head.target = "/docs";
  EXPECT_EQ(kind(head), ErrorKind::kMethodNotAllowed);
}

TEST(Api, WhatBecameNoRequestIsAnsweredAndLoggedToo) {
  ApiFixture fixture;
  const HttpRequest head{.method = "", .target = "", .headers = {{"X-Request-ID", "mine"}}, .remote = "10.0.0.1"};
  const HttpResponse response = fixture.api().refuse(head, {.kind = ErrorKind::kRequestTimeout});
  EXPECT_EQ(response.status, 408);
  EXPECT_TRUE(response.close);
  EXPECT_EQ(response.header("X-Request-ID"), "mine");
  const auto samples = testing::samples_of(fixture.metrics.text({}));
  EXPECT_EQ(samples.at(R"(spanqa_http_requests_total{route="other",status="408"})"), 1.0);
  EXPECT_EQ(samples.at("spanqa_in_flight"), 0.0);
  const auto lines = fixture.log_lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["remote"], "10.0.0.1");
  EXPECT_EQ(lines[0]["code"], "request_timeout");
}

TEST(Api, TheLogHoldsNoTextOfTheUsers) {
  ApiFixture fixture({.feedback = true});
  const std::string secret = "Zanzibar";
  const std::string flat = R"({"question": "Zanzibar?", "context": "Ann of Zanzibar."})";
  fixture.post("/predict", flat, {{"X-Request-ID", "a"}});
  fixture.post("/v1/answer", flat);
  fixture.post("/predict?Zanzibar=1", R"({"question": "Zanzibar", "Zanzibar)");
  fixture.post("/v1/tokenize", R"({"text": "Zanzibar"})");
  fixture.post("/v1/answer", R"({"question": "Who?", "context": "Ann.", "Zanzibar": 1})");
  fixture.post("/models/Zanzibar", R"({"inputs": {"question": "Who?", "context": "Ann."}})");
  fixture.get("/Zanzibar");
  fixture.send({.method = "ZANZIBAR", .target = "/"});
  fixture.get("/health", {{"Authorization", "Bearer Zanzibar"}});
  fixture.post("/v1/feedback", R"({"question": "Zanzibar?", "context": "Zanzibar.", "verdict": "right"})");
  const std::string text = fixture.log_text();
  EXPECT_EQ(text.find(secret), std::string::npos) << text;
  EXPECT_EQ(text.find("ZANZIBAR"), std::string::npos) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 10);
}

TEST(Api, TheLogTellsOfEachResponse) {
  ApiFixture fixture;
  HttpRequest request = ApiFixture::post_request("/predict", kFlat, {{"X-Request-ID", "a"}});
  request.remote = "192.0.2.1";
  const std::size_t size = fixture.send(request).body.size();
  fixture.post("/predict", "{}");
  const auto lines = fixture.log_lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["id"], "a");
  EXPECT_EQ(lines[0]["remote"], "192.0.2.1");
  EXPECT_EQ(lines[0]["route"], "predict");
  EXPECT_EQ(lines[0]["status"], 200);
  EXPECT_EQ(lines[0]["bytes_in"], std::string(kFlat).size());
  EXPECT_EQ(lines[0]["bytes_out"], size);
  EXPECT_EQ(lines[0]["model"], "tiny");
  EXPECT_EQ(lines[0]["windows"], 1);
  EXPECT_EQ(lines[0]["inference_ms"], 9.0);
  EXPECT_EQ(lines[1]["status"], 400);
  EXPECT_EQ(lines[1]["code"], "missing_fields");
}

TEST(Api, TheLogHoldsTextsWhereTheyAreAskedFor) {
  ApiFixture fixture({.options = {.log_text = true}});
  fixture.post("/predict", kFlat);
  const auto lines = fixture.log_lines();
  EXPECT_EQ(lines[0]["question"], "Who wrote it?");
  EXPECT_EQ(lines[0]["answer"], "Ann");
}

TEST(Api, CountsWhatItAnswers) {
  ApiFixture fixture;
  fixture.post("/predict", kFlat);
  fixture.post("/predict", "{");
  fixture.get("/nothing");
  const auto samples = testing::samples_of(fixture.get("/metrics").body);
  EXPECT_EQ(samples.at(R"(spanqa_http_requests_total{route="predict",status="200"})"), 1.0);
  EXPECT_EQ(samples.at(R"(spanqa_http_requests_total{route="predict",status="400"})"), 1.0);
  EXPECT_EQ(samples.at(R"(spanqa_http_requests_total{route="other",status="404"})"), 1.0);
  EXPECT_EQ(samples.at(R"(spanqa_rejected_total{code="invalid_json"})"), 1.0);
  EXPECT_EQ(samples.at("spanqa_inference_seconds_count"), 1.0);
  EXPECT_EQ(samples.at("spanqa_in_flight"), 1.0) << "the request for the metrics itself";
}

TEST(Api, TokenizesWithOffsetsInThreeCounts) {
  ApiFixture fixture;
  const Json json = json_of(fixture.post("/v1/tokenize", R"({"text": "😀 the king", "add_special_tokens": true})"));
  EXPECT_EQ(json["model"], "tiny");
  const Json& tokens = json["tokens"];
  ASSERT_GE(tokens.size(), 4U);
  EXPECT_EQ(tokens.front()["token"], "[CLS]");
  EXPECT_EQ(tokens.front()["special"], true);
  EXPECT_EQ(tokens.back()["token"], "[SEP]");
  const Json& king = tokens[tokens.size() - 2];
  EXPECT_EQ(king["code_points"], (Json{{"start", 6}, {"end", 10}}));
  EXPECT_EQ(king["bytes"], (Json{{"start", 9}, {"end", 13}}));
  EXPECT_EQ(king["utf16"], (Json{{"start", 7}, {"end", 11}}));
}

TEST(Api, TellsOfItsModelsWithoutTheirPaths) {
  ApiFixture fixture({.model_names = {"tiny", "org/other"}});
  const HttpResponse response = fixture.get("/v1/models");
  const Json models = json_of(response)["models"];
  ASSERT_EQ(models.size(), 2U);
  EXPECT_EQ(models[0]["name"], "tiny");
  EXPECT_EQ(models[0]["default"], true);
  EXPECT_EQ(models[1]["name"], "org/other");
  EXPECT_EQ(models[1]["default"], false);
  const HttpResponse info = fixture.get("/info");
  EXPECT_EQ(json_of(info)["limits"]["deadline_ms"], 55'000);
  EXPECT_EQ(json_of(info)["models"], models);
  for (const HttpResponse* told : {&response, &info}) EXPECT_EQ(told->body.find("fixtures"), std::string::npos);
}

TEST(Api, KeepsFeedbackAndGivesItBack) {
  ApiFixture fixture({.feedback = true});
  const auto tell = [&](const std::string& rest) {
    return fixture.post("/v1/feedback", R"({"question": "Who?", "context": "Bob and Ann.", )" + rest + "}").status;
  };
  EXPECT_EQ(tell(R"("verdict": "right", "answer": "Ann", "answer_start": 8)"), 204);
  EXPECT_EQ(tell(R"("verdict": "wrong", "answer": "Bob", "answer_start": 0)"), 204);
  EXPECT_EQ(tell(R"("verdict": "corrected", "answer": "Bob and Ann")"), 204);
  EXPECT_EQ(tell(R"("verdict": "right", "answer": "Ann", "answer_start": 7)"), 409);
  const HttpResponse response = fixture.get("/v1/feedback");
  const spanqa::testing::ScratchFile file("squad.json", response.body);
  const std::vector<Example> examples = read_examples(file.path()).value();
  ASSERT_EQ(examples.size(), 2U);
  EXPECT_EQ(examples[0].answers[0].start, 8);
  EXPECT_EQ(examples[1].answers[0].text, "Bob and Ann");
}

TEST(Api, DescribesItselfWithTheModelsAndKeysItHas) {
  ApiFixture fixture({.options = {.version = "1.2"}, .keys = keys_of("key")});
  const Json json = json_of(fixture.get("/openapi.json"));
  EXPECT_EQ(json["info"]["version"], "1.2");
  EXPECT_TRUE(json["components"].contains("securitySchemes"));
  EXPECT_EQ(json["components"]["schemas"]["AnswerRequest"]["properties"]["model"]["enum"], Json::array({"tiny"}));
  EXPECT_FALSE(json["paths"].contains("/v1/feedback"));
  EXPECT_NE(fixture.get("/docs").body.find("Needs an API key"), std::string::npos);
}

}  // namespace
}  // namespace spanqa::serve

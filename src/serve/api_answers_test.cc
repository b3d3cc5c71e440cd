#include "serve/api_answers.h"

#include <gtest/gtest.h>

#include <future>
#include <string>
#include <string_view>
#include <vector>

#include "serve/openapi.h"
#include "serve/testing_api.h"
#include "serve/testing_prometheus.h"
#include "serve/testing_schema.h"

namespace spanqa::serve {
namespace {

using Json = nlohmann::json;
using testing::ApiFixture;
using testing::json_of;

constexpr const char* kQuestion = R"({"question": "Who wrote it?", "context": "😀 Ann Lee wrote it."})";
const std::vector<Header> kStream = {{"Accept", "text/event-stream"}};

struct Event {
  std::string name;
  Json data;
};

/// Comments are left out.
std::vector<Event> events_of(const std::string& body) {
  std::vector<Event> events;
  std::istringstream lines(body);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("event: ")) events.push_back({.name = line.substr(7), .data = {}});
    if (line.starts_with("data: ")) events.back().data = Json::parse(line.substr(6));
  }
  return events;
}

TEST(ApiAnswers, PredictGivesTheFlatObject) {
  ApiFixture fixture;
  const HttpResponse response = fixture.post("/predict", kQuestion);
  EXPECT_EQ(response.body,
            R"({"question":"Who wrote it?","context":"😀 Ann Lee wrote it.","answer":"Ann","score":0.9})");
}

TEST(ApiAnswers, PredictGivesListsForItsOtherBodies) {
  ApiFixture fixture;
  const auto answer = [&](const char* body) { return json_of(fixture.post("/predict", body)); };
  EXPECT_EQ(answer(R"({"inputs": {"question": "Who?", "context": "Ann."}})").size(), 1U);
  EXPECT_EQ(
      answer(R"({"instances": [{"question": "Who?", "context": "Ann."}, {"question": "Who?", "context": "No."}]})"),
      Json::parse(R"([{"score": 0.9, "start": 0, "end": 3, "answer": "Ann"},
                            {"score": 0.0, "start": 0, "end": 0, "answer": ""}])"));
  EXPECT_EQ(answer(R"({"question": "Who?", "documents": [{"id": 7, "text": "By Ann.", "meta": {"a": 1}}]})"),
            Json::parse(R"([{"id": 7, "score": 0.9, "start": 3, "end": 6, "answer": "Ann", "meta": {"a": 1}}])"));
}

TEST(ApiAnswers, TheHuggingFaceShapeIsByTopK) {
  ApiFixture fixture;
  const auto answer = [&](const std::string& target, int top_k) {
    return json_of(
        fixture.post(target, R"({"inputs": {"question": "Who?", "context": "Ann."}, "parameters": {"top_k": )" +
                                 std::to_string(top_k) + "}}"));
  };
  EXPECT_EQ(answer("/", 1)["answer"], "Ann");
  EXPECT_EQ(answer("/", 2)[0]["answer"], "Ann");
  EXPECT_EQ(answer("/models/tiny", 1)["answer"], "Ann");
}

TEST(ApiAnswers, NamesOfModelsMayHoldASlash) {
  ApiFixture fixture({.model_names = {"tiny", "org/name"}});
  constexpr const char* kBody = R"({"inputs": {"question": "Who?", "context": "Ann."}})";
  EXPECT_EQ(fixture.post("/models/org/name", kBody).status, 200);
  EXPECT_EQ(fixture.post("/models/org%2Fname", kBody).status, 200);
  const Json json =
      json_of(fixture.post("/v1/answer", R"({"question": "Who?", "context": "Ann.", "model": "org/name"})"));
  EXPECT_EQ(json["model"], "org/name");
  EXPECT_EQ(json_of(fixture.post("/v1/answer", kQuestion))["model"], "tiny") << "the first is the default";
}

TEST(ApiAnswers, TheFullFormTellsEverything) {
  ApiFixture fixture;
  const HttpResponse response = fixture.post("/v1/answer", kQuestion);
  const Json json = json_of(response);
  const testing::SchemaChecker checker(Json::parse(openapi_json(Router(), {})));
  EXPECT_EQ(checker.fault("AnswerResponse", json), "");
  EXPECT_EQ(json["decoder"], "global");
  EXPECT_EQ(json["window"], (Json{{"max_length", 384}, {"overlap", 128}}));
  const Json& result = json["results"][0];
  EXPECT_EQ(result["no_answer"], false);
  EXPECT_EQ(result["answers"][0]["code_points"], (Json{{"start", 2}, {"end", 5}}));
  EXPECT_EQ(result["answers"][0]["bytes"], (Json{{"start", 5}, {"end", 8}}));
  EXPECT_EQ(result["windows"], 1);
  EXPECT_EQ(json["timing"]["tokenize_ms"], 0.25);
  EXPECT_EQ(json["timing"]["queue_ms"], 1.5);
  EXPECT_EQ(json["timing"]["inference_ms"], 9.0);
  EXPECT_FALSE(result.contains("token_probabilities"));
}

TEST(ApiAnswers, TellsItsTimesInHeaders) {
  ApiFixture fixture;
  for (const char* target : {"/predict", "/v1/answer"}) {
    const HttpResponse response = fixture.post(target, kQuestion);
    EXPECT_EQ(response.header("X-Queue-Time"), "1.500");
    EXPECT_EQ(response.header("X-Tokenize-Time"), "0.250");
    EXPECT_EQ(response.header("X-Inference-Time"), "9.000");
    EXPECT_EQ(response.header("Server-Timing"), "queue;dur=1.500, tokenize;dur=0.250, inference;dur=9.000");
  }
}

TEST(ApiAnswers, EachQuestionIsAskedOfEveryContext) {
  ApiFixture fixture;
  const Json json = json_of(fixture.post(
      "/v1/answer",
      R"({"questions": ["Who?", "Who wrote?"], "contexts": ["Nobody.", {"id": "b", "text": "It was Ann."}], "top_k": 3})"));
  ASSERT_EQ(json["results"].size(), 2U);
  for (const Json& result : json["results"]) {
    ASSERT_EQ(result["answers"].size(), 1U);
    EXPECT_EQ(result["answers"][0]["context"], 1);
    EXPECT_EQ(result["answers"][0]["id"], "b");
    EXPECT_EQ(result["windows"], 2);
    EXPECT_EQ(result["tokens"], 24);
  }
}

TEST(ApiAnswers, NoAnswerIsDecidedOverAllContexts) {
  ApiFixture fixture;
  const auto result = [&](const char* rest) {
    const std::string body = std::string(R"({"question": "Who?", "contexts": ["Nobody.", "It was Ann."])") + rest + "}";
    return json_of(fixture.post("/v1/answer", body))["results"][0];
  };
  EXPECT_EQ(result("")["no_answer"], false) << "0.9 exceeds what is fitted";
  const Json none = result(R"(, "no_answer_threshold": 0.95, "top_k": 2)");
  EXPECT_EQ(none["no_answer"], true);
  EXPECT_EQ(none["answers"][0]["no_answer"], true);
  EXPECT_EQ(none["answers"][1]["text"], "Ann");
  EXPECT_EQ(result(R"(, "no_answer_threshold": 0.95, "no_answer": false)")["answers"][0]["text"], "Ann");
}

TEST(ApiAnswers, TokensComeWithTheirProbabilities) {
  ApiFixture fixture;
  const auto seen = [&](const char* rest) {
    const std::string body =
        std::string(R"({"question": "Who?", "contexts": ["the king", "Ann won"], "include": ["tokens"])") + rest + "}";
    return json_of(fixture.post("/v1/answer", body))["results"][0]["token_probabilities"];
  };
  const Json tokens = seen("");
  EXPECT_EQ(tokens["context"], 1) << "where the answer stands";
  EXPECT_EQ(tokens["window"], 0);
  ASSERT_GE(tokens["tokens"].size(), 2U);
  const double p = tokens["tokens"][0]["p_start"];
  EXPECT_NEAR(p, 1.0 / (1.0 + static_cast<double>(tokens["tokens"].size())), 1e-6) << "all logits are equal";
  EXPECT_EQ(seen(R"(, "no_answer_threshold": 0.95)")["context"], 1) << "the best span's, though it is not the answer";
  fixture.engine.n_found = 0;
  EXPECT_EQ(seen("")["context"], 0) << "the first one where there is none";
}

TEST(ApiAnswers, OtherDecodersRankNothing) {
  ApiFixture fixture;
  const Json json = json_of(fixture.post(
      "/v1/answer", R"({"question": "Who?", "contexts": ["Ann.", "No.", "It was Ann."], "decoder": "pipeline"})"));
  EXPECT_EQ(json["decoder"], "pipeline");
  const Json& answers = json["results"][0]["answers"];
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0]["context"], 0);
  EXPECT_EQ(answers[1]["context"], 2);
}

TEST(ApiAnswers, AResponseHoldsSoManyAnswersAndNoMore) {
  ApiFixture fixture;
  fixture.engine.n_found = 10;
  const Json body = {{"questions", std::vector<std::string>(32, "Who?")},
                     {"contexts", std::vector<std::string>(64, "Ann.")},
                     {"decoder", "pipeline"},
                     {"top_k", 100}};
  const Json json = json_of(fixture.post("/v1/answer", body.dump()));
  ASSERT_EQ(json["results"].size(), 32U);
  for (const Json& result : json["results"]) EXPECT_EQ(result["answers"].size(), 64U * 4U);
}

TEST(ApiAnswers, LongTextsAreWorkedOnElsewhereAndAnsweredAlike) {
  ApiFixture fixture({.options = {.inline_bytes = 8}});
  EXPECT_EQ(json_of(fixture.post("/predict", kQuestion))["answer"], "Ann");
  EXPECT_EQ(json_of(fixture.post("/v1/answer", kQuestion))["results"][0]["answers"][0]["text"], "Ann");
  EXPECT_EQ(fixture.post("/predict", "{").status, 400);
}

TEST(ApiAnswers, ManyQuestionsOverManyContextsAreTokenisedElsewhere) {
  ApiFixture fixture;
  std::promise<void> free;
  ASSERT_TRUE(fixture.preparation().post(1, [freed = free.get_future().share()] { freed.wait(); }));
  const auto ask = [&](std::size_t n_questions) {
    const Json body = {{"questions", std::vector<std::string>(n_questions, "Who?")},
                       {"contexts", std::vector<std::string>(32, "Ann.")}};
    return fixture.begin(ApiFixture::post_request("/v1/answer", body.dump()));
  };
  EXPECT_TRUE(ask(2)->has_begun());
  const auto many = ask(3);
  EXPECT_EQ(fixture.engine.n_submitted, 1);
  free.set_value();
  ASSERT_TRUE(many->is_answered());
  EXPECT_EQ(json_of(many->response())["results"].size(), 3U);
}

TEST(ApiAnswers, TheEngineIsGivenWhatWasAsked) {
  ApiFixture fixture;
  fixture.engine.holds = true;
  const auto before = Clock::now();
  const auto exchange = fixture.begin(ApiFixture::post_request("/predict", kQuestion));
  const EngineRequest& asked = fixture.engine.next();
  EXPECT_EQ(asked.model->name, "tiny");
  EXPECT_FALSE(asked.keep_windows);
  EXPECT_GE(asked.deadline, before + ApiOptions{}.deadline);
  EXPECT_LE(asked.deadline, Clock::now() + ApiOptions{}.deadline);
  EXPECT_TRUE(std::holds_alternative<PipelineOptions>(asked.request.options.decoder));
  EXPECT_FALSE(exchange->has_begun());
  fixture.engine.answer_next();
  EXPECT_EQ(exchange->response().status, 200);
}

TEST(ApiAnswers, ADeadlineThatPassesIsTold) {
  ApiFixture fixture;
  fixture.engine.holds = true;
  const auto exchange = fixture.begin(ApiFixture::post_request("/v1/answer", kQuestion));
  fixture.engine.answer_next(ApiError{.kind = ErrorKind::kDeadlineExceeded});
  EXPECT_EQ(exchange->response().status, 504);
}

TEST(ApiAnswers, WhoLeavesHasTheWorkDropped) {
  ApiFixture fixture;
  fixture.engine.holds = true;
  const auto exchange = fixture.begin(ApiFixture::post_request("/predict", kQuestion));
  exchange->leave();
  EXPECT_EQ(fixture.engine.n_cancelled, 1);
  EXPECT_FALSE(exchange->has_begun());
  const auto samples = testing::samples_of(fixture.metrics.text({}));
  EXPECT_EQ(samples.at("spanqa_cancelled_total"), 1.0);
  EXPECT_EQ(samples.at("spanqa_in_flight"), 0.0);
  const auto lines = fixture.log_lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["gone"], true);
  EXPECT_EQ(lines[0]["model"], "tiny");
}

TEST(ApiAnswers, WhoLeavesAfterTheAnswerCancelsNothing) {
  ApiFixture fixture;
  const auto exchange = fixture.begin(ApiFixture::post_request("/predict", kQuestion));
  exchange->leave();
  EXPECT_EQ(fixture.engine.n_cancelled, 0);
  EXPECT_EQ(fixture.log_lines().size(), 1U);
}

TEST(ApiAnswers, AStreamShowsProgressAndThenTheWholeAnswer) {
  ApiFixture fixture;
  fixture.engine.holds = true;
  const auto exchange = fixture.begin(ApiFixture::post_request("/v1/answer", kQuestion, kStream));
  EXPECT_TRUE(exchange->is_stream()) << "at once: the client knows that it is being answered";
  EXPECT_EQ(exchange->response().header("Content-Type"), "text/event-stream");
  EXPECT_EQ(exchange->response().header("X-Request-ID").size(), 16U);
  fixture.engine.step_next(1, 3);
  fixture.engine.step_next(2, 3);  // sooner after the first than anybody can read
  fixture.engine.answer_next();
  ASSERT_TRUE(exchange->is_answered());
  const std::vector<Event> events = events_of(exchange->response().body);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].name, "progress");
  EXPECT_EQ(events[0].data["windows_done"], 1);
  EXPECT_EQ(events[0].data["windows_total"], 3);
  EXPECT_EQ(events[0].data["best"]["text"], "Ann");
  EXPECT_EQ(events[0].data["best"]["code_points"]["start"], 2);
  EXPECT_EQ(events[1].name, "answer");
  fixture.engine.holds = false;
  Json whole = json_of(fixture.post("/v1/answer", kQuestion));
  whole.erase("timing");
  Json streamed = events[1].data;
  streamed.erase("timing");
  EXPECT_EQ(streamed, whole);
}

TEST(ApiAnswers, AStreamThatFailsEndsWithTheError) {
  ApiFixture fixture;
  fixture.engine.holds = true;
  const auto exchange = fixture.begin(ApiFixture::post_request("/v1/answer", kQuestion, kStream));
  fixture.engine.answer_next(ApiError{.kind = ErrorKind::kDeadlineExceeded});
  ASSERT_TRUE(exchange->is_answered());
  const std::vector<Event> events = events_of(exchange->response().body);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].name, "error");
  EXPECT_EQ(events[0].data["code"], "deadline_exceeded");
  const auto lines = fixture.log_lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["code"], "deadline_exceeded");
}

TEST(ApiAnswers, WhatIsRefusedAtOnceHasItsStatusThoughAStreamWasAskedFor) {
  ApiFixture fixture;
  fixture.engine.refusal = ApiError{.kind = ErrorKind::kQueueFull, .retry_after_seconds = 2};
  const HttpResponse response = fixture.post("/v1/answer", kQuestion, kStream);
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(json_of(response)["code"], "queue_full");
  EXPECT_EQ(fixture.post("/v1/answer", "{", kStream).status, 400);
}

TEST(ApiAnswers, WhoLeavesAStreamHasTheWorkDropped) {
  ApiFixture fixture;
  fixture.engine.holds = true;
  const auto exchange = fixture.begin(ApiFixture::post_request("/v1/answer", kQuestion, kStream));
  fixture.engine.step_next(1, 3);
  exchange->leave();
  EXPECT_EQ(fixture.engine.n_cancelled, 1);
  const auto lines = fixture.log_lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["gone"], true);
}

TEST(ApiAnswers, AcceptDecidesBetweenJsonAndEvents) {
  ApiFixture fixture;
  const auto type = [&](const char* accept, bool is_http_10 = false) {
    HttpRequest request = ApiFixture::post_request("/v1/answer", kQuestion, {{"Accept", accept}});
    request.is_http_10 = is_http_10;
    const HttpResponse response = fixture.send(std::move(request));
    return response.status == 200 ? std::string(response.header("Content-Type")) : std::to_string(response.status);
  };
  EXPECT_EQ(type("*/*"), "application/json");
  EXPECT_EQ(type("application/json"), "application/json");
  EXPECT_EQ(type("text/event-stream"), "text/event-stream");
  EXPECT_EQ(type("text/event-stream, application/json;q=0.5"), "text/event-stream");
  EXPECT_EQ(type("application/json, text/event-stream;q=0.5"), "application/json");
  EXPECT_EQ(type("text/plain"), "406");
  EXPECT_EQ(type("text/event-stream", true), "406") << "HTTP/1.0 knows no chunks";
  EXPECT_EQ(type("text/event-stream, application/json;q=0.5", true), "application/json");
}

}  // namespace
}  // namespace spanqa::serve

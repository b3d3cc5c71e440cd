#include "serve/openapi.h"

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "serve/request_body.h"
#include "serve/response_body.h"
#include "serve/testing_schema.h"

namespace spanqa::serve {
namespace {

using Json = nlohmann::json;
using testing::SchemaChecker;

Json document(const OpenapiOptions& options = {}, bool feedback = true) {
  return Json::parse(openapi_json(Router({.feedback = feedback}), options));
}

TEST(OpenapiJson, ListsEveryRouteOfTheApiAndNoOther) {
  const Json json = document();
  EXPECT_EQ(json["openapi"], "3.1.0");
  std::size_t n_operations = 0;
  for (const auto& [path, methods] : json["paths"].items()) n_operations += methods.size();
  std::size_t n_routes = 0;
  for (const Route& route : route_table()) {
    if (route.listing == Listing::kNotInOpenapi) continue;
    ++n_routes;
    const Json& operation = json["paths"][std::string(route.path)][route.method == "GET" ? "get" : "post"];
    EXPECT_EQ(operation["operationId"], std::string(route.operation));
    EXPECT_EQ(operation.contains("requestBody"), route.method == "POST") << route.path;
    EXPECT_TRUE(operation["responses"].contains(std::to_string(route.success))) << route.path;
    EXPECT_TRUE(operation["responses"].contains("default")) << route.path;
  }
  EXPECT_EQ(n_operations, n_routes);
  EXPECT_FALSE(document({}, false)["paths"].contains("/v1/feedback"));
}

/// Calls `call` with every value below `json`.
void walk(const Json& json, const std::function<void(const Json&)>& call) {
  call(json);
  if (!json.is_structured()) return;
  for (const Json& member : json) walk(member, call);
}

TEST(OpenapiJson, EveryReferenceLeadsSomewhereAndEverySchemaIsUsed) {
  const Json json = document();
  std::set<std::string> used;
  walk(json, [&](const Json& value) {
    if (!value.is_object() || !value.contains("$ref")) return;
    const std::string target = value["$ref"];
    EXPECT_TRUE(json.contains(Json::json_pointer(target.substr(1)))) << target;
    used.insert(target);
  });
  for (const auto& [name, schema] : json["components"]["schemas"].items()) {
    EXPECT_TRUE(used.contains("#/components/schemas/" + name)) << name;
  }
}

TEST(OpenapiJson, ExamplesAreBodiesThatAreTaken) {
  const SchemaChecker checker(document());
  for (const auto& [path, methods] : checker.document()["paths"].items()) {
    if (!methods.contains("post")) continue;
    const Json& media = methods["post"]["requestBody"]["content"]["application/json"];
    EXPECT_EQ(checker.fault_of(media["schema"], media["example"], path), "");
  }
  const Json& paths = checker.document()["paths"];
  const auto example = [&](const char* path) {
    return paths[path]["post"]["requestBody"]["content"]["application/json"]["example"].dump();
  };
  EXPECT_TRUE(parse_predict_body(example("/predict"), {}));
  EXPECT_TRUE(parse_hugging_face_body(example("/"), {}));
  EXPECT_TRUE(parse_answer_body(example("/v1/answer"), {}));
  EXPECT_TRUE(parse_tokenize_body(example("/v1/tokenize"), {}));
  EXPECT_TRUE(parse_feedback_body(example("/v1/feedback"), {}));
}

TEST(OpenapiJson, TellsOfKeysOnlyWhereThereAreSome) {
  const Json open = document();
  EXPECT_FALSE(open["components"].contains("securitySchemes"));
  EXPECT_FALSE(open["paths"]["/predict"]["post"]["responses"].contains("401"));
  const Json closed = document({.keys = true});
  EXPECT_TRUE(closed["paths"]["/predict"]["post"].contains("security"));
  EXPECT_TRUE(closed["paths"]["/predict"]["post"]["responses"].contains("401"));
  EXPECT_FALSE(closed["paths"]["/health/live"]["get"].contains("security"));
}

TEST(OpenapiJson, TellsOfTheHeadersOfAnswers) {
  const Json json = document();
  for (const char* name : {"X-Request-ID", "X-Queue-Time", "X-Tokenize-Time", "X-Inference-Time"}) {
    EXPECT_TRUE(json["paths"]["/predict"]["post"]["responses"]["200"]["headers"].contains(name)) << name;
  }
  EXPECT_EQ(json["paths"]["/health"]["get"]["responses"]["200"]["headers"].size(), 1U);
}

TEST(OpenapiJson, NamesTheModelsThatAreLoaded) {
  const Json json = document({.models = {"a", "org/b"}});
  const Json names = {"a", "org/b"};
  EXPECT_EQ(json["paths"]["/models/{name}"]["post"]["parameters"][0]["schema"]["enum"], names);
  EXPECT_EQ(json["components"]["schemas"]["AnswerRequest"]["properties"]["model"]["enum"], names);
}

TEST(OpenapiJson, SaysTheDefaultsAndRangesThatThePartsHave) {
  const Json parameters = document()["components"]["schemas"]["Parameters"]["properties"];
  EXPECT_EQ(parameters["top_k"]["default"], 1);
  EXPECT_EQ(parameters["top_k"]["maximum"], 100);
  EXPECT_EQ(parameters["max_answer_len"]["default"], 15);
  EXPECT_FALSE(parameters["doc_stride"].contains("default"));
  EXPECT_EQ(parameters["align_to_words"]["default"], true);
}

// A schema-valid body must be taken and any other refused: what schemathesis will try, tried here on bodies that are
// changed at random places by values that are often nearly right.

Json random_scalar(std::mt19937& random) {
  static const std::vector<Json> values = {0,
                                           1,
                                           2,
                                           3.0,
                                           1.5,
                                           -1,
                                           16,
                                           100,
                                           101,
                                           4097,
                                           1e300,
                                           9007199254740992,
                                           -9007199254740991,
                                           true,
                                           false,
                                           nullptr,
                                           "",
                                           "q",
                                           "é😀",
                                           "global",
                                           "run_qa",
                                           "right",
                                           "tokens",
                                           Json::array(),
                                           Json::object(),
                                           {{"question", "q"}, {"context", "c"}},
                                           {"q"},
                                           {{"text", "t"}},
                                           {{"id", 5}, {"text", "t"}},
                                           std::string(300, 'm')};
  return values[random() % values.size()];
}

/// Changes, removes or adds one member somewhere.
void mutate(Json& json, std::mt19937& random) {
  static const std::vector<std::string> names = {"question",  "questions", "context",    "contexts", "inputs", "top_k",
                                                 "instances", "documents", "parameters", "window",   "id",     "meta",
                                                 "include",   "decoder",   "verdict",    "text",     "extra",  "model"};
  if (json.is_structured() && !json.empty() && random() % 3 != 0) {
    auto member = json.begin();
    std::advance(member, static_cast<std::ptrdiff_t>(random() % json.size()));
    return mutate(*member, random);
  }
  if (json.is_object() && random() % 2 == 0) {
    if (!json.empty() && random() % 2 == 0) {
      auto member = json.begin();
      std::advance(member, static_cast<std::ptrdiff_t>(random() % json.size()));
      json.erase(member);
      return;
    }
    json[names[random() % names.size()]] = random_scalar(random);
    return;
  }
  json = random_scalar(random);
}

struct Parser {
  std::string schema;
  std::function<std::optional<ApiError>(std::string_view)> parse;
  std::vector<Json> bodies;
};

template <typename Call>
std::optional<ApiError> error_of(Parsed<Call> call) {
  if (call) return std::nullopt;
  return std::move(call).error();
}

std::vector<Parser> parsers() {
  const Json pair = {{"question", "q"}, {"context", "c"}};
  Json flat = pair;
  flat["top_k"] = 2;
  flat["parameters"] = {{"doc_stride", 5}, {"align_to_words", false}};
  Json documents = {{"question", "q"}, {"documents", Json::array({{{"text", "t"}, {"id", "a"}}, {{"text", "u"}}})}};
  documents["documents"][0]["meta"] = {{"page", 1}};
  const Json inputs = {{"inputs", pair}, {"parameters", {{"top_k", 3}, {"max_seq_len", 64}}}};
  const Json instances = {{"instances", Json::array({pair, pair})}};
  const Json many = {{"inputs", Json::array({pair, pair})}};
  const Json answer = {{"questions", {"q", "r"}}, {"contexts", Json::array({"c", {{"id", 5}, {"text", "d"}}})},
                       {"decoder", "run_qa"},     {"no_answer_threshold", 0.5},
                       {"include", {"tokens"}},   {"window", {{"max_length", 32}, {"overlap", 4}}}};
  const Json feedback = {{"question", "q"}, {"context", "c"}, {"verdict", "right"}, {"answer", "c"}};
  return {
      {"PredictRequest",
       [](auto body) { return error_of(parse_predict_body(body, {})); },
       {flat, documents, inputs, instances, many}},
      {"HuggingFaceRequest", [](auto body) { return error_of(parse_hugging_face_body(body, {})); }, {inputs, many}},
      {"AnswerRequest", [](auto body) { return error_of(parse_answer_body(body, {})); }, {answer}},
      {"TokenizeRequest",
       [](auto body) { return error_of(parse_tokenize_body(body, {})); },
       {{{"text", "t"}, {"add_special_tokens", true}}}},
      {"FeedbackRequest", [](auto body) { return error_of(parse_feedback_body(body, {})); }, {feedback}},
  };
}

TEST(OpenapiJson, ParsersTakeWhatItAllowsAndRefuseTheRest) {
  const SchemaChecker checker(document());
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (const Parser& parser : parsers()) {
    std::size_t n_taken = 0;
    constexpr std::size_t kRounds = 4000;
    for (std::size_t round = 0; round < kRounds; ++round) {
      Json body = parser.bodies[random() % parser.bodies.size()];
      for (std::size_t n = random() % 3; n > 0; --n) mutate(body, random);
      const std::string fault = checker.fault(parser.schema, body);
      const std::optional<ApiError> error = parser.parse(body.dump());
      // A conflict is not one of form, and schemathesis knows it.
      const bool taken = !error || error->kind == ErrorKind::kMisplacedAnswer;
      ASSERT_EQ(taken, fault.empty()) << parser.schema << " " << body.dump() << "\nschema: " << fault
                                      << "\nparser: " << (error ? error_json(*error) : "");
      n_taken += taken ? 1 : 0;
    }
    EXPECT_GT(n_taken, kRounds / 10) << parser.schema;
    EXPECT_LT(n_taken, kRounds) << parser.schema;
  }
}

TEST(ResponseBodies, AreWhatTheSchemasSay) {
  const SchemaChecker checker(document());
  Answer answer;
  answer.text = "c";
  answer.span = {0, 1};
  answer.score = 0.5;
  Answers found;
  found.answers = {answer, answer};
  const Answers nothing;
  for (const Parser& parser : parsers()) {
    if (parser.schema != "PredictRequest" && parser.schema != "HuggingFaceRequest") continue;
    const bool is_predict = parser.schema == "PredictRequest";
    for (const Json& body : parser.bodies) {
      const auto call = is_predict ? parse_predict_body(body.dump(), {}) : parse_hugging_face_body(body.dump(), {});
      ASSERT_TRUE(call);
      for (const Answers& each : {found, nothing}) {
        const std::vector<Answers> by_pair(call->request.pairs.size(), each);
        const std::string json = pipeline_body(*call, by_pair);
        EXPECT_EQ(checker.fault(is_predict ? "PredictResponse" : "HuggingFaceResponse", Json::parse(json)), "") << json;
      }
    }
  }
  const auto call = parse_answer_body(R"({"question": "q", "contexts": ["c", {"id": "i", "text": "c"}]})", {});
  ASSERT_TRUE(call);
  FullAnswer full;
  full.by_question.resize(1);
  full.by_question[0].answers = {{answer, 1}, {Answer{.is_no_answer = true}, 0}};
  full.probabilities = {{.document = 0, .window = 0, .tokens = {{.span = {0, 1}, .start = 1.0F, .end = 0.5F}}}};
  EXPECT_EQ(checker.fault("AnswerResponse", Json::parse(full_body(*call, full))), "");
  const std::vector<TokenText> tokens = {{.id = 1, .text = "c", .span = {0, 1}, .special = false}};
  EXPECT_EQ(checker.fault("TokenizeResponse", Json::parse(tokenize_body("m", "c", tokens))), "");
  const std::vector<ModelSummary> models(1);
  EXPECT_EQ(checker.fault("ModelsResponse", Json::parse(models_body(models))), "");
  EXPECT_EQ(checker.fault("Health", Json::parse(health_body(true, models))), "");
  for (const ErrorRow& row : error_table()) {
    EXPECT_EQ(checker.fault("Error", Json::parse(error_json({.kind = row.kind, .field = "f", .limit = 1}))), "");
  }
}

}  // namespace
}  // namespace spanqa::serve

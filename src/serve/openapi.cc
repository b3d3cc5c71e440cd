#include "serve/openapi.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "serve/body_visits.h"
#include "serve/response_schemas.h"

namespace spanqa::serve {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kJsonType = "application/json";
constexpr const char* kStreamType = "text/event-stream";

Json reference(std::string_view schema) { return {{"$ref", "#/components/schemas/" + std::string(schema)}}; }

/// The reader of the parameters is given to custom(); schemas need none.
std::optional<ApiError> no_read(const nlohmann::json& /*value*/, const std::string& /*path*/) { return std::nullopt; }

Json list_of(Json items, std::size_t most) {
  return {{"type", "array"}, {"minItems", 1}, {"maxItems", most}, {"items", std::move(items)}};
}

/// The bodies of requests.
class RequestSchemas {
 public:
  explicit RequestSchemas(const OpenapiOptions& options) : options_(&options), limits_(options.limits) {}

  Json parameters() const {
    FieldSchema schema;
    PipelineParameters defaults;
    visit_parameters(schema, defaults, limits_);
    return schema.schema(UnknownFields::kIgnored);
  }
  Json pair() const {
    FieldSchema schema;
    std::string text;
    visit_pair(schema, text, text, limits_);
    return schema.schema(UnknownFields::kIgnored);
  }
  Json hugging_face() const {
    return shape([&](FieldSchema& schema) {
      schema.custom(
          Field{"inputs", "One question over one context, or a list of them.", Presence::kRequired},
          [&] { return one_or_list(); }, no_read);
    });
  }
  Json predict() const {
    const Json flat = shape([&](FieldSchema& schema) {
      std::string text;
      visit_pair(schema, text, text, limits_);
    });
    const Json instances = shape([&](FieldSchema& schema) {
      schema.custom(
          Field{"instances", "Questions over contexts.", Presence::kRequired},
          [&] { return list_of(reference("Pair"), limits_.contexts); }, no_read);
    });
    // The parser looks for these names in this order, and so do the branches.
    return {{"anyOf",
             {documents(), without({"documents"}, instances), without({"documents", "instances"}, hugging_face()),
              without({"documents", "instances", "inputs"}, flat)}}};
  }
  Json answer() const {
    FieldSchema schema;
    const Json text = {{"type", "string"}, {"minLength", 1}};
    std::string value;
    schema.text(Field{"question", "A question."}, value, question_limit(limits_));
    schema.custom(
        Field{"questions", "More questions; each is asked of every context."},
        [&] { return list_of(text, limits_.questions); }, no_read);
    Json any_context = {{"anyOf", {text, document(false)}}};
    schema.custom(Field{"context", "A text that may hold the answers."}, [&] { return Json(any_context); }, no_read);
    schema.custom(Field{"contexts", "More texts."}, [&] { return list_of(any_context, limits_.contexts); }, no_read);
    AnswerFields defaults;
    visit_answer_fields(schema, defaults, limits_);
    Json json = named_model(schema.schema(UnknownFields::kRefused));
    json["anyOf"] = Json::array();
    for (const char* one : {"question", "questions"}) {
      for (const char* other : {"context", "contexts"}) json["anyOf"].push_back({{"required", {one, other}}});
    }
    return json;
  }
  Json tokenize() const {
    FieldSchema schema;
    TokenizeCall defaults;
    visit_tokenize(schema, defaults, limits_);
    return named_model(schema.schema(UnknownFields::kRefused));
  }
  Json feedback() const {
    FieldSchema schema;
    FeedbackFields defaults;
    visit_feedback(schema, defaults, limits_);
    return schema.schema(UnknownFields::kRefused);
  }

 private:
  /// An object with the given fields, and the parameters beside them and in an object.
  template <typename Fields>
  Json shape(const Fields& fields) const {
    FieldSchema schema;
    fields(schema);
    schema.custom(
        Field{"parameters", "Of the pipeline; they win over those beside it."}, [] { return reference("Parameters"); },
        no_read);
    PipelineParameters defaults;
    visit_parameters(schema, defaults, limits_);
    return schema.schema(UnknownFields::kIgnored);
  }
  /// The schema for bodies in which none of the names stands.
  static Json without(const std::vector<const char*>& names, Json schema) {
    Json present = Json::array();
    for (const char* name : names) present.push_back({{"required", Json::array({name})}});
    schema["not"] = {{"anyOf", std::move(present)}};
    return schema;
  }
  Json one_or_list() const { return {{"anyOf", {reference("Pair"), list_of(reference("Pair"), limits_.contexts)}}}; }
  Json document(bool with_meta) const {
    FieldSchema schema;
    std::string text;
    schema.text(Field{"text", "The document.", Presence::kRequired}, text, context_limit(limits_));
    schema.custom(
        Field{"id", "Your name for it; handed back."},
        [] {
          const Json name = {{"type", "string"}, {"maxLength", kNameCharacters}};
          const Json number = {{"type", "integer"}, {"minimum", -kLargestId}, {"maximum", kLargestId}};
          return Json{{"anyOf", {name, number}}};
        },
        no_read);
    if (with_meta) {
      schema.custom(Field{"meta", "Anything; handed back."}, [] { return Json::object(); }, no_read);
    }
    return schema.schema(with_meta ? UnknownFields::kIgnored : UnknownFields::kRefused);
  }
  Json documents() const {
    return shape([&](FieldSchema& schema) {
      std::string text;
      schema.text(Field{"question", "The question.", Presence::kRequired}, text, question_limit(limits_));
      schema.custom(
          Field{"documents", "Texts, each answered for itself.", Presence::kRequired},
          [&] { return list_of(document(true), limits_.contexts); }, no_read);
    });
  }
  Json named_model(Json schema) const {
    if (!options_->models.empty()) schema["properties"]["model"]["enum"] = options_->models;
    return schema;
  }

  const OpenapiOptions* options_;
  BodyLimits limits_;
};

Json schemas_of(const OpenapiOptions& options) {
  const RequestSchemas requests(options);
  Json schemas = response_schemas();
  schemas["Parameters"] = requests.parameters();
  schemas["Pair"] = requests.pair();
  schemas["HuggingFaceRequest"] = requests.hugging_face();
  schemas["PredictRequest"] = requests.predict();
  schemas["AnswerRequest"] = requests.answer();
  schemas["TokenizeRequest"] = requests.tokenize();
  schemas["FeedbackRequest"] = requests.feedback();
  return schemas;
}

/// A body that a reader can send as it is; schemathesis' first phase does.
Json example_of(std::string_view schema) {
  const char* const question = "Who wrote it?";
  const char* const context = "Ann Lee wrote it in 1999.";
  Json pair = {{"question", question}, {"context", context}};
  if (schema == "HuggingFaceRequest") return {{"inputs", pair}, {"parameters", {{"top_k", 1}}}};
  if (schema == "PredictRequest") return pair;
  if (schema == "AnswerRequest") return {{"questions", {question, "When?"}}, {"contexts", {context}}};
  if (schema == "TokenizeRequest") return {{"text", context}};
  Json feedback = pair;
  feedback["verdict"] = "right";
  feedback["answer"] = "Ann Lee";
  return feedback;
}

/// Which errors a route can give, beside those of HTTP itself.
bool can_give(const Route& route, ErrorKind kind, bool keys) {
  const bool has_body = !route.request_schema.empty();
  switch (kind) {
    case ErrorKind::kUnauthorized:
      return keys && route.key == Key::kNeeded;
    case ErrorKind::kModelNotFound:
      return has_body;
    case ErrorKind::kNoIndex:
      return route.id == RouteId::kAnswer;
    case ErrorKind::kMissingFields:
      return route.id == RouteId::kPredict;
    case ErrorKind::kMisplacedAnswer:
      return route.id == RouteId::kStoreFeedback;
    case ErrorKind::kNotFound:
    case ErrorKind::kMethodNotAllowed:
      return false;  // of other paths and methods
    case ErrorKind::kInvalidRequest:
    case ErrorKind::kRequestTimeout:
    case ErrorKind::kHeadersTooLarge:
    case ErrorKind::kExpectationFailed:
    case ErrorKind::kInternal:
    case ErrorKind::kNotReady:
    case ErrorKind::kShuttingDown:
      return true;
    default:
      return has_body;
  }
}

Json error_responses(const Route& route, bool keys) {
  Json responses = Json::object();
  const auto describe = [&](const std::string& name, std::string_view meaning) {
    if (responses.contains(name)) {
      responses[name]["description"] = responses[name]["description"].get<std::string>() + " " + std::string(meaning);
      return;
    }
    responses[name] = {{"description", meaning}, {"content", {{kJsonType, {{"schema", reference("Error")}}}}}};
  };
  for (const ErrorRow& row : error_table()) {
    if (can_give(route, row.kind, keys)) describe(std::to_string(row.status), row.meaning);
  }
  if (route.id == RouteId::kReady) {
    responses["503"] = {{"description", "Not ready."}, {"content", {{kJsonType, {{"schema", reference("Health")}}}}}};
  }
  describe("default", "Any other error.");
  return responses;
}

struct ResponseHeader {
  const char* name;
  const char* meaning;
};
// Of answers but for streams, whose last event tells their times.
constexpr std::array kTimes = {ResponseHeader{"X-Queue-Time", "Milliseconds that the request waited to be read."},
                               ResponseHeader{"X-Tokenize-Time", "Milliseconds that its tokens took."},
                               ResponseHeader{"X-Inference-Time", "Milliseconds that the model took."}};

Json success_response(const Route& route) {
  Json response = {{"description", route.summary}};
  const auto add_header = [&](const ResponseHeader& header) {
    response["headers"][header.name] = {{"description", header.meaning}, {"schema", {{"type", "string"}}}};
  };
  add_header({"X-Request-ID", "The request's name in the access log."});
  if (gives_answers(route.id)) std::for_each(kTimes.begin(), kTimes.end(), add_header);
  if (route.response_type.empty()) return response;
  Json schema = route.response_schema.empty() ? Json{{"type", "string"}} : reference(route.response_schema);
  response["content"][std::string(route.response_type)] = {{"schema", std::move(schema)}};
  if (route.id == RouteId::kAnswer) {
    response["content"][kStreamType] = {{"schema", {{"type", "string"}}}};
  }
  if (route.id == RouteId::kModels) {
    response["links"]["ask_model"] = {{"operationId", "ask_model"},
                                      {"parameters", {{"name", "$response.body#/models/0/name"}}}};
  }
  return response;
}

Json path_parameter(const OpenapiOptions& options) {
  Json schema = {{"type", "string"}, {"minLength", 1}};
  if (!options.models.empty()) schema["enum"] = options.models;
  return {{"name", "name"},
          {"in", "path"},
          {"required", true},
          {"description", "Name of a loaded model; a slash in it may stand as it is or as %2F."},
          {"schema", std::move(schema)}};
}

Json operation_of(const Route& route, const OpenapiOptions& options) {
  Json operation = {{"operationId", route.operation}, {"summary", route.summary}};
  if (route.path.ends_with("{name}")) operation["parameters"] = Json::array({path_parameter(options)});
  if (!route.request_schema.empty()) {
    const Json media = {{"schema", reference(route.request_schema)}, {"example", example_of(route.request_schema)}};
    operation["requestBody"] = {{"required", true}, {"content", {{kJsonType, media}}}};
  }
  operation["responses"][std::to_string(route.success)] = success_response(route);
  operation["responses"].update(error_responses(route, options.keys));
  if (options.keys && route.key == Key::kNeeded) {
    operation["security"] = Json::array({{{"bearer", Json::array()}}, {{"header", Json::array()}}});
  }
  return operation;
}

}  // namespace

std::string openapi_json(const Router& router, const OpenapiOptions& options) {
  Json json = {{"openapi", "3.1.0"},
               {"info",
                {{"title", "spanqa"},
                 {"version", options.version},
                 {"description", "Extractive question answering: which words of a text answer a question, and where."},
                 {"license", {{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}}}};
  Json& paths = json["paths"] = Json::object();
  for (const Route& route : router.routes()) {
    if (route.listing == Listing::kNotInOpenapi) continue;
    const std::string method = route.method == "GET" ? "get" : "post";
    paths[std::string(route.path)][method] = operation_of(route, options);
  }
  json["components"]["schemas"] = schemas_of(options);
  if (options.keys) {
    json["components"]["securitySchemes"] = {{"bearer", {{"type", "http"}, {"scheme", "bearer"}}},
                                             {"header", {{"type", "apiKey"}, {"in", "header"}, {"name", "X-API-Key"}}}};
  }
  return json.dump(2);
}

}  // namespace spanqa::serve

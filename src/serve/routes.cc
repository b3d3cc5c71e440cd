#include "serve/routes.h"

#include <algorithm>
#include <array>
#include <optional>

namespace spanqa::serve {
namespace {

using enum Key;
using enum Listing;

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kHtml = "text/html; charset=utf-8";
constexpr std::string_view kPrometheus = "text/plain; version=0.0.4; charset=utf-8";

constexpr std::array kTable = {
    Route{RouteId::kPage, "GET", "/", kExempt, kInOpenapi, "page", "The page.", "", kHtml, ""},
    Route{RouteId::kAsset, "GET", "/assets/{file}", kExempt, kNotInOpenapi, "asset", "A file of the page.", "", "*/*",
          ""},
    Route{RouteId::kHuggingFace, "POST", "/", kNeeded, kInOpenapi, "ask",
          "Answer in the Hugging Face inference shape, by the default model.", "HuggingFaceRequest", kJson,
          "HuggingFaceResponse"},
    Route{RouteId::kHuggingFaceModel, "POST", "/models/{name}", kNeeded, kInOpenapi, "ask_model",
          "Answer in the Hugging Face inference shape, by the model of this name.", "HuggingFaceRequest", kJson,
          "HuggingFaceResponse"},
    Route{RouteId::kPredict, "POST", "/predict", kNeeded, kInOpenapi, "predict",
          "Answer one question over one context; bodies with inputs, instances or documents give lists.",
          "PredictRequest", kJson, "PredictResponse"},
    Route{RouteId::kAnswer, "POST", "/v1/answer", kNeeded, kInOpenapi, "answer",
          "Answer several questions over several contexts, with offsets, sentences, windows and times.",
          "AnswerRequest", kJson, "AnswerResponse"},
    Route{RouteId::kTokenize, "POST", "/v1/tokenize", kNeeded, kInOpenapi, "tokenize",
          "The tokens of a text, with ids and offsets.", "TokenizeRequest", kJson, "TokenizeResponse"},
    Route{RouteId::kModels, "GET", "/v1/models", kNeeded, kInOpenapi, "models", "The models that are loaded.", "",
          kJson, "ModelsResponse"},
    Route{RouteId::kExportFeedback, "GET", "/v1/feedback", kNeeded, kInOpenapi, "export_feedback",
          "What was kept, as SQuAD 2.0.", "", kJson, "Squad"},
    Route{RouteId::kStoreFeedback, "POST", "/v1/feedback", kNeeded, kInOpenapi, "store_feedback",
          "Keep what a person says of an answer.", "FeedbackRequest", "", "", 204},
    Route{RouteId::kLive, "GET", "/health/live", kExempt, kInOpenapi, "live", "The process answers.", "", kJson,
          "Health"},
    Route{RouteId::kReady, "GET", "/health/ready", kExempt, kInOpenapi, "ready",
          "Models are loaded and warm; 503 until then and once the server shuts down.", "", kJson, "Health"},
    Route{RouteId::kHealth, "GET", "/health", kExempt, kInOpenapi, "health", "Liveness and readiness in one.", "",
          kJson, "Health"},
    Route{RouteId::kInfo, "GET", "/info", kNeeded, kInOpenapi, "info", "Version, processor, limits, models.", "", kJson,
          "Info"},
    Route{RouteId::kMetrics, "GET", "/metrics", kExempt, kInOpenapi, "metrics", "Figures for Prometheus.", "",
          kPrometheus, ""},
    Route{RouteId::kOpenapi, "GET", "/openapi.json", kExempt, kInOpenapi, "openapi", "This description.", "", kJson,
          "Openapi"},
    Route{RouteId::kDocs, "GET", "/docs", kExempt, kInOpenapi, "docs", "This description, for people.", "", kHtml, ""},
};

bool is_feedback(const Route& route) {
  return route.id == RouteId::kStoreFeedback || route.id == RouteId::kExportFeedback;
}

/// The path of an origin-form or absolute-form target, its query cut off into `query`.
std::string_view path_of(std::string_view target, std::string_view& query) {
  if (!target.empty() && target.front() != '/') {
    const std::size_t authority = target.find("://");
    const std::size_t slash = authority == std::string_view::npos ? authority : target.find('/', authority + 3);
    target = slash == std::string_view::npos ? std::string_view() : target.substr(slash);
  }
  const std::size_t end = target.find_first_of("?#");
  if (end == std::string_view::npos) return target;
  if (target[end] == '?') query = target.substr(end + 1);
  return target.substr(0, end);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

/// One part, or two with a slash between them where `slash` is allowed; no part empty.
bool is_name(std::string_view name, bool slash) {
  const std::size_t first = name.find('/');
  if (first == std::string_view::npos) return !name.empty();
  return slash && first > 0 && first + 1 < name.size() && name.find('/', first + 1) == std::string_view::npos;
}

/// The parameter of `path` where it is one of `pattern`; empty text for a pattern without one.
std::optional<std::string> parameter_of(std::string_view pattern, std::string_view path) {
  const std::size_t brace = pattern.find('{');
  if (brace == std::string_view::npos) return pattern == path ? std::optional<std::string>("") : std::nullopt;
  if (!path.starts_with(pattern.substr(0, brace))) return std::nullopt;
  std::optional<std::string> name = percent_decoded(path.substr(brace));
  if (!name || !is_name(*name, pattern.substr(brace) == "{name}")) return std::nullopt;
  return name;
}

}  // namespace

bool gives_answers(RouteId id) {
  return id == RouteId::kHuggingFace || id == RouteId::kHuggingFaceModel || id == RouteId::kPredict ||
         id == RouteId::kAnswer;
}

std::span<const Route> route_table() { return kTable; }

Router::Router(const RouterOptions& options) {
  for (const Route& route : kTable) {
    if (options.feedback || !is_feedback(route)) routes_.push_back(route);
  }
}

std::string Router::allow(std::string_view path) const {
  std::string methods;
  for (const Route& route : routes_) {
    if (route.path != path) continue;
    if (!methods.empty()) methods += ", ";
    methods += route.method;
    if (route.method == "GET") methods += ", HEAD";
  }
  return methods;
}

Parsed<RouteMatch> Router::match(std::string_view method, std::string_view target) const {
  RouteMatch match;
  match.is_head = method == "HEAD";
  const std::string_view path = path_of(target, match.query);
  std::string_view found;
  for (const Route& route : routes_) {
    std::optional<std::string> parameter = parameter_of(route.path, path);
    if (!parameter) continue;
    found = route.path;
    if (route.method != (match.is_head ? "GET" : method)) continue;
    match.route = &route;
    match.parameter = *std::move(parameter);
    return match;
  }
  if (found.empty()) return refuse(ErrorKind::kNotFound);
  return tl::unexpected<ApiError>(ApiError{.kind = ErrorKind::kMethodNotAllowed, .allow = allow(found)});
}

}  // namespace spanqa::serve

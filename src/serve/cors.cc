#include "serve/cors.h"

#include <algorithm>

namespace spanqa::serve {
namespace {

constexpr const char* kRequestHeaders = "Authorization, Content-Type, Content-Encoding, X-API-Key, X-Request-ID";
constexpr const char* kExposed =
    "X-Request-ID, X-Queue-Time, X-Tokenize-Time, X-Inference-Time, Server-Timing, Retry-After";
constexpr const char* kMaxAge = "600";  // seconds; Chromium keeps no preflight longer than two hours, Firefox a day

}  // namespace

bool Cors::is_preflight(const HttpRequest& request) {
  return request.method == "OPTIONS" && has_header(request.headers, "Origin") &&
         has_header(request.headers, "Access-Control-Request-Method");
}

std::string Cors::allowed_origin(const HttpRequest& request) const {
  const std::string_view origin = request.header("Origin");
  if (origin.empty()) return {};
  const auto allows = [&](const std::string& named) { return named == "*" || named == origin; };
  const auto found = std::find_if(origins_.begin(), origins_.end(), allows);
  return found == origins_.end() ? std::string() : *found;
}

std::optional<HttpResponse> Cors::preflight(const HttpRequest& request, const std::string& allow) const {
  if (allowed_origin(request).empty()) return std::nullopt;
  HttpResponse response{.status = 204};
  response.set("Access-Control-Allow-Methods", allow);
  response.set("Access-Control-Allow-Headers", kRequestHeaders);
  response.set("Access-Control-Max-Age", kMaxAge);
  return response;
}

void Cors::add_headers(const HttpRequest& request, HttpResponse& response) const {
  if (!is_on()) return;
  response.set("Vary", "Origin");
  const std::string origin = allowed_origin(request);
  if (origin.empty()) return;
  response.set("Access-Control-Allow-Origin", origin);
  response.set("Access-Control-Expose-Headers", kExposed);
}

}  // namespace spanqa::serve

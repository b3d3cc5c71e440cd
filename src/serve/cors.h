// Which pages of other origins a browser may let ask.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "serve/http_message.h"

namespace spanqa::serve {

/// Threads: immutable.
class Cors {
 public:
  /// `origins` as browsers write them ("https://example.org"); "*" allows every one; none: CORS is off.
  explicit Cors(std::vector<std::string> origins = {}) : origins_(std::move(origins)) {}

  bool is_on() const { return !origins_.empty(); }
  /// An OPTIONS request of a browser that asks before it sends another one.
  static bool is_preflight(const HttpRequest& request);

  /// 204 with what the route at hand allows ("GET, HEAD, POST"), or nothing where the origin is not among those named.
  std::optional<HttpResponse> preflight(const HttpRequest& request, const std::string& allow) const;
  /// Lets the request's origin read the response, where it may.
  void add_headers(const HttpRequest& request, HttpResponse& response) const;

 private:
  /// The value of Access-Control-Allow-Origin; empty: none.
  std::string allowed_origin(const HttpRequest& request) const;

  std::vector<std::string> origins_;
};

}  // namespace spanqa::serve

// The routes: one table, from which the router, Allow, HEAD, the exemption from API keys and openapi.json are made.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "serve/api_error.h"

namespace spanqa::serve {

enum class RouteId : std::uint8_t {
  kPage,
  kAsset,
  kHuggingFace,
  kHuggingFaceModel,
  kPredict,
  kAnswer,
  kTokenize,
  kModels,
  kStoreFeedback,
  kExportFeedback,
  kLive,
  kReady,
  kHealth,
  kInfo,
  kMetrics,
  kOpenapi,
  kDocs,
};

/// Those that ask a model.
bool gives_answers(RouteId id);

enum class Key : std::uint8_t { kNeeded, kExempt };
enum class Listing : std::uint8_t { kInOpenapi, kNotInOpenapi };

struct Route {
  RouteId id;
  std::string_view method;           // "GET" or "POST"; HEAD comes with GET
  std::string_view path;             // "/models/{name}": a parameter stands at the end, if at all
  Key key;                           // what it asks for where API keys are set
  Listing listing;                   // the page's files are no part of the API
  std::string_view operation;        // its name in openapi.json, in metrics and in the access log
  std::string_view summary;          // one sentence
  std::string_view request_schema;   // name below components/schemas; empty: no body
  std::string_view response_type;    // media type of its success
  std::string_view response_schema;  // of a JSON success; empty: text
  int success = 200;
};

struct RouterOptions {
  bool feedback = false;  // the feedback routes are there
};

/// Where a request goes.
struct RouteMatch {
  const Route* route = nullptr;
  std::string parameter;   // decoded: "org/name" for /models/org/name and for /models/org%2Fname
  std::string_view query;  // after the question mark; a view into the target
  bool is_head = false;    // answer as GET, send no body
};

/// Threads: immutable.
class Router {
 public:
  explicit Router(const RouterOptions& options = {});

  /// kNotFound, or kMethodNotAllowed with `allow` set. A name holds at most one slash; one more, an empty part, or a
  /// broken percent escape is not found. The target may be in absolute form.
  Parsed<RouteMatch> match(std::string_view method, std::string_view target) const;

  /// Those that are on, in the table's order.
  std::span<const Route> routes() const { return routes_; }
  /// "GET, HEAD, POST": the methods of the routes at `path`, a path of the table.
  std::string allow(std::string_view path) const;

 private:
  std::vector<Route> routes_;
};

/// Every route there is.
std::span<const Route> route_table();

}  // namespace spanqa::serve

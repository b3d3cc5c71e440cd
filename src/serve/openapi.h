// openapi.json: the routes, their bodies and their errors, from the same tables that serve them.
#pragma once

#include <string>
#include <vector>

#include "serve/request_body.h"
#include "serve/routes.h"

namespace spanqa::serve {

struct OpenapiOptions {
  BodyLimits limits = {};
  std::vector<std::string> models = {};  // names that are loaded: what a client may ask for
  bool keys = false;                     // API keys are set
  std::string version = "0";
};

/// OpenAPI 3.1. Lists the routes of `router` but for files of the page; whatever its schemas allow is answered, what
/// they refuse is refused (sizes in bytes apart).
std::string openapi_json(const Router& router, const OpenapiOptions& options);

}  // namespace spanqa::serve

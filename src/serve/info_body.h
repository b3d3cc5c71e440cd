// What the server tells of itself.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "serve/engine.h"
#include "serve/request_body.h"
#include "serve/response_body.h"

namespace spanqa::serve {

/// Models in the order in which they were named: the first is the default.
using LoadedModels = std::vector<std::shared_ptr<const LoadedModel>>;

std::vector<ModelSummary> summaries_of(const LoadedModels& models);

struct ServerFacts {
  std::string version;
  BodyLimits limits = {};
  std::size_t body_bytes = 0;
  std::chrono::milliseconds deadline{};
};

/// GET /info: version, processor, kernels, models, limits. No path, no address.
std::string info_body(const ServerFacts& facts, const LoadedModels& models);

}  // namespace spanqa::serve

// JSON Schemas of what the server answers; the bodies that response_body.h writes are held against them in tests.
#pragma once

#include <nlohmann/json.hpp>

namespace spanqa::serve {

/// By name: components/schemas of openapi.json.
nlohmann::ordered_json response_schemas();

}  // namespace spanqa::serve

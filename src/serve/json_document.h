// JSON from outside as a tree, within bounds that its reader can rely on.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>

#include "serve/api_error.h"

namespace spanqa::serve {

struct JsonBounds {
  std::size_t depth = 64;        // code that walks values recurses
  std::size_t values = 100'000;  // a value of two bytes costs a hundred in memory; real bodies hold some dozens
};

/// kInvalidJson, with the byte at which it goes wrong, unless `text` is one JSON object in well-formed UTF-8, lone
/// surrogate escapes, numbers beyond a double, names that stand twice in an object and values outside of the bounds
/// among the faults. Whole numbers beyond 64 bits become doubles.
Parsed<nlohmann::json> parse_json_object(std::string_view text, const JsonBounds& bounds = {});

}  // namespace spanqa::serve

// JSON documents in the form of Python's json.dumps(indent=2): what files beside a model are written in.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace spanqa {

/// Levels of nesting that a document of ours or of the Python stack has at most. Code that walks documents recurses.
inline constexpr int kMaxJsonDepth = 64;

/// Members in the document's order; numbers and texts as base/json_text.h writes them. No newline at the end.
std::string python_json(const nlohmann::ordered_json& document);
/// Members in alphabetical order (sort_keys=True).
std::string python_json(const nlohmann::json& document);

/// kCorrupt, with `source` in front, when the text is not a JSON object or nested beyond kMaxJsonDepth.
Result<nlohmann::ordered_json> parse_json_object(std::string_view text, std::string_view source);

}  // namespace spanqa

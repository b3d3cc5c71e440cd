#include "train/python_json.h"

#include <fmt/format.h>

#include <utility>

#include "base/json_text.h"

namespace spanqa {
namespace {

void append_line(std::string& out, std::size_t depth) { out.append(1, '\n').append(2 * depth, ' '); }

template <typename Json>
void append(std::string& out, const Json& value, std::size_t depth);

template <typename Json>
void append_members(std::string& out, const Json& container, std::size_t depth) {
  out += container.is_object() ? '{' : '[';
  std::string_view separator;
  for (auto member = container.begin(); member != container.end(); ++member) {
    out += std::exchange(separator, ",");
    append_line(out, depth + 1);
    if (container.is_object()) {
      append_json_string(out, member.key());
      out += ": ";
    }
    append(out, *member, depth + 1);
  }
  if (!container.empty()) append_line(out, depth);
  out += container.is_object() ? '}' : ']';
}

template <typename Json>
void append(std::string& out, const Json& value, std::size_t depth) {
  if (value.is_structured()) return append_members(out, value, depth);
  if (value.is_string()) return append_json_string(out, value.template get_ref<const std::string&>());
  if (value.is_number_float()) return append_json_number(out, value.template get<double>());
  out += value.dump();  // integers, true, false, null: the same everywhere
}

}  // namespace

std::string python_json(const nlohmann::ordered_json& document) {
  std::string out;
  append(out, document, 0);
  return out;
}

std::string python_json(const nlohmann::json& document) {
  std::string out;
  append(out, document, 0);
  return out;
}

Result<nlohmann::ordered_json> parse_json_object(std::string_view text, std::string_view source) {
  using Json = nlohmann::ordered_json;
  bool is_too_deep = false;
  const Json::parser_callback_t watch = [&](int depth, Json::parse_event_t /*event*/, Json& /*parsed*/) {
    is_too_deep = is_too_deep || depth > kMaxJsonDepth;
    return depth <= kMaxJsonDepth;
  };
  Json document = Json::parse(text.begin(), text.end(), watch, /*allow_exceptions=*/false);
  if (is_too_deep || !document.is_object()) {
    return fail(ErrorCode::kCorrupt, fmt::format("{}: is not a JSON object{}", source,
                                                 is_too_deep ? ", or one nested beyond all reason" : ""));
  }
  return document;
}

}  // namespace spanqa

#include "serve/body_fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/utf8.h"

namespace spanqa::serve {
namespace {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

constexpr std::size_t kShownBytes = 80;

bool is_told_by_schema(const TextLimit& limit) { return limit.too_long == ErrorKind::kInvalidField; }

std::string quoted(const std::vector<std::string_view>& names) {
  return fmt::format("\"{}\"", fmt::join(names, "\", \""));
}

}  // namespace

std::optional<std::int64_t> whole_number(const Json& value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (value.is_number_unsigned()) {
    const auto n = value.get<std::uint64_t>();
    if (n > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
    return static_cast<std::int64_t>(n);
  }
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const double number = value.get<double>();
  if (!(std::abs(number) <= kExact) || number != std::trunc(number)) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

std::string shown(const Json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  if (!value.is_string()) return value.dump();
  const auto& text = value.get_ref<const std::string&>();
  if (text.size() <= kShownBytes) return value.dump(-1, ' ', false, Json::error_handler_t::replace);
  return "a longer text";
}

std::string joined(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
}

Parsed<std::string> read_text(const Json& value, const std::string& path, const TextLimit& limit) {
  if (!value.is_string()) {
    return refuse(ErrorKind::kInvalidField, fmt::format("{} must be a text (got {})", path, shown(value)), path);
  }
  const auto& text = value.get_ref<const std::string&>();
  if (text.empty()) return refuse(ErrorKind::kInvalidField, fmt::format("{} must not be empty", path), path);
  const bool by_schema = is_told_by_schema(limit);
  const std::size_t size = by_schema ? count_code_points(text) : text.size();
  if (size > limit.most) {
    return tl::unexpected<ApiError>(ApiError{.kind = limit.too_long,
                                             .message = fmt::format("{} has {} {}; at most {} are taken", path, size,
                                                                    by_schema ? "characters" : "bytes", limit.most),
                                             .field = path,
                                             .limit = limit.most});
  }
  return text;
}

const Json* FieldReader::find(const Field& field) {
  known_.insert(field.name);
  if (fault_) return nullptr;
  const auto found = object_->find(field.name);
  if (found != object_->end()) return &*found;
  if (field.presence == Presence::kRequired) {
    const std::string path = joined(path_, field.name);
    fault_ = ApiError{.kind = ErrorKind::kInvalidField, .message = fmt::format("{} is missing", path), .field = path};
  }
  return nullptr;
}

void FieldReader::take(std::optional<ApiError> fault) {
  if (fault && !fault_) fault_ = std::move(fault);
}

void FieldReader::refuse_value(const Field& field, const std::string& expected, const Json& value) {
  const std::string path = joined(path_, field.name);
  take(ApiError{.kind = ErrorKind::kInvalidField,
                .message = fmt::format("{} must be {} (got {})", path, expected, shown(value)),
                .field = path});
}

std::optional<std::int64_t> FieldReader::read_integer(const Field& field, const IntegerRange& range) {
  const Json* const value = find(field);
  if (value == nullptr) return std::nullopt;
  const std::optional<std::int64_t> number = whole_number(*value);
  if (number && *number >= range.low && *number <= range.high) return number;
  refuse_value(field, fmt::format("a whole number from {} to {}", range.low, range.high), *value);
  return std::nullopt;
}

std::optional<double> FieldReader::read_number(const Field& field, const NumberRange& range) {
  const Json* const value = find(field);
  if (value == nullptr) return std::nullopt;
  if (value->is_number()) {
    const auto number = value->get<double>();
    if (number >= range.low && number <= range.high) return number;
  }
  refuse_value(field, fmt::format("a number from {} to {}", range.low, range.high), *value);
  return std::nullopt;
}

void FieldReader::boolean(const Field& field, bool& value) {
  const Json* const found = find(field);
  if (found == nullptr) return;
  if (!found->is_boolean()) return refuse_value(field, "true or false", *found);
  value = found->get<bool>();
}

void FieldReader::text(const Field& field, std::string& value, const TextLimit& limit) {
  const Json* const found = find(field);
  if (found == nullptr) return;
  Parsed<std::string> read = read_text(*found, joined(path_, field.name), limit);
  if (!read) return take(std::move(read).error());
  value = *std::move(read);
}

void FieldReader::choice(const Field& field, std::string& value, const std::vector<std::string_view>& names) {
  const Json* const found = find(field);
  if (found == nullptr) return;
  const bool is_one =
      found->is_string() && std::find(names.begin(), names.end(), found->get_ref<const std::string&>()) != names.end();
  if (!is_one) return refuse_value(field, "one of " + quoted(names), *found);
  value = found->get<std::string>();
}

std::optional<ApiError> FieldReader::fault(UnknownFields unknown) {
  if (unknown == UnknownFields::kIgnored || fault_) return fault_;
  for (const auto& [name, value] : object_->items()) {
    if (known_.contains(name)) continue;
    const std::string label = name.size() <= kShownBytes ? name : "a longer name";
    return ApiError{.kind = ErrorKind::kInvalidField,
                    .message = fmt::format("{} is no field here", joined(path_, label)),
                    .field = joined(path_, label)};
  }
  return std::nullopt;
}

void FieldSchema::add(const Field& field, OrderedJson schema) {
  schema["description"] = field.meaning;
  properties_[std::string(field.name)] = std::move(schema);
  if (field.presence == Presence::kRequired) required_.push_back(field.name);
}

void FieldSchema::boolean(const Field& field, const bool& value) {
  add(field, OrderedJson{{"type", "boolean"}, {"default", value}});
}

void FieldSchema::text(const Field& field, const std::string& /*value*/, const TextLimit& limit) {
  OrderedJson schema = {{"type", "string"}, {"minLength", 1}};
  if (is_told_by_schema(limit)) {
    schema["maxLength"] = limit.most;
    return add(field, std::move(schema));
  }
  const std::string meaning = fmt::format("{} At most {} bytes of UTF-8.", field.meaning, limit.most);
  add(Field{field.name, meaning, field.presence}, std::move(schema));
}

void FieldSchema::choice(const Field& field, const std::string& value, const std::vector<std::string_view>& names) {
  OrderedJson schema = {{"type", "string"}, {"enum", names}};
  if (!value.empty()) schema["default"] = value;
  add(field, std::move(schema));
}

OrderedJson FieldSchema::schema(UnknownFields unknown) const {
  OrderedJson schema = {{"type", "object"}, {"properties", properties_}};
  if (!required_.empty()) schema["required"] = required_;
  if (unknown == UnknownFields::kRefused) schema["additionalProperties"] = false;
  return schema;
}

}  // namespace spanqa::serve

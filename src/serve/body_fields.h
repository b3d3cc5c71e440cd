// The fields of a JSON object, listed once: one visitor reads them into a struct, the other describes them.
//
// A list of fields is a function template `visit(visitor, struct)` that calls the visitor's members in order. A
// FieldReader fills the struct and finds what is wrong; a FieldSchema writes the JSON Schema with the same names,
// ranges and, from a struct in its first state, defaults. So neither can say what the other does not do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "serve/api_error.h"

namespace spanqa::serve {

enum class Presence : std::uint8_t { kOptional, kRequired };

struct Field {
  std::string_view name;
  std::string_view meaning;  // for openapi.json
  Presence presence = Presence::kOptional;
};

/// Both bounds are allowed.
struct IntegerRange {
  std::int64_t low = 0;
  std::int64_t high = 0;
};
struct NumberRange {
  double low = 0.0;
  double high = 0.0;
};
/// Of a text that must not be empty. Where a longer one is an invalid field the schema says so, and schemas count
/// characters; elsewhere the limit is one of memory and counts bytes.
struct TextLimit {
  std::size_t most = 0;
  ErrorKind too_long = ErrorKind::kInvalidField;
};

/// What to do with names that were not asked for.
enum class UnknownFields : std::uint8_t { kIgnored, kRefused };

/// `value` for a message: a number or a short text as JSON, of the rest only the kind. At most 80 bytes.
std::string shown(const nlohmann::json& value);
/// A whole number, 3.0 among them as JSON Schema has it; nothing beyond 64 bits, nor a double beyond 2^53, above which
/// doubles do not count exactly.
std::optional<std::int64_t> whole_number(const nlohmann::json& value);
/// "parameters" and "top_k" to "parameters.top_k".
std::string joined(const std::string& path, std::string_view name);

/// The text of a value that must be one, not empty and within the limit.
Parsed<std::string> read_text(const nlohmann::json& value, const std::string& path, const TextLimit& limit);

/// Reads the members of one object. The first fault counts; what comes after it is not read.
class FieldReader {
 public:
  /// `path` names the object in messages; empty for the body itself. The object must outlive the reader.
  FieldReader(const nlohmann::json& object, std::string path) : object_(&object), path_(std::move(path)) {}

  template <typename Integer>
  void integer(const Field& field, Integer& value, const IntegerRange& range) {
    if (const auto read = read_integer(field, range)) value = static_cast<Plain<Integer>>(*read);
  }
  template <typename Number>
  void number(const Field& field, Number& value, const NumberRange& range) {
    if (const std::optional<double> read = read_number(field, range)) value = read.value();
  }
  void boolean(const Field& field, bool& value);
  void text(const Field& field, std::string& value, const TextLimit& limit);
  void choice(const Field& field, std::string& value, const std::vector<std::string_view>& names);
  /// `read(value, path)` returns what is wrong; the schema is the other visitor's.
  template <typename Schema, typename Read>
  void custom(const Field& field, const Schema& /*schema*/, const Read& read) {
    if (const nlohmann::json* value = find(field)) take(read(*value, joined(path_, field.name)));
  }

  /// The first fault, an unknown name last of all.
  std::optional<ApiError> fault(UnknownFields unknown);

 private:
  template <typename Value>
  struct Unwrapped {
    using Type = Value;
  };
  template <typename Value>
  struct Unwrapped<std::optional<Value>> {
    using Type = Value;
  };
  template <typename Value>
  using Plain = typename Unwrapped<Value>::Type;

  const nlohmann::json* find(const Field& field);
  std::optional<std::int64_t> read_integer(const Field& field, const IntegerRange& range);
  std::optional<double> read_number(const Field& field, const NumberRange& range);
  void refuse_value(const Field& field, const std::string& expected, const nlohmann::json& value);
  void take(std::optional<ApiError> fault);

  const nlohmann::json* object_;
  std::string path_;
  std::set<std::string_view> known_;
  std::optional<ApiError> fault_;
};

/// Writes the JSON Schema of one object.
class FieldSchema {
 public:
  template <typename Integer>
  void integer(const Field& field, const Integer& value, const IntegerRange& range) {
    nlohmann::ordered_json schema = {{"type", "integer"}, {"minimum", range.low}, {"maximum", range.high}};
    add(field, with_default(std::move(schema), value));
  }
  template <typename Number>
  void number(const Field& field, const Number& value, const NumberRange& range) {
    nlohmann::ordered_json schema = {{"type", "number"}, {"minimum", range.low}, {"maximum", range.high}};
    add(field, with_default(std::move(schema), value));
  }
  void boolean(const Field& field, const bool& value);
  void text(const Field& field, const std::string& value, const TextLimit& limit);
  void choice(const Field& field, const std::string& value, const std::vector<std::string_view>& names);
  template <typename Schema, typename Read>
  void custom(const Field& field, const Schema& schema, const Read& /*read*/) {
    add(field, schema());
  }

  nlohmann::ordered_json schema(UnknownFields unknown) const;

 private:
  template <typename Value>
  static nlohmann::ordered_json with_default(nlohmann::ordered_json schema, const Value& value) {
    if constexpr (requires { value.has_value(); }) {
      if (value.has_value()) schema["default"] = *value;
    } else {
      schema["default"] = value;
    }
    return schema;
  }
  void add(const Field& field, nlohmann::ordered_json schema);

  nlohmann::ordered_json properties_ = nlohmann::ordered_json::object();
  nlohmann::ordered_json required_ = nlohmann::ordered_json::array();
};

}  // namespace spanqa::serve

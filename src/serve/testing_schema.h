// Just enough of JSON Schema to hold bodies against openapi.json in tests. Not installed.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "base/check.h"
#include "base/utf8.h"

namespace spanqa::serve::testing {

/// Validates by the keywords that openapi.json uses; another one is a fault of the test.
class SchemaChecker {
 public:
  explicit SchemaChecker(nlohmann::json document) : document_(std::move(document)) {}

  /// What is wrong with `value`, or nothing.
  std::string fault(const std::string& schema_name, const nlohmann::json& value) const {
    return fault_of(document_.at("components").at("schemas").at(schema_name), value, "body");
  }
  std::string fault_of(const nlohmann::json& schema, const nlohmann::json& value, const std::string& path) const {
    for (const auto& [keyword, argument] : schema.items()) {
      const std::string fault = keyword_fault(keyword, argument, schema, value, path);
      if (!fault.empty()) return fault;
    }
    return {};
  }
  const nlohmann::json& document() const { return document_; }

 private:
  using Json = nlohmann::json;

  static bool is_type(const std::string& type, const Json& value) {
    if (type == "integer") {
      return value.is_number_integer() ||
             (value.is_number_float() && value.get<double>() == std::trunc(value.get<double>()));
    }
    if (type == "number") return value.is_number();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    if (type == "array") return value.is_array();
    SPANQA_CHECK(type == "object");
    return value.is_object();
  }
  static bool is_any_type(const Json& types, const Json& value) {
    if (types.is_string()) return is_type(types, value);
    for (const Json& type : types) {
      if (is_type(type, value)) return true;
    }
    return false;
  }
  std::string keyword_fault(const std::string& keyword, const Json& argument, const Json& schema, const Json& value,
                            const std::string& path) const {
    const std::string here = path + ": " + keyword;
    if (keyword == "$ref")
      return fault_of(document_.at(Json::json_pointer(argument.get<std::string>().substr(1))), value, path);
    if (keyword == "type") return is_any_type(argument, value) ? "" : here;
    if (keyword == "enum") return std::find(argument.begin(), argument.end(), value) != argument.end() ? "" : here;
    if (keyword == "minimum") return !value.is_number() || value.get<double>() >= argument.get<double>() ? "" : here;
    if (keyword == "maximum") return !value.is_number() || value.get<double>() <= argument.get<double>() ? "" : here;
    if (keyword == "minLength") return !value.is_string() || length(value) >= argument.get<std::size_t>() ? "" : here;
    if (keyword == "maxLength") return !value.is_string() || length(value) <= argument.get<std::size_t>() ? "" : here;
    if (keyword == "minItems") return !value.is_array() || value.size() >= argument.get<std::size_t>() ? "" : here;
    if (keyword == "maxItems") return !value.is_array() || value.size() <= argument.get<std::size_t>() ? "" : here;
    if (keyword == "description" || keyword == "default") return "";
    return structure_fault(keyword, argument, schema, value, path);
  }
  std::string structure_fault(const std::string& keyword, const Json& argument, const Json& schema, const Json& value,
                              const std::string& path) const {
    if (keyword == "anyOf") {
      for (const Json& one : argument) {
        if (fault_of(one, value, path).empty()) return {};
      }
      return path + ": anyOf";
    }
    if (keyword == "not") return fault_of(argument, value, path).empty() ? path + ": not" : "";
    if (keyword == "items") {
      for (std::size_t i = 0; value.is_array() && i < value.size(); ++i) {
        const std::string fault = fault_of(argument, value[i], path + "[" + std::to_string(i) + "]");
        if (!fault.empty()) return fault;
      }
      return {};
    }
    if (!value.is_object()) return {};
    if (keyword == "required") {
      for (const Json& name : argument) {
        if (!value.contains(name.get<std::string>()))
          return std::string(path).append(": missing ").append(name.get<std::string>());
      }
      return {};
    }
    if (keyword == "properties") {
      for (const auto& [name, member] : argument.items()) {
        if (!value.contains(name)) continue;
        const std::string fault = fault_of(member, value.at(name), path + "." + name);
        if (!fault.empty()) return fault;
      }
      return {};
    }
    SPANQA_CHECK(keyword == "additionalProperties");
    if (argument.is_object()) return {};
    for (const auto& [name, member] : value.items()) {
      if (!schema.at("properties").contains(name)) return std::string(path).append(": additional ").append(name);
    }
    return {};
  }
  static std::size_t length(const Json& text) { return count_code_points(text.get_ref<const std::string&>()); }

  Json document_;
};

}  // namespace spanqa::serve::testing

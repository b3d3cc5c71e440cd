#include "serve/docs_page.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/markup.h"
#include "serve/digest.h"

namespace spanqa::serve {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kStyle = R"css(
:root { color-scheme: light dark; --soft: #5b6270; --line: #d5d9e0; --code: #f3f4f7; --link: #0b57b0; }
@media (prefers-color-scheme: dark) { :root { --soft: #a3abb9; --line: #3a404c; --code: #22262e; --link: #8ab8ff; } }
body { font: 1rem/1.55 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.6rem; }
h2 { font-size: 1.2rem; margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; }
h3 { font-size: 1rem; margin-top: 1.5rem; }
a { color: var(--link); }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; background: var(--code); border-radius: .25rem; }
code { padding: .1em .3em; } pre { padding: .75rem; overflow-x: auto; }
h2 code, h3 code { background: none; padding: 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); }
.soft { color: var(--soft); }
)css";

std::string text_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string code(std::string_view text) { return fmt::format("<code>{}</code>", escape_markup(text)); }

/// The name behind "#/components/schemas/".
std::string target_of(const Json& schema) {
  const std::string reference = text_of(schema, "$ref");
  return reference.substr(reference.rfind('/') + 1);
}

std::string joined_types(const Json& schemas);

/// "integer from 1 to 100", "list of Answer"; markup.
std::string type_of(const Json& schema) {
  if (schema.contains("$ref")) {
    const std::string name = escape_markup(target_of(schema));
    return fmt::format("<a href=\"#schema-{}\">{}</a>", name, name);
  }
  if (const auto choices = schema.find("enum"); choices != schema.end()) {
    std::string text;
    for (const Json& choice : *choices) text += (text.empty() ? "" : " or ") + code(choice.dump());
    return text;
  }
  for (const char* alternatives : {"anyOf", "oneOf"}) {
    const auto found = schema.find(alternatives);
    // Of an object they only say which fields must stand together.
    if (found != schema.end() && !schema.contains("properties")) return joined_types(*found);
  }
  const auto type = schema.find("type");
  if (type == schema.end()) return "anything";
  if (type->is_array()) {
    std::string text;
    for (const Json& name : *type) text += (text.empty() ? "" : " or ") + escape_markup(name.get<std::string>());
    return text;
  }
  const auto name = type->get<std::string>();
  if (name == "array") return "list of " + (schema.contains("items") ? type_of(schema["items"]) : "anything");
  return escape_markup(name);
}

std::string joined_types(const Json& schemas) {
  std::string text;
  for (const Json& schema : schemas) text += (text.empty() ? "" : " or ") + type_of(schema);
  return text;
}

/// ", 1 to 100", ", at most 256 characters", ", by default 384".
std::string limits_of(const Json& schema) {
  std::string text;
  if (schema.contains("minimum") && schema.contains("maximum")) {
    text += fmt::format(", {} to {}", schema["minimum"].dump(), schema["maximum"].dump());
  }
  if (schema.contains("maxLength")) text += fmt::format(", at most {} characters", schema["maxLength"].dump());
  if (schema.contains("maxItems")) text += fmt::format(", at most {} entries", schema["maxItems"].dump());
  if (schema.contains("default")) text += ", by default " + code(schema["default"].dump());
  return text;
}

bool is_required(const Json& schema, const std::string& name) {
  const auto required = schema.find("required");
  if (required == schema.end()) return false;
  for (const Json& entry : *required) {
    if (entry == name) return true;
  }
  return false;
}

/// The fields of an object, one a row; those of an object within it behind its name.
std::string field_rows(const Json& schema, const std::string& path) {
  std::string rows;
  for (const auto& [name, field] : schema["properties"].items()) {
    const std::string label = path.empty() ? name : fmt::format("{}.{}", path, name);
    rows += fmt::format("<tr><th scope=\"row\">{}{}</th><td>{}{}</td><td>{}</td></tr>\n", code(label),
                        is_required(schema, name) ? "" : " <span class=\"soft\">(optional)</span>", type_of(field),
                        limits_of(field), escape_markup(text_of(field, "description")));
    if (field.contains("properties")) rows += field_rows(field, label);
  }
  return rows;
}

std::string field_table(const Json& schema) {
  return fmt::format(
      "<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">Field</th><th scope=\"col\">Value</th>"
      "<th scope=\"col\">Meaning</th></tr></thead>\n<tbody>\n{}</tbody></table></div>\n",
      field_rows(schema, ""));
}

/// An object's table, or each of several objects', or the type of what is none.
std::string schema_body(const Json& schema) {
  std::string html;
  if (const std::string meaning = text_of(schema, "description"); !meaning.empty()) {
    html += fmt::format("<p>{}</p>\n", escape_markup(meaning));
  }
  if (schema.contains("properties")) return html + field_table(schema);
  const auto forms = schema.find("anyOf");
  if (forms == schema.end()) return html + fmt::format("<p>{}{}</p>\n", type_of(schema), limits_of(schema));
  for (const Json& form : *forms) html += schema_body(form);
  return html;
}

std::string media_of(const Json& content) {
  std::string html;
  for (const auto& [type, media] : content.items()) {
    html += fmt::format("{}{} {}", html.empty() ? "" : ", ", code(type), type_of(media["schema"]));
  }
  return html;
}

std::string body_of(const Json& operation) {
  const auto body = operation.find("requestBody");
  if (body == operation.end()) return {};
  std::string html = fmt::format("<p>Body: {}</p>\n", media_of((*body)["content"]));
  for (const auto& [type, media] : (*body)["content"].items()) {
    if (media.contains("example")) html += fmt::format("<pre>{}</pre>\n", escape_markup(media["example"].dump(2)));
  }
  return html;
}

std::string responses_of(const Json& operation) {
  std::string rows;
  for (const auto& [status, response] : operation["responses"].items()) {
    const std::string content = response.contains("content") ? media_of(response["content"]) : std::string();
    rows += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>\n", escape_markup(status), content,
                        escape_markup(text_of(response, "description")));
  }
  return fmt::format(
      "<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">Status</th><th scope=\"col\">Body</th>"
      "<th scope=\"col\">Meaning</th></tr></thead>\n<tbody>\n{}</tbody></table></div>\n",
      rows);
}

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

std::string operation_section(const std::string& method, const std::string& path, const Json& operation) {
  std::string html = fmt::format("<h2 id=\"{}\">{}</h2>\n<p>{}</p>\n", escape_markup(text_of(operation, "operationId")),
                                 code(upper(method) + " " + path), escape_markup(text_of(operation, "summary")));
  if (operation.contains("parameters")) {
    for (const Json& parameter : operation["parameters"]) {
      html += fmt::format("<p>{} in the path: {} {}</p>\n", code(text_of(parameter, "name")),
                          type_of(parameter["schema"]), escape_markup(text_of(parameter, "description")));
    }
  }
  if (operation.contains("security")) {
    html += "<p>Needs an API key: <code>Authorization: Bearer KEY</code> or <code>X-API-Key: KEY</code>.</p>\n";
  }
  return html + body_of(operation) + responses_of(operation);
}

std::string contents_of(const Json& paths) {
  std::string html;
  for (const auto& [path, methods] : paths.items()) {
    for (const auto& [method, operation] : methods.items()) {
      html += fmt::format("<li><a href=\"#{}\">{}</a> {}</li>\n", escape_markup(text_of(operation, "operationId")),
                          code(upper(method) + " " + path), escape_markup(text_of(operation, "summary")));
    }
  }
  return html;
}

std::string html_of(const Json& document) {
  const Json& info = document["info"];
  std::string html = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{0} API</title>\n"
      "<style>{1}</style>\n</head>\n<body>\n<main>\n<h1>{0} API <span class=\"soft\">{2}</span></h1>\n<p>{3}</p>\n"
      "<p>For programs: <a href=\"openapi.json\">openapi.json</a>.</p>\n<nav aria-label=\"Routes\"><ul>\n",
      escape_markup(text_of(info, "title")), kStyle, escape_markup(text_of(info, "version")),
      escape_markup(text_of(info, "description")));
  html += contents_of(document["paths"]);
  html += "</ul></nav>\n";
  for (const auto& [path, methods] : document["paths"].items()) {
    for (const auto& [method, operation] : methods.items()) html += operation_section(method, path, operation);
  }
  html += "<h2>Bodies</h2>\n";
  for (const auto& [name, schema] : document["components"]["schemas"].items()) {
    html += fmt::format("<h3 id=\"schema-{0}\">{0}</h3>\n", escape_markup(name));
    html += schema_body(schema);
  }
  return html + "</main>\n</body>\n</html>\n";
}

}  // namespace

HttpResponse docs_page(std::string_view openapi) {
  HttpResponse response{.status = 200, .body = html_of(Json::parse(openapi))};
  response.set("Content-Type", "text/html; charset=utf-8");
  response.set("Content-Security-Policy",
               fmt::format("default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; "
                           "frame-ancestors 'none'",
                           base64(sha256(kStyle))));
  return response;
}

}  // namespace spanqa::serve

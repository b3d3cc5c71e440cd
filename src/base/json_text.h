// JSON written the way Python's json.dumps writes it (ASCII-escaped, shortest float form), so that files compare byte
// for byte with those of the Python stack. Reading JSON is nlohmann's or simdjson's job.
#pragma once

#include <string>
#include <string_view>

namespace spanqa {

/// Appends `text` as a JSON string with quotes; everything outside ASCII is escaped as \uXXXX (surrogate pairs above
/// U+FFFF), ill-formed UTF-8 as \ufffd.
void append_json_string(std::string& out, std::string_view text);

/// Appends a number as Python's repr prints a float: shortest form that reads back equal, always with a point or an
/// exponent ("1.0", "1e-05", "0.9987654685974121"); NaN, Infinity, -Infinity as json.dumps writes them.
void append_json_number(std::string& out, double value);

/// What nlohmann::json says of a fault, without the "[json.exception.parse_error.101] " in front, which is for
/// programs.
std::string_view plain_json_fault(std::string_view what);

std::string json_string(std::string_view text);
std::string json_number(double value);

}  // namespace spanqa

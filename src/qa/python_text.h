// What Python's string methods do to a text, pinned to CPython 3.11 (Unicode 14): the metrics and the merging of equal
// answers are defined by them. Debian's utf8proc is of Unicode 15, so the tables are our own
// (tools/make_python_unicode.py).
#pragma once

#include <string>
#include <string_view>

namespace spanqa {

/// str.lower: full lower-casing with the final-sigma rule; U+0130 becomes i and a combining dot. Not case folding: "ß"
/// stays. Ill-formed UTF-8 becomes U+FFFD. Cost: O(bytes), one pass for ASCII.
std::string python_lower(std::string_view text);

/// `\w` of Python's re: str.isalnum or an underscore. Numeric characters such as U+00BD count, combining marks do not.
bool is_python_word(char32_t c);

/// What str.split() splits at.
bool is_python_space(char32_t c);

}  // namespace spanqa

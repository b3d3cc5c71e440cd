// Text within HTML and SVG.
#pragma once

#include <string>
#include <string_view>

namespace spanqa {

/// Text for HTML and SVG, inside elements and quoted attributes: & < > " ' are escaped, ill-formed UTF-8 and control
/// characters that XML forbids become U+FFFD.
std::string escape_markup(std::string_view text);

}  // namespace spanqa

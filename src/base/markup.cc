#include "base/markup.h"

#include "base/utf8.h"

namespace spanqa {

std::string escape_markup(std::string_view text) {
  std::string out;
  for (const char c : to_valid_utf8(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t' || c == '\r') {
          out += c;
        } else {
          append_utf8(out, kReplacement);
        }
    }
  }
  return out;
}

}  // namespace spanqa

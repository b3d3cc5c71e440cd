// Text in columns: wrapped, padded and cut by the columns it takes on a screen, not by its bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace spanqa::cli {

/// `text` with every run of white space as one blank and other control characters as blanks, so that it stays on its
/// line and cannot drive the terminal. Ill-formed UTF-8 becomes U+FFFD.
std::string one_line(std::string_view text);

/// `text` broken at blanks into lines of at most `width` columns; lines after the first begin with `indent` blanks, and
/// the first is taken to begin at column `indent` too. Words wider than the room stand alone on their line. Line breaks
/// in `text` stay; escape codes for colour take no columns.
std::string wrap(std::string_view text, std::size_t width, std::size_t indent);

/// `text` in exactly `columns` columns: filled with blanks behind it (in front of it: pad_left), or cut with an
/// ellipsis.
std::string pad(std::string_view text, std::size_t columns);
std::string pad_left(std::string_view text, std::size_t columns);

/// At most `columns` columns of `text`; an ellipsis stands for what was cut.
std::string cut(std::string_view text, std::size_t columns);

/// "1,234,567".
std::string with_commas(std::size_t number);

/// "1 question", "1,204 questions".
std::string counted(std::size_t number, std::string_view noun);

/// A bar of at most `columns` columns for `share` (0 to 1); anything above 0 shows at least the thinnest one.
std::string bar(double share, std::size_t columns);

}  // namespace spanqa::cli

// How output looks: colour, width, progress bars. Nothing of it appears when the stream is not a terminal.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace spanqa::cli {

/// Colour on standard output: a terminal, NO_COLOR unset, TERM not "dumb".
bool use_colour();
/// Columns of the terminal on standard output; 80 when it is none.
std::size_t terminal_width();
/// True when standard input comes from a person.
bool input_is_terminal();

/// Wrapped in the escape codes for bold, faint or highlighted (inverse) text when use_colour(); highlight falls back to
/// brackets so that the place is seen without colour too.
std::string bold(std::string_view text);
std::string faint(std::string_view text);
std::string highlight(std::string_view text);

/// Columns that `text` takes: code points, wide East Asian ones counted twice, combining marks not at all.
std::size_t display_width(std::string_view text);

/// One line on standard error that shows how far a long task is; appears after a second, and only on a terminal.
class ProgressBar {
 public:
  explicit ProgressBar(std::string label);
  ~ProgressBar();  // clears the line
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// `share` 0 to 1; `note` stands behind the bar ("412 windows/s").
  void update(double share, std::string_view note = {});

 private:
  std::string label_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point drawn_;
  bool visible_ = false;
};

/// "1.2 s", "3 min 20 s".
std::string format_seconds(double seconds);

}  // namespace spanqa::cli

#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "base/utf8.h"

namespace spanqa::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kFirstDraw = 1s;
constexpr auto kRedraw = 100ms;
constexpr std::size_t kBarWidth = 24;

std::string wrap(std::string_view text, std::string_view code) {
  return use_colour() ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

}  // namespace

bool use_colour() {
  static const bool colour = [] {
    const char* term = std::getenv("TERM");
    const char* no_colour = std::getenv("NO_COLOR");
    return ::isatty(STDOUT_FILENO) == 1 && (no_colour == nullptr || *no_colour == '\0') && term != nullptr &&
           std::string_view(term) != "dumb";
  }();
  return colour;
}

std::size_t terminal_width() {
  winsize size = {};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

bool input_is_terminal() { return ::isatty(STDIN_FILENO) == 1; }

std::string bold(std::string_view text) { return wrap(text, "1"); }
std::string faint(std::string_view text) { return wrap(text, "2"); }
std::string highlight(std::string_view text) {
  return use_colour() ? fmt::format("\x1b[7m{}\x1b[0m", text) : fmt::format("[{}]", text);
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = decode_utf8(text, i);
    width += static_cast<std::size_t>(std::max(0, utf8proc_charwidth(static_cast<utf8proc_int32_t>(c.value))));
    i += c.bytes;
  }
  return width;
}

ProgressBar::ProgressBar(std::string label)
    : label_(std::move(label)), start_(std::chrono::steady_clock::now()), drawn_(start_) {}

ProgressBar::~ProgressBar() {
  if (visible_) std::fputs("\r\x1b[K", stderr);
}

void ProgressBar::update(double share, std::string_view note) {
  static const bool is_terminal = ::isatty(STDERR_FILENO) == 1;
  const auto now = std::chrono::steady_clock::now();
  if (!is_terminal || now - start_ < kFirstDraw || now - drawn_ < kRedraw) return;
  drawn_ = now;
  visible_ = true;
  share = std::clamp(share, 0.0, 1.0);
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const auto filled = static_cast<std::size_t>(share * static_cast<double>(kBarWidth));
  const std::string left = share > 0.01 ? format_seconds(elapsed / share * (1.0 - share)) + " left" : "";
  std::string line = fmt::format("{} [{}{}] {:3.0f} %  {}  {}", label_, std::string(filled, '#'),
                                 std::string(kBarWidth - filled, '.'), 100.0 * share, note, left);
  line.resize(std::min(line.size(), terminal_width() - 1));
  fmt::print(stderr, "\r{}\x1b[K", line);
  std::fflush(stderr);
}

std::string format_seconds(double seconds) {
  if (seconds < 60.0) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<long>(std::lround(seconds));
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace spanqa::cli

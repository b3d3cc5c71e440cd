#include "train/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/utf8.h"

namespace spanqa {
namespace {

constexpr std::size_t kMaxColumns = 80;
constexpr std::size_t kMaxBar = 20;
constexpr std::size_t kMinBar = 4;

std::string time_left(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0.0) return "";
  const auto total = static_cast<std::uint64_t>(std::min(seconds, 3.6e8));
  if (total >= 3600) return fmt::format("{} h {:02} min left", total / 3600, total / 60 % 60);
  if (total >= 60) return fmt::format("{} min left", total / 60);
  return fmt::format("{} s left", total);
}

std::string memory(std::uint64_t bytes) {
  if (bytes == 0) return "";
  const double megabytes = static_cast<double>(bytes) / 1e6;
  return megabytes >= 1000.0 ? fmt::format("{:.1f} GB", megabytes / 1000.0) : fmt::format("{:.0f} MB", megabytes);
}

std::string bar(double share, std::size_t width) {
  const auto filled = static_cast<std::size_t>(std::lround(share * static_cast<double>(width)));
  std::string out;
  for (std::size_t i = 0; i < width; ++i) out += i < filled ? "━" : "─";
  return out;
}

}  // namespace

std::string progress_line(const StepRecord& record, std::size_t columns) {
  columns = std::min(columns, kMaxColumns);
  const std::vector<std::string> parts = {fmt::format("{}/{}", record.step, record.n_steps),
                                          fmt::format("loss {:.3f}", record.loss),
                                          fmt::format("{:.1f} windows/s", record.windows_per_second),
                                          time_left(record.seconds_left),
                                          fmt::format("lr {:.2e}", record.learning_rate),
                                          memory(record.peak_memory_bytes)};
  std::string line;
  for (const std::string& part : parts) {
    if (part.empty()) continue;
    const std::string gap = line.empty() ? "" : "  ";
    if (count_code_points(line) + gap.size() + part.size() > columns) break;
    line += gap + part;
  }
  const std::size_t used = count_code_points(line) + 2;
  if (used + kMinBar > columns || record.n_steps == 0) return line;
  const double share = std::min(1.0, static_cast<double>(record.step) / static_cast<double>(record.n_steps));
  return bar(share, std::min(kMaxBar, columns - used)) + "  " + line;
}

}  // namespace spanqa

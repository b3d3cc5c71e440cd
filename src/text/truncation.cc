#include "text/truncation.h"

#include <fmt/format.h>

#include <algorithm>

namespace spanqa {
namespace {

/// Windows of `width` tokens over `n`, each sharing `stride` with the one before. The last is short, not moved back.
Result<std::vector<TokenRange>> windows_over(std::size_t n, std::size_t width, const EncodeOptions& options) {
  if (n <= width) return std::vector<TokenRange>{{0, n}};
  if (width == 0) return std::vector<TokenRange>{{0, 0}, {0, n}};
  if (options.stride >= width) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("stride {} must be less than the {} tokens that a window has room for; lower the stride or "
                            "raise max_length {}",
                            options.stride, width, options.max_length));
  }
  std::vector<TokenRange> windows;
  const std::size_t step = width - options.stride;
  for (std::size_t at = 0;; at += step) {
    const std::size_t end = std::min(at + width, n);
    windows.push_back(options.truncation_side == Side::kRight ? TokenRange{at, end} : TokenRange{n - end, n - at});
    if (end == n) return windows;
  }
}

/// How many tokens each text keeps when the longer gives first: the reference's closed form, which differs from taking
/// one token after another away.
std::pair<std::size_t, std::size_t> share_room(std::size_t n_first, std::size_t n_second, std::size_t room) {
  std::size_t shorter = std::min(n_first, n_second);
  std::size_t longer = shorter > room ? shorter : std::max(shorter, room - shorter);
  if (shorter + longer > room) {
    shorter = room / 2;
    longer = shorter + room % 2;
  }
  return n_first > n_second ? std::pair(longer, shorter) : std::pair(shorter, longer);
}

struct Widths {
  std::size_t first = 0;
  std::size_t second = 0;
};

Result<Widths> widths_for(std::size_t n_first, std::optional<std::size_t> n_second, std::size_t room,
                          const EncodeOptions& options) {
  const std::size_t total = n_first + n_second.value_or(0);
  if (total <= room) return Widths{n_first, n_second.value_or(0)};
  if (room == 0) return Widths{0, 0};
  if (options.truncation == Truncation::kLongestFirst) {
    if (!n_second) return Widths{room, 0};
    const auto [first, second] = share_room(n_first, *n_second, room);
    return Widths{first, second};
  }
  const bool cuts_second = options.truncation == Truncation::kOnlySecond;
  if (cuts_second && !n_second) {
    return fail(ErrorCode::kInvalidArgument,
                "truncation error: second sequence not provided, but only the second may be cut");
  }
  const std::size_t target = cuts_second ? *n_second : n_first;
  const std::size_t excess = total - room;
  if (target <= excess) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("truncation error: sequence to truncate too short to respect the provided max_length {}: {} "
                    "tokens must go, the {} text has {}",
                    options.max_length, excess, cuts_second ? "second" : "first", target));
  }
  return cuts_second ? Widths{n_first, target - excess} : Widths{target - excess, n_second.value_or(0)};
}

}  // namespace

Result<std::vector<WindowRanges>> plan_truncation(std::size_t n_first, std::optional<std::size_t> n_second,
                                                  std::size_t n_special, const EncodeOptions& options) {
  if (options.truncation == Truncation::kNone) {
    return std::vector<WindowRanges>{{{0, n_first}, {0, n_second.value_or(0)}}};
  }
  if (options.max_length < n_special) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("max_length {} leaves no room for the {} special tokens", options.max_length, n_special));
  }
  SPANQA_ASSIGN(const Widths widths, widths_for(n_first, n_second, options.max_length - n_special, options));
  SPANQA_ASSIGN(const std::vector<TokenRange> first, windows_over(n_first, widths.first, options));
  SPANQA_ASSIGN(const std::vector<TokenRange> second, windows_over(n_second.value_or(0), widths.second, options));
  std::vector<WindowRanges> plan{{first[0], second[0]}};
  for (std::size_t i = 1; i < first.size(); ++i) {
    for (const TokenRange& other : second) plan.push_back({first[i], other});
  }
  for (std::size_t i = 1; i < second.size(); ++i) plan.push_back({first[0], second[i]});
  return plan;
}

}  // namespace spanqa

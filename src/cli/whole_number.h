// Flags that take a whole number.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <limits>

namespace spanqa::cli {

// Bounds that keep a slip of the finger from asking for gigabytes.
constexpr std::uint64_t kMostTokens = 1'000'000;
/// Above every count that makes sense, and far from where sums of them would overflow.
constexpr std::uint64_t kMostCount = 1'000'000'000'000;
constexpr std::uint64_t kMostSeed = std::numeric_limits<std::uint64_t>::max();

/// For CLI::Option::check: nothing but decimal digits, from `low` to `high`. Without it CLI11 reads "-1" as the largest
/// number of an unsigned type, so too what is larger than that, and "010" as 8.
CLI::Validator whole_number(std::uint64_t low = 0, std::uint64_t high = kMostCount);

}  // namespace spanqa::cli

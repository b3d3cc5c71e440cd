// Random numbers that are the same on every machine and with every standard library.
#pragma once

#include <cstdint>

#include "base/check.h"

namespace spanqa {

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014), with the
/// constants of Vigna's public-domain reference code. Seed 0 gives e220a8397b1dcdaf, 6e789e6aa1b965f4,
/// 06c45d188009454f.
class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }

  /// Uniform over 0 to bound - 1, without bias: values of the incomplete last stretch are drawn again.
  std::uint64_t below(std::uint64_t bound) {
    SPANQA_CHECK(bound > 0);
    const std::uint64_t n_rejected = (0 - bound) % bound;  // 2^64 mod bound
    std::uint64_t x = next();
    while (x < n_rejected) x = next();
    return x % bound;
  }

 private:
  std::uint64_t state_;
};

}  // namespace spanqa

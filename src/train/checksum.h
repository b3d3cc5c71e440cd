// A checksum against damage by disks and editors; none against people who mean it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace spanqa {

/// 64 bits of the bytes, from where another checksum ended. Any change within one word of eight bytes changes it, for
/// every step is reversible. Cost: some GB a second.
inline std::uint64_t checksum64(std::span<const std::byte> bytes, std::uint64_t seed = 0) {
  constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15;  // 2^64 over the golden ratio
  const auto mixed = [](std::uint64_t sum, std::uint64_t word) {
    sum = (sum ^ word) * kOdd;
    return sum ^ sum >> 32;
  };
  std::uint64_t sum = mixed(seed, bytes.size());
  std::uint64_t word = 0;
  for (; bytes.size() >= sizeof(word); bytes = bytes.subspan(sizeof(word))) {
    std::memcpy(&word, bytes.data(), sizeof(word));
    sum = mixed(sum, word);
  }
  word = 0;
  if (!bytes.empty()) std::memcpy(&word, bytes.data(), bytes.size());
  return mixed(sum, word);
}

}  // namespace spanqa

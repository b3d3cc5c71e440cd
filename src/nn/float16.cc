#include "nn/float16.h"

#include <bit>

namespace spanqa {
namespace {

constexpr std::uint32_t kInfinity = 0x7F800000;
constexpr std::uint16_t kInfinity16 = 0x7C00;
constexpr std::uint16_t kQuietBit16 = 0x0200;
constexpr std::uint32_t kBias = 127 - 15;         // between the exponents of both formats
constexpr std::uint32_t kMantissaBits = 23 - 10;  // that are rounded away

/// bits / 2^shift, rounded to nearest, ties to even.
std::uint32_t shifted(std::uint32_t bits, std::uint32_t shift) {
  const std::uint32_t half = std::uint32_t{1} << (shift - 1);
  const std::uint32_t is_odd = bits >> shift & 1;
  return (bits + half - 1 + is_odd) >> shift;
}

}  // namespace

std::uint16_t to_float16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000);
  const std::uint32_t magnitude = bits & 0x7FFFFFFF;
  std::uint32_t narrow = 0;
  if (magnitude > kInfinity) {
    narrow = kInfinity16 | kQuietBit16 | (magnitude >> kMantissaBits & 0x3FF);
  } else if (magnitude >= (kBias + 31) << 23) {
    narrow = kInfinity16;
  } else if (magnitude >= (kBias + 1) << 23) {
    // A carry of the mantissa goes into the exponent, from the largest number to infinity, as it should.
    narrow = shifted(magnitude - (kBias << 23), kMantissaBits);
  } else if (const std::uint32_t exponent = magnitude >> 23; exponent > kBias - 11) {
    // Subnormal: the leading one becomes a bit of the mantissa.
    narrow = shifted((magnitude & 0x7FFFFF) | 0x800000, kMantissaBits + 1 + kBias - exponent);
  }
  return static_cast<std::uint16_t>(sign | narrow);
}

std::size_t to_float16(std::span<const float> values, std::uint16_t* out) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    out[i] = to_float16(values[i]);
    if ((out[i] & kInfinity16) == kInfinity16) return i;
  }
  return values.size();
}

}  // namespace spanqa

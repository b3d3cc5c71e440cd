// The definition of dropout.h, number by number.
#include <cmath>

#include "base/check.h"
#include "nn/kernels/dropout.h"

namespace spanqa {

Dropout make_dropout(float p, std::uint64_t seed, std::uint64_t stream) {
  SPANQA_CHECK(p >= 0.0F && static_cast<double>(p) <= kMaxDropout);
  const auto threshold = static_cast<std::uint16_t>(std::lround(static_cast<double>(p) * 65536.0));
  return {.seed = seed,
          .stream = stream,
          .threshold = threshold,
          .scale = static_cast<float>(65536.0 / (65536.0 - static_cast<double>(threshold)))};
}

bool is_kept(const Dropout& dropout, std::uint32_t row, std::uint32_t column) {
  const std::uint32_t block = column / 128U * 16U + column % 16U;
  const std::uint32_t number = column % 128U / 16U;
  const std::array<std::uint32_t, 4> words = philox4x32<kDropoutRounds>(
      {block, row, static_cast<std::uint32_t>(dropout.stream), static_cast<std::uint32_t>(dropout.stream >> 32U)},
      {static_cast<std::uint32_t>(dropout.seed), static_cast<std::uint32_t>(dropout.seed >> 32U)});
  const std::uint32_t word = words[number / 2U];
  return (number % 2U == 0 ? word & 0xFFFFU : word >> 16U) >= dropout.threshold;
}

void dropout_ref(const Dropout& dropout, std::size_t first_row, std::size_t rows, std::size_t width, const float* x,
                 float* out) {
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < width; ++c) {
      const bool kept = is_kept(dropout, static_cast<std::uint32_t>(first_row + r), static_cast<std::uint32_t>(c));
      out[r * width + c] = kept ? x[r * width + c] * dropout.scale : 0.0F;
    }
  }
}

}  // namespace spanqa

#include "nn/matmul_operand.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/check.h"
#include "nn/kernels/elementwise.h"
#include "nn/kernels/training_elementwise.h"

namespace spanqa {
namespace {

void round_to_bfloat16(const float* src, std::size_t n, float* dst) {
  std::array<std::uint16_t, 512> block;
  for (std::size_t i = 0; i < n; i += block.size()) {
    const std::size_t left = std::min(block.size(), n - i);
    to_bfloat16(src + i, left, block.data());
    to_float32(block.data(), DType::kBFloat16, left, dst + i);
  }
}

}  // namespace

Arithmetic arithmetic_of(Precision precision) {
  SPANQA_CHECK(precision != Precision::kInt8);
  if (precision == Precision::kFloat32) return Arithmetic::kFloat32;
  return has_fast_bfloat16() ? Arithmetic::kBFloat16 : Arithmetic::kRoundedFloat32;
}

void to_operand(Arithmetic arithmetic, const float* src, std::size_t n, void* dst) {
  switch (arithmetic) {
    case Arithmetic::kFloat32:
      std::copy_n(src, n, static_cast<float*>(dst));
      return;
    case Arithmetic::kBFloat16:
      return to_bfloat16(src, n, static_cast<std::uint16_t*>(dst));
    case Arithmetic::kRoundedFloat32:
      return round_to_bfloat16(src, n, static_cast<float*>(dst));
  }
}

}  // namespace spanqa

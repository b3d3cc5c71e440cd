// How the operands of a product are rounded and stored here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nn/precision.h"

namespace spanqa {

enum class Arithmetic : std::uint8_t {
  kFloat32,
  kBFloat16,        // bfloat16 numbers
  kRoundedFloat32,  // float32 numbers that bfloat16 could hold: the same results where bfloat16 is slow or missing
};

/// What a precision of floating-point products means on this CPU.
Arithmetic arithmetic_of(Precision precision);

/// Bytes of one number.
constexpr std::size_t operand_size(Arithmetic arithmetic) { return arithmetic == Arithmetic::kBFloat16 ? 2 : 4; }

/// dst[i] = src[i], rounded as `arithmetic` says. dst: n * operand_size(arithmetic) bytes, not overlapping src.
void to_operand(Arithmetic arithmetic, const float* src, std::size_t n, void* dst);

}  // namespace spanqa

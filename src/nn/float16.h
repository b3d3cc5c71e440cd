// float32 to float16, for weights that are stored narrow. The way back is to_float32 (nn/kernels/elementwise.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace spanqa {

/// Rounded to nearest, ties to even; subnormal where it must be. What is beyond 65,504 after rounding becomes infinite;
/// NaN stays a (quiet) NaN.
std::uint16_t to_float16(float value);

/// The first number of `values` that float16 cannot hold: infinite, NaN, or rounded beyond its range. values.size()
/// when all fit; those before the returned one are in `out` then.
std::size_t to_float16(std::span<const float> values, std::uint16_t* out);

}  // namespace spanqa

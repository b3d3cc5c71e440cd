// In which numbers the products of linear layers multiply.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace spanqa {

/// kBFloat16: both operands are rounded to bfloat16 (to nearest, ties to even); sums, biases, inputs and results stay
/// float32.
/// kInt8: for reading only. Weights are bytes with a scale for each output, rows bytes with a scale and a zero point
/// each (kernels/int8_rows.h); sums are exact, biases, inputs and results stay float32.
enum class Precision : std::uint8_t { kFloat32, kBFloat16, kInt8 };

/// "float32", "bfloat16", "int8".
constexpr const char* precision_name(Precision precision) {
  switch (precision) {
    case Precision::kFloat32:
      return "float32";
    case Precision::kBFloat16:
      return "bfloat16";
    case Precision::kInt8:
      return "int8";
  }
  return "";
}
std::optional<Precision> parse_precision(std::string_view name);

/// Whether bfloat16 products run faster than float32 ones here: the CPU has AVX512-BF16 or AMX-BF16, and neither
/// SPANQA_ISA nor ONEDNN_MAX_CPU_ISA forbids them. Elsewhere kBFloat16 gives results of the same quality, at the speed
/// of float32 less that of rounding.
bool has_fast_bfloat16();

}  // namespace spanqa

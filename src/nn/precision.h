// In which numbers the products of linear layers multiply.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace spanqa {

/// kBFloat16: both operands are rounded to bfloat16 (to nearest, ties to even); sums, biases, inputs and results stay
/// float32.
enum class Precision : std::uint8_t { kFloat32, kBFloat16 };

/// "float32", "bfloat16".
constexpr const char* precision_name(Precision precision) {
  return precision == Precision::kBFloat16 ? "bfloat16" : "float32";
}
std::optional<Precision> parse_precision(std::string_view name);

/// Whether bfloat16 products run faster than float32 ones here: the CPU has AVX512-BF16 or AMX-BF16, and neither
/// SPANQA_ISA nor ONEDNN_MAX_CPU_ISA forbids them. Elsewhere kBFloat16 gives results of the same quality, at the speed
/// of float32 less that of rounding.
bool has_fast_bfloat16();

}  // namespace spanqa

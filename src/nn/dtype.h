// Number formats that weights are stored in.
#pragma once

#include <cstddef>
#include <cstdint>

namespace spanqa {

enum class DType : std::uint8_t { kFloat32, kFloat16, kBFloat16 };

/// Bytes of one number.
constexpr std::size_t dtype_size(DType type) { return type == DType::kFloat32 ? 4 : 2; }

/// "float32", "float16", "bfloat16".
constexpr const char* dtype_name(DType type) {
  switch (type) {
    case DType::kFloat32:
      return "float32";
    case DType::kFloat16:
      return "float16";
    case DType::kBFloat16:
      return "bfloat16";
  }
  return "";
}

}  // namespace spanqa

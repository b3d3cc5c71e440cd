// The header of a weight file: whatever the bytes, an error or views that lie within them.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "nn/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto tensors = spanqa::parse_safetensors(bytes, "fuzz");
  if (!tensors) return 0;
  for (const auto& [name, tensor] : *tensors) {
    SPANQA_CHECK(tensor.bytes.data() >= bytes.data());
    SPANQA_CHECK(tensor.bytes.data() + tensor.bytes.size() <= bytes.data() + bytes.size());
    if (const auto dtype = tensor.dtype()) {
      SPANQA_CHECK(tensor.n_elements() * spanqa::dtype_size(*dtype) == tensor.bytes.size());
    }
  }
  return 0;
}

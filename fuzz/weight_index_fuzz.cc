// The index of a sharded model: whatever the bytes, an error or names of files in the folder of the index.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "nn/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto shards = spanqa::parse_weight_index({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!shards) {
    SPANQA_CHECK(shards.error().message.starts_with("fuzz: "));
    return 0;
  }
  for (const auto& [tensor, file] : *shards) {
    SPANQA_CHECK(!file.empty() && file != "." && file != ".." && file.find('/') == std::string::npos);
  }
  return 0;
}

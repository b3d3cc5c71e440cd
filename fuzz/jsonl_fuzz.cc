#include <cstddef>
#include <cstdint>

#include "data/internal/data_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  spanqa::drain(text, "fuzz.jsonl", spanqa::DataFormat::kJsonl);
  spanqa::drain(text, "fuzz.jsonl", spanqa::DataFormat::kAuto);
  return 0;
}

// config.json: an error, or sizes that a model can have.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "nn/model_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = spanqa::parse_model_config(text, "fuzz");
  if (!config) return 0;
  SPANQA_CHECK(config->n_layers > 0 && config->vocab_size > 0 && config->max_positions > 0);
  SPANQA_CHECK(config->intermediate_size > 0 && config->n_heads > 0);
  SPANQA_CHECK(config->hidden_size == config->n_heads * config->head_size() && config->head_size() > 0);
  return 0;
}

// What config.json says of an encoder, under one set of names for all families.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace spanqa {

enum class ModelFamily : std::uint8_t { kBert, kDistilBert };
enum class Activation : std::uint8_t { kGelu, kGeluTanh, kRelu };

struct ModelConfig {
  ModelFamily family = ModelFamily::kBert;
  int vocab_size = 0;
  int hidden_size = 0;  // h: width of a token's vector
  int n_layers = 0;
  int n_heads = 0;            // hidden_size is a multiple of it
  int intermediate_size = 0;  // i: width of the feed-forward layer
  int max_positions = 0;
  int type_vocab_size = 0;  // 0: the family has no token types
  float layer_norm_eps = 1e-12F;
  Activation activation = Activation::kGelu;
  float hidden_dropout = 0.1F;     // for training
  float attention_dropout = 0.1F;  // for training
  float head_dropout = 0.0F;       // for training: DistilBERT's qa_dropout

  int head_size() const { return hidden_size / n_heads; }
};

/// Reads and checks `folder`/config.json. An unknown model_type, activation or position embedding is kUnsupported and
/// says which are known; sizes out of range are kCorrupt.
Result<ModelConfig> read_model_config(const std::filesystem::path& folder);

/// The same from the text of a config.json; `name` stands in front of the message of an error. Absent keys have the
/// defaults of Hugging Face's configuration classes.
Result<ModelConfig> parse_model_config(std::string_view json, std::string_view name);

/// "bert", "distilbert".
const char* model_family_name(ModelFamily family);

}  // namespace spanqa

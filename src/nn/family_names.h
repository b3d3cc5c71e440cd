// How model families name the tensors of an encoder.
#pragma once

#include <algorithm>
#include <array>

#include "base/check.h"
#include "nn/model_config.h"

namespace spanqa {

/// How a family names its tensors. A further family of post-norm encoders is a further row.
struct FamilyNames {
  ModelFamily family;
  const char* prefix;
  const char* layer;  // in front of the names below, {} is the number of the layer
  const char* query;
  const char* key;
  const char* value;
  const char* attention_out;
  const char* attention_norm;
  const char* up;
  const char* down;
  const char* output_norm;
};

inline constexpr std::array kFamilyNames = {
    FamilyNames{.family = ModelFamily::kBert,
                .prefix = "bert.",
                .layer = "encoder.layer",
                .query = "attention.self.query",
                .key = "attention.self.key",
                .value = "attention.self.value",
                .attention_out = "attention.output.dense",
                .attention_norm = "attention.output.LayerNorm",
                .up = "intermediate.dense",
                .down = "output.dense",
                .output_norm = "output.LayerNorm"},
    FamilyNames{.family = ModelFamily::kDistilBert,
                .prefix = "distilbert.",
                .layer = "transformer.layer",
                .query = "attention.q_lin",
                .key = "attention.k_lin",
                .value = "attention.v_lin",
                .attention_out = "attention.out_lin",
                .attention_norm = "sa_layer_norm",
                .up = "ffn.lin1",
                .down = "ffn.lin2",
                .output_norm = "output_layer_norm"},
};

inline const FamilyNames& family_names(ModelFamily family) {
  const auto* const found = std::find_if(kFamilyNames.begin(), kFamilyNames.end(),
                                         [&](const FamilyNames& names) { return names.family == family; });
  SPANQA_CHECK(found != kFamilyNames.end());
  return *found;
}

}  // namespace spanqa

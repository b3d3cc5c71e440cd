// What a model reads and what it answers with: token ids and logits, sequences laid end to end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "nn/model_config.h"

namespace spanqa {

/// Sequences laid end to end; nothing is padded.
struct PackedBatch {
  std::vector<std::int32_t> ids;          // [n_tokens]
  std::vector<std::uint8_t> type_ids;     // [n_tokens]; ignored by families without token types
  std::vector<std::uint32_t> offsets{0};  // [n_sequences + 1]: sequence i is ids[offsets[i], offsets[i + 1])

  std::size_t n_tokens() const { return ids.size(); }
  std::size_t n_sequences() const { return offsets.size() - 1; }
  void clear();
};

/// Start and end logits of a batch, one of each per token. [n_tokens]
struct SpanLogits {
  std::vector<float> start;
  std::vector<float> end;
};

/// kInvalidArgument, with the numbers, unless every id, type and length is one that the model has and the offsets cover
/// the tokens. An empty batch is fine, an empty sequence is not. Cost: one pass over the ids.
Status check_batch(const PackedBatch& batch, const ModelConfig& config);

}  // namespace spanqa

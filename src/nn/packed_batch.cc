#include "nn/packed_batch.h"

#include <fmt/format.h>

#include <algorithm>

namespace spanqa {
namespace {

Status check_offsets(const PackedBatch& batch, const ModelConfig& config) {
  const auto& offsets = batch.offsets;
  if (offsets.empty() || offsets.front() != 0 || offsets.back() != batch.n_tokens()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a batch's offsets are to run from 0 to its {} tokens", batch.n_tokens()));
  }
  for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
    if (offsets[i + 1] <= offsets[i]) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("sequence {} runs from {} to {}; it is to hold a token", i, offsets[i], offsets[i + 1]));
    }
    if (const std::uint32_t n = offsets[i + 1] - offsets[i]; n > static_cast<std::uint32_t>(config.max_positions)) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("sequence {} has {} tokens, the model reads at most {}", i, n, config.max_positions));
    }
  }
  return {};
}

}  // namespace

void PackedBatch::clear() {
  ids.clear();
  type_ids.clear();
  offsets.assign(1, 0);
}

Status check_batch(const PackedBatch& batch, const ModelConfig& config) {
  SPANQA_TRY(check_offsets(batch, config));
  const auto id = std::find_if(batch.ids.begin(), batch.ids.end(),
                               [&](std::int32_t value) { return value < 0 || value >= config.vocab_size; });
  if (id != batch.ids.end()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("token {} has the id {}, the model's vocabulary has {}; is the tokenizer another model's?",
                            id - batch.ids.begin(), *id, config.vocab_size));
  }
  if (config.type_vocab_size == 0) return {};
  if (batch.type_ids.size() != batch.n_tokens()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} tokens, but {} token types", batch.n_tokens(), batch.type_ids.size()));
  }
  const auto type = std::find_if(batch.type_ids.begin(), batch.type_ids.end(),
                                 [&](std::uint8_t value) { return value >= config.type_vocab_size; });
  if (type != batch.type_ids.end()) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("token {} has the type {}, the model has {} types",
                                                         type - batch.type_ids.begin(), *type, config.type_vocab_size));
  }
  return {};
}

}  // namespace spanqa

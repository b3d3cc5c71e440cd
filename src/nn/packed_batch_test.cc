#include "nn/packed_batch.h"

#include <gtest/gtest.h>

namespace spanqa {
namespace {

ModelConfig small_config() {
  ModelConfig config;
  config.vocab_size = 10;
  config.max_positions = 4;
  config.type_vocab_size = 2;
  return config;
}

PackedBatch good_batch() { return {.ids = {1, 2, 9, 0, 5}, .type_ids = {0, 1, 1, 0, 0}, .offsets = {0, 4, 5}}; }

/// The message for a good batch after `change`, empty when it is accepted.
template <typename Change>
std::string message_after(Change change, const ModelConfig& config = small_config()) {
  PackedBatch batch = good_batch();
  change(batch);
  const Status status = check_batch(batch, config);
  EXPECT_TRUE(status || status.error().code == ErrorCode::kInvalidArgument);
  return status ? "" : status.error().message;
}

TEST(PackedBatch, GoodBatchesAreAccepted) {
  EXPECT_EQ(message_after([](PackedBatch&) {}), "");
  EXPECT_TRUE(check_batch(PackedBatch{}, small_config()));
}

TEST(PackedBatch, FaultsAreNamedWithTheirNumbers) {
  EXPECT_EQ(message_after([](PackedBatch& b) { b.ids[2] = 10; }),
            "token 2 has the id 10, the model's vocabulary has 10; is the tokenizer another model's?");
  EXPECT_NE(message_after([](PackedBatch& b) { b.ids[0] = -1; }).find("token 0 has the id -1"), std::string::npos);
  EXPECT_EQ(message_after([](PackedBatch& b) { b.type_ids[4] = 2; }), "token 4 has the type 2, the model has 2 types");
  EXPECT_EQ(message_after([](PackedBatch& b) { b.type_ids.pop_back(); }), "5 tokens, but 4 token types");
  EXPECT_EQ(message_after([](PackedBatch& b) { b.offsets = {0, 5}; }),
            "sequence 0 has 5 tokens, the model reads at most 4");
  EXPECT_EQ(message_after([](PackedBatch& b) { b.offsets = {0, 3, 3, 5}; }),
            "sequence 1 runs from 3 to 3; it is to hold a token");
  EXPECT_NE(message_after([](PackedBatch& b) { b.offsets = {0, 4, 2, 5}; }).find("from 4 to 2"), std::string::npos);
}

TEST(PackedBatch, OffsetsCoverTheTokens) {
  for (const std::vector<std::uint32_t>& offsets :
       std::initializer_list<std::vector<std::uint32_t>>{{}, {0}, {0, 4}, {1, 5}, {0, 4, 6}, {5}}) {
    EXPECT_EQ(message_after([&](PackedBatch& b) { b.offsets = offsets; }),
              "a batch's offsets are to run from 0 to its 5 tokens");
  }
}

TEST(PackedBatch, FamiliesWithoutTypesIgnoreThem) {
  ModelConfig config = small_config();
  config.type_vocab_size = 0;
  EXPECT_EQ(message_after([](PackedBatch& b) { b.type_ids = {7}; }, config), "");
}

TEST(PackedBatch, ClearLeavesAnEmptyBatch) {
  PackedBatch batch = good_batch();
  batch.clear();
  EXPECT_EQ(batch.n_tokens(), 0U);
  EXPECT_EQ(batch.n_sequences(), 0U);
  EXPECT_TRUE(check_batch(batch, small_config()));
}

}  // namespace
}  // namespace spanqa

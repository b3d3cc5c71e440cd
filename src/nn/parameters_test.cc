#include "nn/parameters.h"

#include <gtest/gtest.h>

#include "nn/safetensors.h"
#include "shared_data.h"

namespace spanqa {
namespace {

ModelConfig small_config(ModelFamily family) {
  ModelConfig config;
  config.family = family;
  config.vocab_size = 11;
  config.hidden_size = 6;  // no multiple of 16: alignment shows
  config.n_layers = 2;
  config.n_heads = 2;
  config.intermediate_size = 10;
  config.max_positions = 7;
  config.type_vocab_size = family == ModelFamily::kBert ? 2 : 0;
  return config;
}

/// The layout names every tensor that the folder's weights hold, in the same shape, and no other.
void expect_layout_of(const std::filesystem::path& folder) {
  const auto config = read_model_config(folder);
  ASSERT_TRUE(config) << config.error().message;
  const auto file = TensorFile::open_folder(folder);
  ASSERT_TRUE(file) << file.error().message;
  const ParameterLayout layout(*config);
  for (const auto& [name, tensor] : file->tensors()) {
    const Parameter* const parameter = layout.find(name);
    ASSERT_NE(parameter, nullptr) << name;
    EXPECT_EQ(parameter->shape, tensor.shape) << name;
    EXPECT_EQ(parameter->size, tensor.n_elements()) << name;
  }
  EXPECT_EQ(layout.parameters().size(), file->tensors().size());
}

TEST(ParameterLayout, HasTheTensorsOfTheFixture) {
  expect_layout_of(testing::source_path("tests/fixtures/nn/tiny-bert"));
}

TEST(ParameterLayout, HasTheTensorsOfBertAsTransformersWritesThem) {
  SPANQA_NEEDS_SHARED("golden/tiny/bert");
  expect_layout_of(testing::shared_path("golden/tiny/bert"));
}

TEST(ParameterLayout, HasTheTensorsOfDistilBertAsTransformersWritesThem) {
  SPANQA_NEEDS_SHARED("golden/tiny/distilbert");
  expect_layout_of(testing::shared_path("golden/tiny/distilbert"));
}

TEST(ParameterLayout, TensorsAreDisjointAndInOrder) {
  for (const ModelFamily family : {ModelFamily::kBert, ModelFamily::kDistilBert}) {
    const ParameterLayout layout(small_config(family));
    std::size_t end = 0;
    for (const Parameter& parameter : layout.parameters()) {
      EXPECT_GE(parameter.offset, end) << parameter.name;
      EXPECT_LT(parameter.offset - end, 16U) << parameter.name;
      end = parameter.offset + parameter.size;
    }
    EXPECT_GE(layout.n_floats(), end);
    EXPECT_EQ(layout.n_floats() % 16, 0U);
  }
}

TEST(ParameterLayout, QueriesKeysAndValuesAreOneMatrixAndOneBias) {
  const ParameterLayout layout(small_config(ModelFamily::kBert));
  for (const char* const part : {".weight", ".bias"}) {
    const std::string prefix = "bert.encoder.layer.1.attention.self.";
    const Parameter* const query = layout.find(prefix + "query" + part);
    const Parameter* const key = layout.find(prefix + "key" + part);
    const Parameter* const value = layout.find(prefix + "value" + part);
    ASSERT_TRUE(query != nullptr && key != nullptr && value != nullptr);
    EXPECT_EQ(query->offset % 16, 0U);
    EXPECT_EQ(key->offset, query->offset + query->size);
    EXPECT_EQ(value->offset, key->offset + key->size);
  }
}

TEST(ParameterLayout, LevelsRiseFromTheEmbeddingsToTheHead) {
  const ParameterLayout layout(small_config(ModelFamily::kDistilBert));
  EXPECT_EQ(layout.find("distilbert.embeddings.LayerNorm.bias")->level, 0);
  EXPECT_EQ(layout.find("distilbert.transformer.layer.0.ffn.lin1.weight")->level, 1);
  EXPECT_EQ(layout.find("distilbert.transformer.layer.1.sa_layer_norm.weight")->level, 2);
  EXPECT_EQ(layout.find("qa_outputs.bias")->level, 3);
  EXPECT_EQ(layout.find("distilbert.embeddings.token_type_embeddings.weight"), nullptr);
}

TEST(ParameterLayout, OnlyMatricesDecayAndOnlyWordEmbeddingsAreSparse) {
  for (const ModelFamily family : {ModelFamily::kBert, ModelFamily::kDistilBert}) {
    const ParameterLayout layout(small_config(family));
    for (const Parameter& parameter : layout.parameters()) {
      EXPECT_EQ(parameter.decays, parameter.shape.size() == 2) << parameter.name;
      EXPECT_EQ(parameter.has_sparse_gradient, parameter.name.ends_with("word_embeddings.weight")) << parameter.name;
    }
  }
}

}  // namespace
}  // namespace spanqa

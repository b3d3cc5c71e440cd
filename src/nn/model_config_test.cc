#include "nn/model_config.h"

#include <gtest/gtest.h>

#include <string>

#include "base/file.h"
#include "shared_data.h"

namespace spanqa {
namespace {

constexpr std::string_view kBert = R"({
  "architectures": ["BertForQuestionAnswering"], "model_type": "bert", "hidden_act": "gelu_new", "hidden_size": 384,
  "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536, "layer_norm_eps": 1e-05,
  "max_position_embeddings": 256, "type_vocab_size": 3, "vocab_size": 28996, "hidden_dropout_prob": 0.25,
  "attention_probs_dropout_prob": 0, "position_embedding_type": "absolute", "classifier_dropout": null,
  "id2label": {"0": "LABEL_0", "1": "LABEL_1"}})";

ModelConfig parsed(std::string_view json) {
  const auto config = parse_model_config(json, "config.json");
  EXPECT_TRUE(config) << config.error().message;
  return config.value_or(ModelConfig{});
}

/// The error of a BERT configuration with one more member.
Error error_with(const std::string& member) {
  const auto config = parse_model_config(R"({"model_type": "bert", )" + member + "}", "config.json");
  EXPECT_FALSE(config) << member;
  return config ? Error{} : config.error();
}

TEST(ModelConfig, ReadsBert) {
  const ModelConfig config = parsed(kBert);
  EXPECT_EQ(config.family, ModelFamily::kBert);
  EXPECT_EQ(config.vocab_size, 28996);
  EXPECT_EQ(config.hidden_size, 384);
  EXPECT_EQ(config.n_layers, 6);
  EXPECT_EQ(config.n_heads, 12);
  EXPECT_EQ(config.head_size(), 32);
  EXPECT_EQ(config.intermediate_size, 1536);
  EXPECT_EQ(config.max_positions, 256);
  EXPECT_EQ(config.type_vocab_size, 3);
  EXPECT_FLOAT_EQ(config.layer_norm_eps, 1e-5F);
  EXPECT_EQ(config.activation, Activation::kGeluTanh);
  EXPECT_FLOAT_EQ(config.hidden_dropout, 0.25F);
  EXPECT_FLOAT_EQ(config.attention_dropout, 0.0F);
  EXPECT_FLOAT_EQ(config.head_dropout, 0.0F);  // BERT has none before the head
}

TEST(ModelConfig, ReadsDistilBertUnderItsOwnNames) {
  const ModelConfig config = parsed(R"({"model_type": "distilbert", "dim": 64, "hidden_dim": 256, "n_layers": 3,
      "n_heads": 4, "activation": "relu", "dropout": 0.2, "attention_dropout": 0.3, "qa_dropout": 0.4,
      "max_position_embeddings": 128, "vocab_size": 100, "sinusoidal_pos_embds": true,
      "hidden_size": 999, "num_hidden_layers": 999})");
  EXPECT_EQ(config.family, ModelFamily::kDistilBert);
  EXPECT_EQ(config.hidden_size, 64);
  EXPECT_EQ(config.intermediate_size, 256);
  EXPECT_EQ(config.n_layers, 3);
  EXPECT_EQ(config.n_heads, 4);
  EXPECT_EQ(config.type_vocab_size, 0);
  EXPECT_EQ(config.activation, Activation::kRelu);
  EXPECT_FLOAT_EQ(config.hidden_dropout, 0.2F);
  EXPECT_FLOAT_EQ(config.attention_dropout, 0.3F);
  EXPECT_FLOAT_EQ(config.head_dropout, 0.4F);
}

// Defaults of transformers 4.57.1: configuration_bert.py and configuration_distilbert.py.
TEST(ModelConfig, AbsentKeysHaveTheDefaultsOfTransformers) {
  const ModelConfig bert = parsed(R"({"model_type": "bert"})");
  EXPECT_EQ(bert.vocab_size, 30522);
  EXPECT_EQ(bert.hidden_size, 768);
  EXPECT_EQ(bert.n_layers, 12);
  EXPECT_EQ(bert.n_heads, 12);
  EXPECT_EQ(bert.intermediate_size, 3072);
  EXPECT_EQ(bert.max_positions, 512);
  EXPECT_EQ(bert.type_vocab_size, 2);
  EXPECT_FLOAT_EQ(bert.layer_norm_eps, 1e-12F);
  EXPECT_EQ(bert.activation, Activation::kGelu);
  EXPECT_FLOAT_EQ(bert.hidden_dropout, 0.1F);
  EXPECT_FLOAT_EQ(bert.attention_dropout, 0.1F);
  const ModelConfig distil = parsed(R"({"model_type": "distilbert"})");
  EXPECT_EQ(distil.n_layers, 6);
  EXPECT_EQ(distil.hidden_size, 768);
  EXPECT_EQ(distil.intermediate_size, 3072);
  EXPECT_EQ(distil.type_vocab_size, 0);
  EXPECT_FLOAT_EQ(distil.layer_norm_eps, 1e-12F);
  EXPECT_FLOAT_EQ(distil.head_dropout, 0.1F);
}

TEST(ModelConfig, WhatIsNotSupportedIsNamedTogetherWithWhatIs) {
  struct Case {
    const char* member;
    const char* names;
    const char* known;
  };
  const Case cases[] = {
      {R"("hidden_act": "swish")", R"(hidden_act "swish")", "gelu, gelu_python, gelu_new"},
      {R"("position_embedding_type": "relative_key")", R"("relative_key")", "absolute"},
      {R"("is_decoder": true)", "is_decoder", "encoders"},
      {R"("add_cross_attention": true)", "add_cross_attention", "encoders"},
      {R"("pruned_heads": {"1": [0]})", "pruned_heads", "not supported"},
      {R"("num_labels": 3)", "num_labels is not 2", "fine-tune"},
      {R"("id2label": {"0": "A", "1": "B", "2": "C"})", "id2label is not 2", "fine-tune"},
      {R"("id2label": "x")", "id2label", "fine-tune"},
  };
  for (const Case& c : cases) {
    const Error error = error_with(c.member);
    EXPECT_EQ(error.code, ErrorCode::kUnsupported) << c.member;
    EXPECT_NE(error.message.find(c.names), std::string::npos) << error.message;
    EXPECT_NE(error.message.find(c.known), std::string::npos) << error.message;
  }
  for (const char* const json : {R"({"model_type": "roberta"})", "{}"}) {
    const auto other = parse_model_config(json, "x/config.json");
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(other.error().message.find("known are bert, distilbert"), std::string::npos) << other.error().message;
    EXPECT_TRUE(other.error().message.starts_with("x/config.json: "));
  }
}

TEST(ModelConfig, VariantsThatChangeNothingAreFine) {
  parsed(R"({"model_type": "bert", "is_decoder": false, "pruned_heads": {}, "num_labels": 2,
             "hidden_act": "gelu_pytorch_tanh", "position_embedding_type": null})");
}

TEST(ModelConfig, SizesOutOfRangeAreErrors) {
  for (const char* const member :
       {R"("hidden_size": 0)", R"("hidden_size": -768)", R"("hidden_size": 768.5)", R"("hidden_size": "768")",
        R"("hidden_size": 99999999999999999999)", R"("hidden_size": 18446744073709551615)",
        R"("num_attention_heads": 7)", R"("num_hidden_layers": 100000)", R"("vocab_size": [1])",
        R"("type_vocab_size": 257)", R"("layer_norm_eps": 0)", R"("layer_norm_eps": -1e-12)",
        R"("hidden_dropout_prob": 1.0)", R"("hidden_dropout_prob": -0.1)", R"("attention_probs_dropout_prob": "a")",
        R"("hidden_act": 3)", R"("hidden_size": 245760, "vocab_size": 16000000)",
        R"("hidden_size": 245760, "intermediate_size": 300000)", R"("hidden_size": 245760)"}) {
    EXPECT_EQ(error_with(member).code, ErrorCode::kCorrupt) << member;
  }
}

TEST(ModelConfig, DamageIsAnErrorOrAnotherSaneConfiguration) {
  for (std::size_t n = 0; n < kBert.size(); ++n) EXPECT_FALSE(parse_model_config(kBert.substr(0, n), "cut")) << n;
  for (std::size_t bit = 0; bit < kBert.size() * 8; ++bit) {
    std::string damaged(kBert);
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const auto config = parse_model_config(damaged, "damaged");
    if (!config) continue;
    EXPECT_GE(config->hidden_size, config->n_heads);
    EXPECT_EQ(config->hidden_size % config->n_heads, 0);
    EXPECT_GT(config->vocab_size, 0);
    EXPECT_GT(config->n_layers, 0);
  }
}

TEST(ModelConfig, AMissingFileIsNamed) {
  const auto config = read_model_config(testing::source_path("tests/fixtures/no-such-model"));
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, ErrorCode::kNotFound);
  EXPECT_NE(config.error().message.find("config.json"), std::string::npos);
}

TEST(ModelConfig, FamiliesHaveTheNamesOfModelType) {
  EXPECT_STREQ(model_family_name(ModelFamily::kBert), "bert");
  EXPECT_STREQ(model_family_name(ModelFamily::kDistilBert), "distilbert");
}

}  // namespace
}  // namespace spanqa

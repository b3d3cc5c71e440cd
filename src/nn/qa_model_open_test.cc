// Checkpoints as they come: names, types, shards, and everything that is wrong with them.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "nn/qa_model.h"
#include "nn/testing_models.h"

namespace spanqa {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the helpers of this room's tests

constexpr std::string_view kPrefix = "bert.";

/// Opening a folder made from the tiny reader with something changed.
class QaModelOpenTest : public ModelFolderTest {
 protected:
  void SetUp() override {
    ModelFolderTest::SetUp();
    plain_ = logits_after([](StoredModel&) {});
  }
  void expect_same(const std::function<void(StoredModel&)>& change) {
    EXPECT_EQ(largest_difference(plain_, logits_after(change)), 0.0);
  }
  static void expect_error(const Error& error, ErrorCode code, std::initializer_list<std::string_view> parts) {
    EXPECT_EQ(error.code, code) << error.message;
    for (const std::string_view part : parts) EXPECT_NE(error.message.find(part), std::string::npos) << error.message;
  }

  SpanLogits plain_;
};

void replace_ending(std::string& name, std::string_view ending, std::string_view by) {
  if (name.ends_with(ending)) name.replace(name.size() - ending.size(), ending.size(), by);
}

void drop(StoredModel& model, std::string_view part) {
  std::erase_if(model.tensors, [&](const StoredTensor& t) { return t.name.find(part) != std::string::npos; });
}

void replace(std::string& text, std::string_view part, std::string_view by) {
  const std::size_t at = text.find(part);
  ASSERT_NE(at, std::string::npos) << part;
  text.replace(at, part.size(), by);
}

TEST_F(QaModelOpenTest, NormalisationsMayBeCalledGammaAndBeta) {
  expect_same([](StoredModel& model) {
    for (StoredTensor& tensor : model.tensors) {
      replace_ending(tensor.name, "LayerNorm.weight", "LayerNorm.gamma");
      replace_ending(tensor.name, "LayerNorm.bias", "LayerNorm.beta");
    }
  });
}

TEST_F(QaModelOpenTest, NamesMayStandBehindModule) {
  expect_same([](StoredModel& model) {
    for (StoredTensor& tensor : model.tensors) tensor.name.insert(0, "module.");
  });
}

TEST_F(QaModelOpenTest, NamesMayLackTheEncodersPrefix) {
  expect_same([](StoredModel& model) {
    for (StoredTensor& tensor : model.tensors) {
      if (tensor.name.starts_with(kPrefix)) tensor.name.erase(0, kPrefix.size());
    }
  });
}

TEST_F(QaModelOpenTest, TensorsThatNobodyAsksForAreSkipped) {
  expect_same([](StoredModel& model) {
    for (const char* const name :
         {"bert.pooler.dense.weight", "cls.predictions.bias", "bert.embeddings.position_ids"}) {
      model.tensors.push_back({name, DType::kFloat16, {2}, "abcd"});
    }
  });
}

TEST_F(QaModelOpenTest, HalfPrecisionWeightsAreReadExactly) {
  for (const DType type : {DType::kFloat16, DType::kBFloat16}) {
    const SpanLogits wide = logits_after([&](StoredModel& model) { reduce_precision(model, type, true); });
    const SpanLogits narrow = logits_after([&](StoredModel& model) { reduce_precision(model, type, false); });
    EXPECT_EQ(largest_difference(wide, narrow), 0.0) << dtype_name(type);
    EXPECT_GT(largest_difference(plain_, narrow), 0.0) << dtype_name(type);
    EXPECT_EQ(QaModel::open(folder_).value()->weight_type(), dtype_name(type));
  }
}

TEST_F(QaModelOpenTest, TypesMayBeMixed) {
  // A bias of zeros is the same in any type.
  const auto with_zeros = [](DType type) {
    return [type](StoredModel& model) {
      StoredTensor& bias = model.at("bert.encoder.layer.0.output.dense.bias");
      bias.dtype = type;
      bias.bytes.assign(32 * dtype_size(type), '\0');
    };
  };
  const SpanLogits wide = logits_after(with_zeros(DType::kFloat32));
  EXPECT_EQ(largest_difference(wide, logits_after(with_zeros(DType::kFloat16))), 0.0);
  EXPECT_EQ(largest_difference(wide, logits_after(with_zeros(DType::kBFloat16))), 0.0);
  EXPECT_GT(largest_difference(wide, plain_), 0.0);
}

TEST_F(QaModelOpenTest, ShardsAreReadAsOneModel) {
  const StoredModel model = read_stored_model(tiny_bert());
  const std::size_t half = model.tensors.size() / 2;
  nlohmann::json weight_map;
  for (std::size_t i = 0; i < model.tensors.size(); ++i) {
    weight_map[model.tensors[i].name] =
        i < half ? "model-00001-of-00002.safetensors" : "model-00002-of-00002.safetensors";
  }
  std::filesystem::remove(folder_ / "model.safetensors");
  ASSERT_TRUE(write_tensors(folder_ / "model-00001-of-00002.safetensors", std::span(model.tensors).first(half)));
  ASSERT_TRUE(write_file(folder_ / "model.safetensors.index.json", nlohmann::json{{"weight_map", weight_map}}.dump()));
  const auto broken = QaModel::open(folder_);
  ASSERT_FALSE(broken);
  expect_error(broken.error(), ErrorCode::kNotFound, {"model-00002-of-00002.safetensors", "index.json"});
  ASSERT_TRUE(write_tensors(folder_ / "model-00002-of-00002.safetensors", std::span(model.tensors).subspan(half)));
  const auto whole = QaModel::open(folder_);
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(largest_difference(plain_, logits_of(**whole, batch_of(read_rows(tiny_bert() / "expected.json")))), 0.0);
}

TEST_F(QaModelOpenTest, AnEncoderWithoutAnswerHeadIsRefused) {
  const Error error = error_after([](StoredModel& model) { drop(model, "qa_outputs"); });
  expect_error(error, ErrorCode::kMismatch, {"model.safetensors", "answer head", "random", "fine-tune"});
}

TEST_F(QaModelOpenTest, HalfAHeadOrAHeadOfAnotherShapeIsRefused) {
  expect_error(error_after([](StoredModel& model) { drop(model, "qa_outputs.bias"); }), ErrorCode::kMismatch,
               {"qa_outputs.bias is missing"});
  const Error error = error_after([](StoredModel& model) {
    StoredTensor& head = model.at("qa_outputs.weight");
    head.shape = {3, 32};
    head.bytes.resize(3 * 32 * 4);
  });
  expect_error(error, ErrorCode::kMismatch, {"qa_outputs.weight", "[3, 32]", "[2, 32]"});
}

TEST_F(QaModelOpenTest, EveryMissingTensorIsNamed) {
  for (const StoredTensor& tensor : read_stored_model(tiny_bert()).tensors) {
    if (tensor.name.starts_with("qa_outputs")) continue;
    const Error error = error_after([&](StoredModel& model) { drop(model, tensor.name); });
    expect_error(error, ErrorCode::kMismatch, {tensor.name + " is missing"});
  }
}

TEST_F(QaModelOpenTest, EveryWrongShapeIsNamed) {
  for (const StoredTensor& tensor : read_stored_model(tiny_bert()).tensors) {
    const Error error = error_after([&](StoredModel& model) {
      StoredTensor& changed = model.at(tensor.name);
      changed.shape.front() += 1;
      changed.bytes.resize(changed.bytes.size() / tensor.shape.front() * changed.shape.front());
    });
    expect_error(error, ErrorCode::kMismatch, {tensor.name, shape_text(tensor.shape)});
  }
}

TEST_F(QaModelOpenTest, AConfigurationOfAnotherModelIsAMismatch) {
  const Error vocabulary =
      error_after([](StoredModel& model) { replace(model.config, "\"vocab_size\": 135", "\"vocab_size\": 30522"); });
  expect_error(vocabulary, ErrorCode::kMismatch, {"word_embeddings", "[135, 32]", "[30522, 32]"});
  const Error layers = error_after(
      [](StoredModel& model) { replace(model.config, "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3"); });
  expect_error(layers, ErrorCode::kMismatch, {"bert.encoder.layer.2", "missing"});
  const Error part = error_after(
      [](StoredModel& model) { replace(model.config, "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1"); });
  expect_error(part, ErrorCode::kMismatch, {"model.safetensors", "holds 2 layers", "asks for 1"});
  const Error part_of_bare_names = error_after([](StoredModel& model) {
    replace(model.config, "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1");
    for (StoredTensor& tensor : model.tensors) {
      if (tensor.name.starts_with(kPrefix)) tensor.name.erase(0, kPrefix.size());
    }
  });
  expect_error(part_of_bare_names, ErrorCode::kMismatch, {"holds 2 layers"});
  // A huge claim must fail before memory is taken for it.
  const Error wide = error_after(
      [](StoredModel& model) { replace(model.config, "\"intermediate_size\": 48", "\"intermediate_size\": 262144"); });
  expect_error(wide, ErrorCode::kMismatch, {"intermediate.dense.weight", "[262144, 32]"});
}

TEST_F(QaModelOpenTest, UnsupportedConfigurationsAreRefused) {
  const Error error = error_after([](StoredModel& model) { replace(model.config, "\"gelu\"", "\"silu\""); });
  expect_error(error, ErrorCode::kUnsupported, {"config.json", "silu", "known are gelu"});
}

TEST_F(QaModelOpenTest, PickledWeightsSayHowToConvertThem) {
  std::filesystem::remove(folder_ / "model.safetensors");
  ASSERT_TRUE(write_file(folder_ / "pytorch_model.bin", "PK"));
  const auto opened = QaModel::open(folder_);
  ASSERT_FALSE(opened);
  expect_error(opened.error(), ErrorCode::kUnsupported,
               {"pytorch_model.bin", "save_pretrained", "safe_serialization=True"});
}

TEST_F(QaModelOpenTest, ALogitThatIsNoFiniteNumberIsAnErrorOfTheModel) {
  constexpr std::size_t kWidth = 32;
  constexpr std::int32_t kDamaged = 9;
  for (const float damage : {std::nanf(""), HUGE_VALF}) {
    const Error error = error_after([&](StoredModel& model) {
      StoredTensor& words = model.at("bert.embeddings.word_embeddings.weight");
      std::memcpy(words.bytes.data() + kDamaged * kWidth * sizeof(float), &damage, sizeof(float));
    });
    ASSERT_EQ(error.message, "");
    const auto model = QaModel::open(folder_).value();
    Workspace workspace(1);
    SpanLogits logits;
    EXPECT_TRUE(model->forward({.ids = {2, 7, 3}, .type_ids = {0, 0, 0}, .offsets = {0, 3}}, workspace, logits));
    const Status met = model->forward(
        {.ids = {2, 7, 3, 2, kDamaged, 3}, .type_ids = {0, 0, 0, 0, 0, 0}, .offsets = {0, 3, 6}}, workspace, logits);
    ASSERT_FALSE(met);
    expect_error(met.error(), ErrorCode::kModelFault, {"model.safetensors", "infinite numbers or NaN", "damaged"});
  }
}

TEST_F(QaModelOpenTest, ADamagedWeightFileIsRefusedOrRead) {
  const std::string whole = read_file(folder_ / "model.safetensors").value();
  for (std::size_t n = 0; n < 6000; n += 151) {
    ASSERT_TRUE(write_file(folder_ / "model.safetensors", whole.substr(0, n)));
    EXPECT_FALSE(QaModel::open(folder_)) << n;
  }
}

TEST_F(QaModelOpenTest, AFolderThatIsNoModelIsNamed) {
  const auto opened = QaModel::open(folder_ / "nothing");
  ASSERT_FALSE(opened);
  expect_error(opened.error(), ErrorCode::kNotFound,
               {"nothing", "config.json", "model.safetensors", "tokenizer.json or vocab.txt"});
}

}  // namespace
}  // namespace spanqa

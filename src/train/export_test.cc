#include "train/export.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "base/file.h"
#include "nn/qa_model.h"
#include "nn/trainable_model.h"
#include "qa/qa_settings.h"
#include "shared_data.h"
#include "train/checkpoint.h"

namespace spanqa {
namespace {

namespace fs = std::filesystem;

class ExportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "spanqa-export-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  /// The fixture with `change` added to every weight.
  fs::path shifted(const std::string& name, float change) const {
    const auto model = TrainableModel::open(base_, {}).value();
    for (const Parameter& parameter : model->layout().parameters()) {
      for (float& weight : model->weights().subspan(parameter.offset, parameter.size)) weight += change;
    }
    EXPECT_TRUE(export_model(folder_ / name, {base_, model->layout(), model->weights()}, DType::kFloat32));
    return folder_ / name;
  }

  void expect_weights(const fs::path& folder, const fs::path& expected, float tolerance) const {
    const auto model = TrainableModel::open(folder, {});
    ASSERT_TRUE(model) << model.error().message;
    const auto other = TrainableModel::open(expected, {}).value();
    for (std::size_t i = 0; i < other->weights().size(); ++i) {
      ASSERT_NEAR((*model)->weights()[i], other->weights()[i], tolerance) << "number " << i;
    }
  }

  fs::path folder_;
  fs::path base_ = testing::source_path("tests/fixtures/nn/tiny-bert");
};

TEST_F(ExportTest, TheMeanOfSeveralIsTheirMean) {
  const fs::path output = folder_ / "mean";
  const Status exported = export_mean({.models = {shifted("a", -0.25F), shifted("b", 0.125F), shifted("c", 0.125F)},
                                       .output = output,
                                       .dtype = DType::kFloat32});
  ASSERT_TRUE(exported) << exported.error().message;
  expect_weights(output, base_, 1e-6F);
}

TEST_F(ExportTest, OneModelIsStoredNarrowWithItsSettings) {
  const fs::path model = shifted("a", 0.0F);
  ASSERT_TRUE(write_qa_settings(model, {.temperature = 1.5, .fitted_on = "a slice"}));
  const fs::path output = folder_ / "narrow";
  ASSERT_TRUE(export_mean({.models = {model}, .output = output}));
  EXPECT_EQ(QaModel::open(output).value()->weight_type(), "float16");
  expect_weights(output, base_, 1e-3F);
  EXPECT_EQ(read_qa_settings(output).value().temperature, 1.5);

  const fs::path mean = folder_ / "mean";
  ASSERT_TRUE(export_mean({.models = {model, shifted("b", 0.0F)}, .output = mean}));
  EXPECT_FALSE(fs::exists(mean / kQaSettingsFile)) << "settings of one model, beside another";
}

TEST_F(ExportTest, RefusesWhatHasNoMean) {
  EXPECT_EQ(export_mean({.models = {}, .output = folder_ / "x"}).error().code, ErrorCode::kInvalidArgument);
  const Status itself = export_mean({.models = {base_}, .output = base_});
  ASSERT_FALSE(itself);
  EXPECT_EQ(itself.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(export_mean({.models = {base_, folder_ / "nowhere"}, .output = folder_ / "x"}).error().code,
            ErrorCode::kNotFound);
  EXPECT_FALSE(fs::exists(folder_ / "x"));
}

}  // namespace
}  // namespace spanqa

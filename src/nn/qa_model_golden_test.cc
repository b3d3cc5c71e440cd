// Models of the reference implementation: see golden/README.md for the tolerances.
#include <gtest/gtest.h>

#include "nn/testing_models.h"
#include "shared_data.h"

namespace spanqa {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the helpers of this room's tests

TEST(QaModelGolden, TinyModelsAnswerAsTheReference) {
  SPANQA_NEEDS_SHARED("golden/tiny");
  for (const char* const family : {"bert", "distilbert"}) {
    const std::filesystem::path folder = shared_path("golden/tiny") / family;
    expect_rows(folder, folder / "forward.json", 2e-5);
  }
}

TEST(QaModelGolden, MiniLmAnswersAsTheReference) {
  SPANQA_NEEDS_SHARED("models/minilm-squad");
  SPANQA_NEEDS_SHARED("golden/reader/logits.json");
  expect_rows(shared_path("models/minilm-squad"), shared_path("golden/reader/logits.json"), 2e-4);
}

TEST(QaModelGolden, APublishedEncoderWithoutAnswerHeadIsRefused) {
  SPANQA_NEEDS_SHARED("models/minilm-base");
  const auto opened = QaModel::open(shared_path("models/minilm-base"));
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("fine-tune it for question answering first"), std::string::npos)
      << opened.error().message;
}

}  // namespace
}  // namespace spanqa

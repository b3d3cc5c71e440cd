#include "cli/self_check.h"

#include <gtest/gtest.h>

#include "qa/default_model.h"
#include "shared_data.h"

namespace spanqa::cli {
namespace {

TEST(SelfCheck, HoldsOnTextsOfEveryKind) {
  ::setenv("SPANQA_MODELS", testing::source_path("models").c_str(), 1);
  const auto folder = find_default_model();
  ASSERT_TRUE(folder) << folder.error().message;
  const auto reader = Reader::open(*folder);
  ASSERT_TRUE(reader) << reader.error().message;
  const std::string broken = "caf\xC3 \xF0\x9F broken \xFF bytes";
  for (const std::string_view text : {self_check_text(), std::string_view(broken), std::string_view("x")}) {
    for (const SelfCheck& check : self_check(**reader, text, {}))
      EXPECT_TRUE(check.ok) << check.name << ": " << check.detail;
  }
}

TEST(SelfCheck, AFailureIsAFindingNotACrash) {
  ::setenv("SPANQA_MODELS", testing::source_path("models").c_str(), 1);
  const auto reader = Reader::open(find_default_model().value());
  ASSERT_TRUE(reader);
  const auto checks = self_check(**reader, "", {});  // no answer can be asked of an empty text
  ASSERT_EQ(checks.size(), 3U);
  EXPECT_FALSE(checks.back().ok);
}

}  // namespace
}  // namespace spanqa::cli

#include "qa/default_model.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/file.h"

namespace spanqa {
namespace {

class DefaultModel : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "spanqa-models-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    ::setenv("SPANQA_MODELS", name.c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("SPANQA_MODELS");
    std::filesystem::remove_all(folder_);
  }
  std::filesystem::path folder_;
};

TEST_F(DefaultModel, IsTheFolderThatTheFileNames) {
  std::filesystem::create_directory(folder_ / "small");
  ASSERT_TRUE(write_file(folder_ / "DEFAULT", "small\n"));
  EXPECT_EQ(find_default_model().value(), folder_ / "small");
}

TEST_F(DefaultModel, AMissingFolderOrFileSaysWhatToDo) {
  const auto nothing = find_default_model();
  ASSERT_FALSE(nothing);
  EXPECT_NE(nothing.error().message.find("--model"), std::string::npos);
  ASSERT_TRUE(write_file(folder_ / "DEFAULT", "gone\n"));
  const auto gone = find_default_model();
  ASSERT_FALSE(gone);
  EXPECT_NE(gone.error().message.find("'gone'"), std::string::npos);
}

TEST_F(DefaultModel, AFileThatCannotBeReadEndsTheSearch) {
  std::filesystem::create_directory(folder_ / "DEFAULT");
  const auto unreadable = find_default_model();
  ASSERT_FALSE(unreadable);
  EXPECT_NE(unreadable.error().message.find("DEFAULT"), std::string::npos) << unreadable.error().message;
  EXPECT_EQ(unreadable.error().message.find("no default model found"), std::string::npos);
}

TEST_F(DefaultModel, TheCheckoutHasOne) {
  ::unsetenv("SPANQA_MODELS");
  EXPECT_TRUE(find_default_model());  // above the test program lies models/DEFAULT
}

}  // namespace
}  // namespace spanqa

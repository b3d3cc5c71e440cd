#include "base/folder_lock.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>

namespace spanqa {
namespace {

class FolderLockTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "spanqa-lock-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(FolderLockTest, IsRefusedWhileAnotherHoldsIt) {
  {
    const auto first = FolderLock::take(folder_);
    ASSERT_TRUE(first) << first.error().message;
    const auto second = FolderLock::take(folder_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(second.error().message.find(folder_.string()), std::string::npos);
  }
  EXPECT_TRUE(FolderLock::take(folder_)) << "the first one is gone";
}

TEST_F(FolderLockTest, MovesWithItsObject) {
  auto first = FolderLock::take(folder_);
  ASSERT_TRUE(first);
  const FolderLock moved = std::move(*first);
  EXPECT_FALSE(FolderLock::take(folder_));
}

TEST_F(FolderLockTest, LeavesNothingInTheFolder) {
  ASSERT_TRUE(FolderLock::take(folder_));
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(FolderLockTest, NamesAFolderThatIsNotThere) {
  const auto lock = FolderLock::take(folder_ / "none");
  ASSERT_FALSE(lock);
  EXPECT_EQ(lock.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace spanqa

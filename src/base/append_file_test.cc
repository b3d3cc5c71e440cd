#include "base/append_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "base/file.h"
#include "base/scratch_file.h"

namespace spanqa {
namespace {

TEST(AppendFile, GrowsAndIsReadableAfterEachPiece) {
  const testing::ScratchFile scratch("log", "");
  const auto path = scratch.path().parent_path() / "new";
  auto file = AppendFile::create(path);
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_TRUE(file->append("one\n"));
  EXPECT_EQ(read_file(path).value(), "one\n");
  ASSERT_TRUE(file->append("two\n"));
  EXPECT_EQ(read_file(path).value(), "one\ntwo\n");
}

TEST(AppendFile, DoesNotCreateOverAFile) {
  const testing::ScratchFile scratch("log", "kept");
  const auto file = AppendFile::create(scratch.path());
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(read_file(scratch.path()).value(), "kept");
}

TEST(AppendFile, CutsBeforeItAppends) {
  const testing::ScratchFile scratch("log", "one\ntwo\nthr");
  auto file = AppendFile::open_cut(scratch.path(), 4);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->append("three\n"));
  EXPECT_EQ(read_file(scratch.path()).value(), "one\nthree\n");
}

TEST(AppendFile, SyncsWhatItHolds) {
  const testing::ScratchFile scratch("log", "");
  auto file = AppendFile::open_cut(scratch.path(), 0);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->append("one\n"));
  const Status synced = file->sync();
  EXPECT_TRUE(synced) << synced.error().message;
  std::filesystem::remove_all(scratch.path().parent_path());
  EXPECT_FALSE(file->sync()) << "its name can no longer be made to last";
}

TEST(AppendFile, SaysWhichFolderIsMissing) {
  const auto file = AppendFile::create("/nowhere/at/all/log");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::kNotFound);
  EXPECT_NE(file.error().message.find("/nowhere/at/all/log"), std::string::npos);
}

TEST(AppendFile, LeavesNoHalfPieceWhenTheDiskIsFull) {
  const testing::ScratchFile scratch("log", "");
  auto file = AppendFile::open_cut(scratch.path(), 0);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->append("one\n"));
  // A limit on file sizes stands in for a full disk: the write is cut short, then refused.
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  auto* handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 6, .rlim_max = old.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const Status status = file->append("two, and more\n");
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kIo);
  EXPECT_EQ(read_file(scratch.path()).value(), "one\n");
  ASSERT_TRUE(file->append("two\n"));
  EXPECT_EQ(read_file(scratch.path()).value(), "one\ntwo\n");
}

}  // namespace
}  // namespace spanqa

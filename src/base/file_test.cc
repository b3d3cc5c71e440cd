#include "base/file.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

namespace spanqa {
namespace {

class FileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "spanqa-file-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::size_t files_in_folder() const {
    const std::filesystem::directory_iterator begin(folder_);
    return static_cast<std::size_t>(std::distance(begin, std::filesystem::directory_iterator()));
  }
  std::filesystem::path folder_;
};

TEST_F(FileTest, WrittenFilesReadBack) {
  const std::string bytes(300000, 'x');
  ASSERT_TRUE(write_file(folder_ / "a", bytes));
  EXPECT_EQ(read_file(folder_ / "a").value(), bytes);
  const auto mapped = MappedFile::open(folder_ / "a").value();
  EXPECT_EQ(mapped->bytes().size(), bytes.size());
}

TEST_F(FileTest, WithoutCommitNothingIsLeftAndTheOldFileStays) {
  ASSERT_TRUE(write_file(folder_ / "a", "old"));
  {
    AtomicFile file = AtomicFile::create(folder_ / "a").value();
    ASSERT_TRUE(file.write("new, but never committed"));
  }
  EXPECT_EQ(read_file(folder_ / "a").value(), "old");
  EXPECT_EQ(files_in_folder(), 1U);
}

TEST_F(FileTest, AReplacedFileKeepsItsPermissions) {
  ASSERT_TRUE(write_file(folder_ / "private", "old"));
  std::filesystem::permissions(folder_ / "private", std::filesystem::perms(0600));
  ASSERT_TRUE(write_file(folder_ / "private", "new"));
  EXPECT_EQ(std::filesystem::status(folder_ / "private").permissions(), std::filesystem::perms(0600));
}

TEST_F(FileTest, ANamedDescriptorIsWrittenToAndItsFileStays) {
  const std::string log = (folder_ / "log").string();
  ASSERT_TRUE(write_file(log, "old\n"));
  std::FILE* appended = std::fopen(log.c_str(), "a");
  ASSERT_NE(appended, nullptr);
  ASSERT_TRUE(write_file("/dev/fd/" + std::to_string(::fileno(appended)), "new\n"));
  std::fclose(appended);
  EXPECT_EQ(read_file(log).value(), "old\nnew\n");
}

TEST_F(FileTest, FilesCommittedTogetherAppearTogether) {
  ASSERT_TRUE(write_file(folder_ / "old", "old"));
  AtomicFile a = AtomicFile::create(folder_ / "old").value();
  AtomicFile b = AtomicFile::create(folder_ / "new").value();
  ASSERT_TRUE(a.write("a") && b.write("b"));
  AtomicFile* const files[] = {&a, &b};
  ASSERT_TRUE(commit_together(files));
  EXPECT_EQ(read_file(folder_ / "old").value(), "a");
  EXPECT_EQ(read_file(folder_ / "new").value(), "b");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 2) << "the replaced file is left";
}

TEST_F(FileTest, WhereOneOfSeveralFilesFailsNoneAppearsAndTheOldOnesStay) {
  for (const bool at_rename : {false, true}) {
    ASSERT_TRUE(write_file(folder_ / "old", "old"));
    const std::filesystem::path last = at_rename ? folder_ / "last" : std::filesystem::path("/dev/full");
    {
      AtomicFile a = AtomicFile::create(folder_ / "old").value();
      AtomicFile b = AtomicFile::create(folder_ / "new").value();
      AtomicFile c = AtomicFile::create(last).value();
      ASSERT_TRUE(a.write("a") && b.write("b") && c.write("c"));
      if (at_rename) std::filesystem::create_directories(last / "in the way");
      AtomicFile* const files[] = {&a, &b, &c};
      const Status status = commit_together(files);
      ASSERT_FALSE(status);
      EXPECT_TRUE(status.error().message.starts_with(last.string())) << status.error().message;
    }
    std::filesystem::remove_all(folder_ / "last");
    EXPECT_EQ(read_file(folder_ / "old").value(), "old") << at_rename;
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1) << at_rename;
  }
}

TEST_F(FileTest, ErrorsNameTheFile) {
  const auto missing = read_file(folder_ / "missing.json");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_NE(missing.error().message.find("missing.json"), std::string::npos);
  EXPECT_EQ(read_file(folder_).error().code, ErrorCode::kIo);  // a folder
  EXPECT_EQ(MappedFile::open(folder_).error().code, ErrorCode::kIo);
  EXPECT_FALSE(AtomicFile::create(folder_ / "no" / "such" / "folder"));
}

TEST_F(FileTest, DevicesAreWrittenToAndNeverReplaced) {
  ASSERT_TRUE(write_file("/dev/null", "gone"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  const Status full = write_file("/dev/full", "no room");
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::kIo);
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
  EXPECT_EQ(write_file(folder_, "a folder").error().code, ErrorCode::kIo);
  EXPECT_EQ(files_in_folder(), 0U);
}

TEST_F(FileTest, ALinkStaysALink) {
  ASSERT_TRUE(write_file(folder_ / "a", "old"));
  std::filesystem::create_symlink("a", folder_ / "link");
  ASSERT_TRUE(write_file(folder_ / "link", "new"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "link"));
  EXPECT_EQ(read_file(folder_ / "a").value(), "new");
}

TEST_F(FileTest, AnEndlessFileStopsAtTheLimit) {
  EXPECT_FALSE(read_file("/dev/zero", 1000));  // endless: the limit ends it
}

TEST_F(FileTest, AnEmptyFileMapsToNoBytes) {
  ASSERT_TRUE(write_file(folder_ / "empty", ""));
  const auto mapped = MappedFile::open(folder_ / "empty").value();
  EXPECT_TRUE(mapped->bytes().empty());
}

}  // namespace
}  // namespace spanqa

#include "cli/output.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace spanqa::cli {
namespace {

class OutputTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "spanqa-output-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(OutputTest, AFileAppearsWhenFinishedAndNotBefore) {
  const std::string path = (folder_ / "out.json").string();
  {
    Output output = Output::open(path).value();
    ASSERT_TRUE(output.write("{}\n"));
    EXPECT_FALSE(std::filesystem::exists(path));
    ASSERT_TRUE(output.finish());
  }
  EXPECT_EQ(read_input(path).value(), "{}\n");
}

TEST_F(OutputTest, AnUnfinishedFileLeavesNothing) {
  {
    Output output = Output::open((folder_ / "out.json").string()).value();
    ASSERT_TRUE(output.write("{"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(OutputTest, ADashIsStandardOutput) {
  ::testing::internal::CaptureStdout();
  ASSERT_TRUE(write_output("-", "line\n"));
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "line\n");
}

TEST_F(OutputTest, AnOutputThatIsReadIsRefusedByWhateverName) {
  const std::string path = (folder_ / "in.json").string();
  const std::string link = (folder_ / "link.json").string();
  ASSERT_TRUE(write_output(path, "{}\n"));
  std::filesystem::create_symlink(path, link);
  for (const std::string& output : {path, link, (folder_ / "." / "in.json").string()}) {
    const Status refused = check_not_input(output, {"none.json", path});
    ASSERT_FALSE(refused) << output;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(refused.error().message.starts_with(output)) << refused.error().message;
  }
  for (const char* output : {"", "-", "/dev/null", "none.json"}) {
    EXPECT_TRUE(check_not_input(output, {path, "-", "", "/dev/null", "none.json"})) << output;
  }
  EXPECT_TRUE(check_not_input((folder_ / "out.json").string(), {path}));
}

TEST_F(OutputTest, AFolderThatIsNotThereIsNamed) {
  const auto output = Output::open((folder_ / "none" / "out.json").string());
  ASSERT_FALSE(output);
  EXPECT_NE(output.error().message.find("none/out.json"), std::string::npos);
}

}  // namespace
}  // namespace spanqa::cli

#include "cli/config_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace spanqa::cli {
namespace {

struct Command {
  Command() {
    app.add_option("--rate", rate)->check(CLI::Range(0.0, 1.0));
    app.add_option("-f,--file", files);
    app.add_flag("--fast,!--no-fast", fast);
    app.add_flag("--again", again)->configurable(false);
  }
  CLI::App app;
  double rate = 0.5;
  std::vector<std::string> files;
  bool fast = false;
  bool again = false;
};

class ConfigFile : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "spanqa-config-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path() const { return (folder_ / "recipe.toml").string(); }
  /// The message, without the path in front of it; empty: none.
  std::string apply(const std::string& text, const std::string& command_line = "") {
    std::ofstream(path()) << text;
    command_.app.parse(command_line);
    const Status status = apply_config_file(command_.app, path());
    if (status) return {};
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(status.error().message.starts_with(path() + ": ")) << status.error().message;
    return status.error().message.substr(std::min(status.error().message.size(), path().size() + 2));
  }
  Command command_;

 private:
  std::filesystem::path folder_;
};

TEST_F(ConfigFile, KeysAreTheNamesOfOptions) {
  EXPECT_EQ(apply("# a comment\nrate = 2e-5  # another\nfile = [\"a b.json\", \"c.json\"]\nfast = true\n"), "");
  EXPECT_EQ(command_.rate, 2e-5);
  EXPECT_EQ(command_.files, (std::vector<std::string>{"a b.json", "c.json"}));
  EXPECT_TRUE(command_.fast);
}

TEST_F(ConfigFile, TheCommandLineOverrulesTheFile) {
  EXPECT_EQ(apply("rate = 0.1\nfile = [\"a.json\", \"b.json\"]\nfast = true\n", "--rate 0.2 -f c.json --no-fast"), "");
  EXPECT_EQ(command_.rate, 0.2);
  EXPECT_EQ(command_.files, std::vector<std::string>{"c.json"});
  EXPECT_FALSE(command_.fast);
}

TEST_F(ConfigFile, AFlagCanBeSwitchedOffInAFile) {
  command_.fast = true;
  EXPECT_EQ(apply("fast = false\n"), "");
  EXPECT_FALSE(command_.fast);
}

TEST_F(ConfigFile, AMistypedKeyIsNamedWithWhatWasProbablyMeant) {
  EXPECT_EQ(apply("raet = 0.1\n"), "unknown key 'raet'; did you mean 'rate'?");
}

TEST_F(ConfigFile, OtherKeysAreRefused) {
  EXPECT_EQ(apply("zzzzzzzz = 1\n"), "unknown key 'zzzzzzzz'");
  EXPECT_EQ(apply("again = true\n"), "--again stands on the command line, not in a file");
  EXPECT_EQ(apply("help = true\n"), "--help stands on the command line, not in a file");
  EXPECT_EQ(apply("[part]\nrate = 0.1\n"), "unknown section [part]; keys stand alone");
}

TEST_F(ConfigFile, AKeyStandsOnce) { EXPECT_EQ(apply("rate = 0.1\nfast = true\nrate = 0.2\n"), "'rate' stands twice"); }

TEST_F(ConfigFile, ValuesAreCheckedLikeThoseOfFlags) {
  EXPECT_TRUE(apply("rate = 7\n").starts_with("'rate': ")) << apply("rate = 7\n");
  EXPECT_TRUE(apply("fast = perhaps\n").starts_with("'fast': "));
}

TEST_F(ConfigFile, AMissingFileIsNamed) {
  const Status status = apply_config_file(command_.app, "/nowhere/recipe.toml");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kNotFound);
  EXPECT_NE(status.error().message.find("/nowhere/recipe.toml"), std::string::npos);
}

}  // namespace
}  // namespace spanqa::cli

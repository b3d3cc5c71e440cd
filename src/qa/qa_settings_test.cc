#include "qa/qa_settings.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <string>

#include "base/file.h"

namespace spanqa {
namespace {

namespace fs = std::filesystem;

class QaSettingsFile : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() / ("spanqa_settings_" + std::to_string(::getpid()) + "_" + info->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_;
};

TEST_F(QaSettingsFile, IsReadBackAsWritten) {
  QaSettings settings{.temperature = 1.7,
                      .no_answer_threshold = 0.25,
                      .null_score_diff_threshold = -18.78055191040039,
                      .fitted_on = "dev \"v2\" é",
                      .notes = {}};
  ASSERT_TRUE(write_qa_settings(folder_, settings));
  const auto read = read_qa_settings(folder_);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->temperature, settings.temperature);
  EXPECT_EQ(read->no_answer_threshold, settings.no_answer_threshold);
  EXPECT_EQ(read->null_score_diff_threshold, settings.null_score_diff_threshold);
  EXPECT_EQ(read->fitted_on, settings.fitted_on);
  EXPECT_TRUE(read->notes.empty());
}

TEST_F(QaSettingsFile, AbsentMeansDefaults) {
  const auto read = read_qa_settings(folder_);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->temperature, 1.0);
  EXPECT_EQ(read->no_answer_threshold, 0.5);
  EXPECT_EQ(read->null_score_diff_threshold, 0.0);
}

TEST_F(QaSettingsFile, ValuesThatMakeNoSenseAreNotWritten) {
  for (const double bad : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    QaSettings settings;
    settings.temperature = bad;
    const Status status = write_qa_settings(folder_, settings);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
  }
  QaSettings settings;
  settings.no_answer_threshold = 1.5;
  EXPECT_FALSE(write_qa_settings(folder_, settings));
  settings.no_answer_threshold = 0.5;
  settings.null_score_diff_threshold = std::nan("");
  EXPECT_FALSE(write_qa_settings(folder_, settings));
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(QaSettingsFile, UnreadableIsAnErrorNotTheDefaults) {
  fs::create_directories(folder_ / kQaSettingsFile);
  const auto read = read_qa_settings(folder_);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kIo);
}

TEST(ParseQaSettings, ErrorsNameTheKey) {
  const auto message = [](std::string_view json) {
    const auto parsed = parse_qa_settings(json, "qa_settings.json");
    return parsed ? std::string("no error") : parsed.error().message;
  };
  EXPECT_EQ(message(R"({"temperature": "1"})"), "qa_settings.json: temperature must be a number, but is string");
  EXPECT_EQ(message(R"({"temperature": 0})"), "qa_settings.json: temperature must be a finite number above 0 (got 0)");
  EXPECT_NE(message(R"({"no_answer_threshold": 2})").find("no_answer_threshold must be from 0 to 1"),
            std::string::npos);
  EXPECT_NE(message(R"({"fitted_on": 2})").find("fitted_on must be a text"), std::string::npos);
  EXPECT_NE(message("[]").find("not a JSON object"), std::string::npos);
  EXPECT_NE(message("").find("not a JSON object"), std::string::npos);
}

TEST(ParseQaSettings, UnknownKeysBecomeNotes) {
  const auto parsed = parse_qa_settings(R"({"temprature": 2, "temperature": 3})", "qa_settings.json");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->temperature, 3.0);
  ASSERT_EQ(parsed->notes.size(), 1U);
  EXPECT_NE(parsed->notes[0].find("temprature"), std::string::npos);
}

TEST(ParseQaSettings, DamagedFilesAreErrorsOrSettingsInRange) {
  const std::string whole = R"({"temperature": 1.5, "no_answer_threshold": 0.25, "fitted_on": "d\u00e9v"})";
  ASSERT_TRUE(parse_qa_settings(whole, "x"));
  for (std::size_t n = 0; n < whole.size(); ++n) EXPECT_FALSE(parse_qa_settings(whole.substr(0, n), "x")) << n;
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const auto parsed = parse_qa_settings(damaged, "x");
    if (!parsed) {
      EXPECT_EQ(parsed.error().code, ErrorCode::kCorrupt);
      continue;
    }
    EXPECT_GT(parsed->temperature, 0.0);
    EXPECT_LE(parsed->no_answer_threshold, 1.0);
  }
}

}  // namespace
}  // namespace spanqa

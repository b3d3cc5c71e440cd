#include "qa/predictions_files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/file.h"
#include "shared_data.h"

namespace spanqa {
namespace {

namespace fs = std::filesystem;

/// A folder of this test's own, gone with it.
class PredictionFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() / ("spanqa_predictions_" + std::to_string(::getpid()) + "_" + info->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string content(const std::string& name) const {
    const auto text = read_file(folder_ / name);
    return text ? *text : "unreadable: " + text.error().message;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_)) found.push_back(entry.path().filename().string());
    std::sort(found.begin(), found.end());
    return found;
  }

  fs::path folder_;
};

NBestEntry entry(double start_logit, double end_logit, std::string text, double probability) {
  NBestEntry made;
  made.text = std::move(text);
  made.start_logit = start_logit;
  made.end_logit = end_logit;
  made.probability = probability;
  return made;
}

TEST_F(PredictionFiles, HaveTheBytesOfPythonsJsonDumps) {
  auto writer = PredictionFilesWriter::create(folder_, {.null_odds = true});
  ASSERT_TRUE(writer) << writer.error().message;
  const std::vector<NBestEntry> list = {entry(1.5, -0.25, "Ω", 0.9987654685974121), entry(0.0, 1e-5, "", 0.0012345)};
  ASSERT_TRUE(writer->add("a\"b", "café 😀\n", list, -13.996908187866211));
  ASSERT_TRUE(writer->add("日", "", {}, 2.0));
  EXPECT_TRUE(names().empty() || names().front().find("predictions.json") != 0) << "nothing in place before commit";
  ASSERT_TRUE(writer->commit());
  // json.dumps({...}, indent=4) + "\n" of CPython 3.11.
  EXPECT_EQ(content("predictions.json"), R"({
    "a\"b": "caf\u00e9 \ud83d\ude00\n",
    "\u65e5": ""
}
)");
  EXPECT_EQ(content("nbest_predictions.json"), R"({
    "a\"b": [
        {
            "start_logit": 1.5,
            "end_logit": -0.25,
            "text": "\u03a9",
            "probability": 0.9987654685974121
        },
        {
            "start_logit": 0.0,
            "end_logit": 1e-05,
            "text": "",
            "probability": 0.0012345
        }
    ],
    "\u65e5": []
}
)");
  EXPECT_EQ(content("null_odds.json"), R"({
    "a\"b": -13.996908187866211,
    "\u65e5": 2.0
}
)");
}

TEST_F(PredictionFiles, EmptySetIsAnEmptyObjectAndPrefixesNameTheFiles) {
  auto writer = PredictionFilesWriter::create(folder_, {.prefix = "eval", .null_odds = true});
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->commit());
  EXPECT_EQ(names(),
            (std::vector<std::string>{"eval_nbest_predictions.json", "eval_null_odds.json", "eval_predictions.json"}));
  for (const std::string& name : names()) EXPECT_EQ(content(name), "{}\n");
}

TEST_F(PredictionFiles, WithoutCommitTheOldOnesStay) {
  ASSERT_TRUE(write_file(folder_ / "predictions.json", "old"));
  {
    auto writer = PredictionFilesWriter::create(folder_, {.n_best = false});
    ASSERT_TRUE(writer);
    ASSERT_TRUE(writer->add("q", "a"));
  }
  EXPECT_EQ(names(), std::vector<std::string>{"predictions.json"});
  EXPECT_EQ(content("predictions.json"), "old");
}

TEST_F(PredictionFiles, NeedAFolder) {
  const auto writer = PredictionFilesWriter::create(folder_ / "missing");
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code, ErrorCode::kNotFound);
  EXPECT_NE(writer.error().message.find("missing is not a directory"), std::string::npos);
}

TEST_F(PredictionFiles, AreReadBackAsWritten) {
  auto writer = PredictionFilesWriter::create(folder_, {.n_best = false, .null_odds = true});
  ASSERT_TRUE(writer);
  RunQaResult result;
  result.prediction = "Zürich \x01 \"x\"";
  result.score_diff = 0.1F;
  ASSERT_TRUE(writer->add("q1", result));
  ASSERT_TRUE(writer->add("q0", "", {}, -3));
  ASSERT_TRUE(writer->commit());
  const auto predictions = read_predictions(folder_ / "predictions.json");
  ASSERT_TRUE(predictions) << predictions.error().message;
  EXPECT_EQ(predictions->find("q1"), result.prediction);
  EXPECT_EQ(predictions->find("q0"), "");
  EXPECT_FALSE(predictions->find("q2"));
  const auto odds = read_null_odds(folder_ / "null_odds.json");
  ASSERT_TRUE(odds) << odds.error().message;
  EXPECT_EQ(odds->by_id.at("q1").value, static_cast<double>(0.1F));
  EXPECT_EQ(odds->by_id.at("q1").order, 0U);
  EXPECT_EQ(odds->by_id.at("q0").order, 1U);
}

TEST_F(PredictionFiles, EqualTheGoldenFilesByteForByte) {
  for (const char* name : {"run_qa-dev-v1.1-nbest-first200.json", "run_qa-dev-v2.0-nbest-first100.json"}) {
    const std::string path = std::string("golden/reader/") + name;
    SPANQA_NEEDS_SHARED(path);
    const auto golden = read_file(testing::shared_path(path));
    ASSERT_TRUE(golden);
    auto writer = PredictionFilesWriter::create(folder_);
    ASSERT_TRUE(writer);
    const auto expected = nlohmann::ordered_json::parse(*golden);
    for (const auto& [id, list] : expected.items()) {
      std::vector<NBestEntry> entries;
      for (const auto& row : list) {
        entries.push_back(entry(row["start_logit"], row["end_logit"], row["text"], row["probability"]));
      }
      ASSERT_TRUE(writer->add(id, "", entries));
    }
    ASSERT_TRUE(writer->commit());
    EXPECT_EQ(content("nbest_predictions.json") == *golden, true) << name;
  }
}

TEST(ParsePredictions, LaterDuplicatesWinAndAreCounted) {
  const auto predictions = parse_predictions(R"({"q": "a", "r": "b", "q": "c"})", "x.json");
  ASSERT_TRUE(predictions);
  EXPECT_EQ(predictions->find("q"), "c");
  EXPECT_EQ(predictions->n_duplicates, 1U);
  const auto odds = parse_null_odds(R"({"q": 1, "r": 2.5, "q": -3e2})", "x.json");
  ASSERT_TRUE(odds);
  EXPECT_EQ(odds->by_id.at("q").value, -300.0);
  EXPECT_EQ(odds->by_id.at("q").order, 0U) << "a repeated key keeps its first place, as in Python";
  EXPECT_EQ(odds->n_duplicates, 1U);
}

TEST(ParsePredictions, ErrorsNameFilePlaceAndShape) {
  const auto message = [](std::string_view json) {
    const auto parsed = parse_predictions(json, "pred.json");
    return parsed ? std::string("no error") : parsed.error().message;
  };
  EXPECT_EQ(message(R"({"q7": null})"),
            "pred.json: the value of \"q7\" is null; predictions are an object of question ids and answer texts");
  EXPECT_NE(message(R"({"q7": 3})").find("\"q7\" is a number"), std::string::npos);
  EXPECT_NE(message(R"({"q7": {"text": "x"}})").find("\"q7\" is an object"), std::string::npos);
  EXPECT_NE(message(R"({"q7": ["x"]})").find("\"q7\" is an array"), std::string::npos);
  EXPECT_NE(message("[1]").find("the file holds an array"), std::string::npos);
  EXPECT_NE(message("\"x\"").find("the file holds a string"), std::string::npos);
  EXPECT_NE(message(R"({"q": "x")").find("broken JSON at byte"), std::string::npos);
  EXPECT_NE(message("").find("broken JSON"), std::string::npos);
  EXPECT_EQ(message("").find("[json.exception"), std::string::npos) << "a number for programs";
  const auto odds = parse_null_odds(R"({"q7": "0.5"})", "odds.json");
  ASSERT_FALSE(odds);
  EXPECT_EQ(odds.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(odds.error().message.find("odds.json: the value of \"q7\" is a string"), std::string::npos);
  EXPECT_FALSE(parse_null_odds(R"({"q": NaN})", "x"));
  EXPECT_FALSE(parse_null_odds(R"({"q": 1e999})", "x"));
}

TEST(ParsePredictions, DamagedFilesAreErrorsOrStillWellFormed) {
  const std::string whole = R"({"56be4db0acb8001400a502ec": "Denver \u00e9 \ud83d\ude00", "x": "", "y": "é"})";
  ASSERT_TRUE(parse_predictions(whole, "x"));
  for (std::size_t n = 0; n < whole.size(); ++n) {
    EXPECT_FALSE(parse_predictions(whole.substr(0, n), "x")) << "cut at " << n;
  }
  std::size_t n_errors = 0;
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const auto parsed = parse_predictions(damaged, "x");
    if (!parsed) {
      ++n_errors;
      EXPECT_EQ(parsed.error().code, ErrorCode::kCorrupt);
    } else {
      EXPECT_LE(parsed->by_id.size(), 3U);
    }
    const auto odds = parse_null_odds(damaged, "x");
    EXPECT_FALSE(odds) << "there is no number in the file";
  }
  EXPECT_GT(n_errors, whole.size());
}

TEST(ReadPredictions, MissingFileSaysSo) {
  const auto missing = read_predictions("no/such/file.json");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace spanqa

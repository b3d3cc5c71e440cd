// spanqa tokenize, metrics, data, info and completion, as a user runs them.
#include <algorithm>
#include <cmath>

#include "base/utf8.h"
#include "program.h"

namespace spanqa::testing {
namespace {

using Arguments = std::vector<std::string>;

constexpr const char* kSquad = R"({"version": "v2.0", "data": [{"title": "Towers", "paragraphs": [
  {"context": "The tower in Zürich was built in 1486. It is 64 metres high.", "qas": [
    {"id": "q1", "question": "When was the tower built?", "is_impossible": false,
     "answers": [{"text": "1486", "answer_start": 33}, {"text": "in 1486", "answer_start": 30}]},
    {"id": "q2", "question": "How high is it?", "is_impossible": false, "answers": [{"text": "64 metres", "answer_start": 45}]},
    {"id": "q3", "question": "Who built the tower?", "is_impossible": true, "answers": []}]}]}]})";

class ToolsTest : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    write(folder() / "gold.json", kSquad);
    write(folder() / "predictions.json", R"({"q1": "1486", "q2": "64 metres high", "q3": ""})");
  }
};

using TokenizeTest = ToolsTest;
using MetricsTest = ToolsTest;
using DataTest = ToolsTest;
using InfoTest = ToolsTest;
using CompletionTest = ToolsTest;

TEST_F(TokenizeTest, ThreeCountsOfAPlaceSliceTheSameText) {
  const std::string text = "Z\u00fcrich \U0001F600 caf\u00e9s, isn't it?";
  const Outcome tokenized = run({"tokenize", text, "--json"});
  ASSERT_EQ(tokenized.code, 0) << tokenized.err;
  const auto json = tokenized.json();
  const std::size_t n = json["ids"].size();
  ASSERT_GT(n, 5U);
  for (const char* key : {"tokens", "offsets", "byte_offsets", "utf16_offsets", "word_ids", "sequence_ids", "type_ids",
                          "special_tokens_mask"}) {
    EXPECT_EQ(json[key].size(), n) << key;
  }
  const TextIndex index(text);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t side = 0; side < 2; ++side) {
      const TextPosition at = index.at_byte(json["byte_offsets"][i][side]);
      EXPECT_EQ(at.code_point, json["offsets"][i][side].get<std::size_t>());
      EXPECT_EQ(at.utf16, json["utf16_offsets"][i][side].get<std::size_t>());
    }
  }
  EXPECT_EQ(json["tokens"].front(), "[CLS]");
  EXPECT_EQ(json["tokens"].back(), "[SEP]");
}

TEST_F(TokenizeTest, ArgumentFileAndStandardInputAreTheSame) {
  write(folder() / "text.txt", "A short text.");
  const Outcome argument = run({"tokenize", "A short text.", "--json"});
  EXPECT_EQ(argument.code, 0);
  EXPECT_EQ(argument.out, run({"tokenize", "--file", "text.txt", "--json"}).out);
  EXPECT_EQ(argument.out, run({"tokenize", "--json"}, "A short text.").out);
}

TEST_F(TokenizeTest, WindowsOverlapAndCoverThePair) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "word ";
  const Outcome tokenized =
      run({"tokenize", "What?", "--pair", text, "--max-length", "30", "--overlap", "10", "--json"});
  ASSERT_EQ(tokenized.code, 0) << tokenized.err;
  const auto json = tokenized.json();
  EXPECT_EQ(json["windows"].get<std::size_t>(), json["overflowing"].size() + 1);
  EXPECT_EQ(json["ids"].size(), 30U);
  const auto first_of_second = json["overflowing"][0]["byte_offsets"];
  EXPECT_EQ(first_of_second[4][0].get<int>(), 5 * (30 - 3 - 2 - 10)) << "the second window repeats 10 tokens";
  EXPECT_EQ(run({"tokenize", "What?", "--pair", text, "--max-length", "12", "--overlap", "9"}).code, 2);
}

TEST_F(TokenizeTest, ALiteralSeparatorIsTextUnlessAsked) {
  const auto plain = run({"tokenize", "a [SEP] b", "--json", "--no-special-tokens"}).json()["tokens"];
  const auto matched =
      run({"tokenize", "a [SEP] b", "--json", "--no-special-tokens", "--match-special-tokens"}).json()["tokens"];
  EXPECT_EQ(std::count(plain.begin(), plain.end(), "[SEP]"), 0);
  EXPECT_EQ(std::count(matched.begin(), matched.end(), "[SEP]"), 1);
}

TEST_F(TokenizeTest, TheTableFits80Columns) {
  const Outcome table =
      run({"tokenize", "Antidisestablishmentarianism \u5317\u4eac \x1b[31m pneumonoultramicroscopic"});
  ASSERT_EQ(table.code, 0) << table.err;
  std::istringstream lines(table.out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(count_code_points(line), 80U) << line;
  EXPECT_EQ(table.out.find('\x1b'), std::string::npos) << "a control character of the text reaches the terminal";
}

TEST_F(TokenizeTest, AVocabularyIsEnough) {
  const std::string line = contents(source_path("models/DEFAULT"));
  const std::filesystem::path model = source_path("models") / line.substr(0, line.find_last_not_of("\r\n") + 1);
  std::filesystem::create_directory(folder() / "vocabulary");
  std::filesystem::copy_file(model / "vocab.txt", folder() / "vocabulary/vocab.txt");
  const Outcome alone = run({"tokenize", "--model", "vocabulary", "--lowercase", "--json", "A Short Text"});
  ASSERT_EQ(alone.code, 0) << alone.err;
  EXPECT_EQ(alone.json()["ids"], run({"tokenize", "--json", "A Short Text"}).json()["ids"]);
}

TEST_F(MetricsTest, OfficialKeysInOfficialOrder) {
  const Outcome scored = run({"metrics", "gold.json", "predictions.json", "--json"});
  ASSERT_EQ(scored.code, 0) << scored.err;
  std::vector<std::string> keys;
  const auto json = nlohmann::ordered_json::parse(scored.out);
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"exact", "f1", "total", "HasAns_exact", "HasAns_f1", "HasAns_total",
                                            "NoAns_exact", "NoAns_f1", "NoAns_total"}));
  EXPECT_DOUBLE_EQ(json["exact"], 200.0 / 3.0);
  EXPECT_DOUBLE_EQ(json["f1"], 100.0 * (1.0 + 0.8 + 1.0) / 3.0);
  EXPECT_EQ(json["total"], 3);
}

TEST_F(MetricsTest, VersionOneRulesOnRequest) {
  const Outcome scored = run({"metrics", "gold.json", "predictions.json", "--metric", "v1", "--json"});
  ASSERT_EQ(scored.code, 0) << scored.err;
  EXPECT_DOUBLE_EQ(scored.json()["exact_match"], 100.0 / 3.0) << "an unanswerable question scores 0 under v1.1";
}

TEST_F(MetricsTest, VersionOneNeedsGoldsAndKnowsNoNoAnswer) {
  std::string version_1 = kSquad;
  version_1.replace(version_1.find("v2.0"), 4, "1.1");
  write(folder() / "v1.json", version_1);
  const Outcome empty = run({"metrics", "v1.json", "predictions.json"});
  EXPECT_EQ(empty.code, 3) << empty.out;
  EXPECT_HAS(empty.err, "q3: has an empty list of answers");
  EXPECT_HAS(empty.err, "--metric v2");
  EXPECT_EQ(run({"metrics", "v1.json", "predictions.json", "--metric", "v2"}).code, 0);
  write(folder() / "odds.json", R"({"q1": 0.1, "q2": 0.2, "q3": 0.9})");
  const Outcome odds =
      run({"metrics", "gold.json", "predictions.json", "--metric", "v1", "--na-prob-file", "odds.json"});
  EXPECT_EQ(odds.code, 2);
  EXPECT_HAS(odds.err, "--na-prob-file");
  EXPECT_EQ(odds.out, "");
}

TEST_F(MetricsTest, AnEmptyFileOfPredictionsIsNamedInPlainWords) {
  write(folder() / "empty.json", "");
  const Outcome scored = run({"metrics", "gold.json", "empty.json"});
  EXPECT_EQ(scored.code, 3);
  EXPECT_HAS(scored.err, "empty.json: broken JSON");
  EXPECT_EQ(scored.err.find("[json.exception"), std::string::npos) << scored.err;
}

TEST_F(MetricsTest, GoldsThatAreNotGivenAreAnError) {
  write(folder() / "rows.jsonl", R"({"id": "q1", "question": "Who?", "context": "Ada."})");
  const Outcome scored = run({"metrics", "rows.jsonl", "predictions.json"});
  EXPECT_EQ(scored.code, 3) << scored.out;
  EXPECT_HAS(scored.err, "rows.jsonl:1: has no gold answers");
}

TEST_F(MetricsTest, MissingPredictionsAreNamed) {
  write(folder() / "few.json", R"({"q1": "1486"})");
  const Outcome scored = run({"metrics", "gold.json", "few.json"});
  EXPECT_EQ(scored.code, 0) << scored.err;
  EXPECT_HAS(scored.err, "2 of 3 questions: q2, q3");
  const Outcome strict = run({"metrics", "gold.json", "few.json", "--strict"});
  EXPECT_EQ(strict.code, 3);
  EXPECT_HAS(strict.err, "q2, q3");
  EXPECT_EQ(strict.out, "");
}

TEST_F(MetricsTest, NoAnswerScoresGiveTheBestThreshold) {
  write(folder() / "odds.json", R"({"q1": 0.1, "q2": 0.2, "q3": 0.9})");
  const Outcome scored =
      run({"metrics", "gold.json", "predictions.json", "--na-prob-file", "odds.json", "--json", "-o", "out.json"});
  ASSERT_EQ(scored.code, 0) << scored.err;
  EXPECT_TRUE(scored.json().contains("best_exact_thresh"));
  EXPECT_TRUE(scored.json().contains("best_f1"));
  EXPECT_EQ(contents(folder() / "out.json"), scored.out);
  const Outcome all_refused = run(
      {"metrics", "gold.json", "predictions.json", "--na-prob-file", "odds.json", "--na-prob-thresh", "0.0", "--json"});
  EXPECT_DOUBLE_EQ(all_refused.json()["HasAns_exact"], 0.0);
}

TEST_F(MetricsTest, TheOfficialFigureOfBertOnSquad2) {
  SPANQA_NEEDS_SHARED("data/squad-v2.0/predictions/bert.json");
  const Outcome scored = run({"metrics", shared_path("data/squad-v2.0/dev-v2.0.json"),
                              shared_path("data/squad-v2.0/predictions/bert.json"), "--json"});
  ASSERT_EQ(scored.code, 0) << scored.err;
  EXPECT_DOUBLE_EQ(scored.json()["exact"], 78.74168280973637);
  EXPECT_DOUBLE_EQ(scored.json()["f1"], 81.77528052374723);
}

TEST_F(DataTest, InspectCountsWhatIsThere) {
  const Outcome inspected = run({"data", "inspect", "gold.json", "--json"});
  ASSERT_EQ(inspected.code, 0) << inspected.err;
  const auto json = inspected.json();
  EXPECT_EQ(json["questions"], 3);
  EXPECT_EQ(json["unanswerable"], 1);
  EXPECT_EQ(json["contexts"], 1);
  EXPECT_EQ(json["answers"], 3);
  EXPECT_EQ(json["question_words"]["who"], 1);
  EXPECT_EQ(json["lengths"]["answer"]["characters"]["max"], 9);
  EXPECT_EQ(json["tokens"]["windows"], 3);
  EXPECT_EQ(json["tokens"]["windows_with_answer"], 2);
  EXPECT_TRUE(run({"data", "inspect", "gold.json", "--json", "--no-tokens"}).json()["tokens"].is_null());
}

TEST_F(DataTest, InspectWorksWithoutAModelAndSaysSo) {
  ::setenv("SPANQA_MODELS", (folder() / "none").c_str(), 1);
  const Outcome inspected = run({"data", "inspect", "gold.json"});
  EXPECT_EQ(inspected.code, 0) << inspected.err;
  EXPECT_HAS(inspected.err, "no figures on tokens");
  EXPECT_HAS(inspected.out, "questions");
  EXPECT_EQ(run({"data", "inspect", "gold.json", "--model", "nowhere"}).code, 4);
}

TEST_F(DataTest, InspectFits80Columns) {
  const Outcome inspected = run({"data", "inspect", "gold.json", "--max-length", "16"});
  ASSERT_EQ(inspected.code, 0) << inspected.err;
  std::istringstream lines(inspected.out);
  for (std::string line; std::getline(lines, line);) {
    // The model's folder may be anywhere.
    if (line.find("tokens of ") == std::string::npos) {
      EXPECT_LE(count_code_points(line), 80U) << line;
    }
  }
}

TEST_F(DataTest, CheckExitsWithOneWhenItFoundSomething) {
  EXPECT_EQ(run({"data", "check", "gold.json"}).code, 0);
  std::string wrong = kSquad;
  wrong.replace(wrong.find("45"), 2, "44");
  write(folder() / "wrong.json", wrong);
  const Outcome checked = run({"data", "check", "wrong.json"});
  EXPECT_EQ(checked.code, 1) << checked.err;
  EXPECT_HAS(checked.out, "misaligned");
  EXPECT_HAS(checked.out, "q2");
  const Outcome json = run({"data", "check", "wrong.json", "--json"});
  EXPECT_EQ(json.code, 1);
  EXPECT_EQ(json.json()["by_kind"]["misaligned"], 1);
  const Outcome counted = run({"data", "check", "wrong.json", "--most", "0"});
  EXPECT_EQ(counted.out.find("q2"), std::string::npos);
}

TEST_F(DataTest, ConvertingThereAndBackKeepsEveryQuestion) {
  ASSERT_EQ(run({"data", "convert", "gold.json", "--to", "jsonl", "-o", "rows.jsonl"}).code, 0);
  ASSERT_EQ(run({"data", "convert", "rows.jsonl", "--to", "csv", "-o", "rows.csv"}).code, 0);
  ASSERT_EQ(run({"data", "convert", "rows.csv", "-o", "flat.json", "--to", "json"}).code, 0);
  ASSERT_EQ(run({"data", "convert", "flat.json", "--to", "squad", "-o", "back.json"}).code, 0);
  const Outcome direct = run({"data", "convert", "gold.json", "--to", "jsonl"});
  const Outcome around = run({"data", "convert", "back.json", "--to", "jsonl"});
  EXPECT_EQ(direct.code, 0);
  EXPECT_EQ(direct.out, around.out);
  EXPECT_EQ(nlohmann::json::parse(contents(folder() / "back.json"))["version"], "v2.0");
}

TEST_F(DataTest, FixMendsWhatIsSurelyWrong) {
  std::string wrong = kSquad;
  wrong.replace(wrong.find("45"), 2, "44");
  write(folder() / "wrong.json", wrong);
  const Outcome fixed = run({"data", "convert", "wrong.json", "--fix", "-o", "fixed.json"});
  ASSERT_EQ(fixed.code, 0) << fixed.err;
  EXPECT_HAS(fixed.err, "1 of 1 finding mended");
  EXPECT_EQ(run({"data", "check", "fixed.json"}).code, 0);
}

TEST_F(DataTest, SamplesAreTheSameForTheSameSeed) {
  std::string rows;
  for (int i = 0; i < 200; ++i) {
    rows += nlohmann::json{{"id", std::to_string(i)}, {"question", "Who?"}, {"context", "Ada " + std::to_string(i)}}
                .dump() +
            "\n";
  }
  write(folder() / "rows.jsonl", rows);
  const Outcome one = run({"data", "sample", "rows.jsonl", "--count", "10", "--seed", "7"});
  EXPECT_EQ(one.code, 0) << one.err;
  EXPECT_EQ(std::count(one.out.begin(), one.out.end(), '\n'), 10);
  EXPECT_EQ(one.out, run({"data", "sample", "rows.jsonl", "--count", "10", "--seed", "7"}).out);
  EXPECT_NE(one.out, run({"data", "sample", "rows.jsonl", "--count", "10", "--seed", "8"}).out);
  const Outcome first = run({"data", "sample", "rows.jsonl", "--count", "2", "--first"});
  EXPECT_HAS(first.out, "\"Ada 0\"");
  EXPECT_HAS(first.out, "\"Ada 1\"");
  EXPECT_EQ(run({"data", "sample", "rows.jsonl"}).code, 2);
  const Outcome split =
      run({"data", "sample", "rows.jsonl", "--split", "0.25", "--held-out", "dev.jsonl", "-o", "rest.jsonl"});
  ASSERT_EQ(split.code, 0) << split.err;
  const std::string dev = contents(folder() / "dev.jsonl");
  const std::string rest = contents(folder() / "rest.jsonl");
  EXPECT_EQ(std::count(dev.begin(), dev.end(), '\n'), 50);
  EXPECT_EQ(std::count(rest.begin(), rest.end(), '\n'), 150);
}

TEST_F(DataTest, ExcludingLeavesWhatTheOtherDoesNotHold) {
  const auto row = [](const std::string& context) {
    return R"({"id": "1", "question": "Who?", "context": ")" + context + "\"}\n";
  };
  std::string rows;
  std::string other;
  for (int i = 0; i < 10; ++i) {
    rows += row("Ada built it in 190" + std::to_string(i) + ".");
    if (i < 3) other += row("  ada BUILT it, in 190" + std::to_string(i));
  }
  write(folder() / "rows.jsonl", rows);
  write(folder() / "other.jsonl", other);
  const Arguments exclude = {"data", "exclude", "rows.jsonl", "--contexts-of", "other.jsonl", "-o", "rest.jsonl"};
  Arguments apart = exclude;
  apart.insert(apart.end(), {"--left-out", "out.jsonl"});
  const Outcome excluded = run(apart);
  ASSERT_EQ(excluded.code, 0) << excluded.err;
  EXPECT_HAS(excluded.err, "3 of 10 questions left out");
  const std::string rest = contents(folder() / "rest.jsonl");
  EXPECT_EQ(std::count(rest.begin(), rest.end(), '\n'), 7);
  EXPECT_EQ(rest.find("1902"), std::string::npos);
  EXPECT_HAS(contents(folder() / "out.jsonl"), "1902");
  Arguments same = exclude;
  same.insert(same.end(), {"--left-out", "./rest.jsonl"});
  EXPECT_EQ(run(same).code, 2) << "one output would be lost";
  EXPECT_EQ(contents(folder() / "rest.jsonl"), rest);
  EXPECT_EQ(run({"data", "exclude", "rows.jsonl"}).code, 2);
  EXPECT_EQ(run({"data", "exclude", "rows.jsonl", "--contexts-of", "none.jsonl"}).code, 3);
}

TEST_F(DataTest, AnOutputThatIsReadIsAUsageErrorAndStaysAsItIs) {
  std::filesystem::create_hard_link(folder() / "gold.json", folder() / "same.json");
  for (const Arguments& command : std::vector<Arguments>{
           {"data", "convert", "gold.json", "-o", "./gold.json"},
           {"data", "sample", "gold.json", "--count", "1", "-o", "gold.json"},
           {"data", "sample", "gold.json", "--split", "0.5", "--held-out", "gold.json", "-o", "rest.json"},
           {"data", "exclude", "predictions.json", "--contexts-of", "gold.json", "-o", "same.json"},
           {"data", "exclude", "gold.json", "--contexts-of", "predictions.json", "--left-out", "gold.json"},
           {"data", "unanswerable", "gold.json", "-o", "gold.json"},
           {"predict", "gold.json", "-o", "gold.json"},
           {"bench", "gold.json", "-o", "gold.json"},
           {"metrics", "gold.json", "predictions.json", "-o", "gold.json"},
           {"metrics", "predictions.json", "gold.json", "-o", "same.json"}}) {
    const Outcome refused = run(command);
    EXPECT_EQ(refused.code, 2) << command[1] << refused.err;
    EXPECT_HAS(refused.err, "would be written over");
    EXPECT_EQ(contents(folder() / "gold.json"), kSquad);
  }
  EXPECT_EQ(shell("$SPANQA predict -o gold.json <gold.json").code, 2);
}

TEST_F(DataTest, TheTwoPartsOfASplitGoToTwoFiles) {
  const Outcome split = run({"data", "sample", "gold.json", "--split", "0.5", "--held-out", "x.json", "-o", "x.json"});
  EXPECT_EQ(split.code, 2) << split.err;
  EXPECT_FALSE(std::filesystem::exists(folder() / "x.json"));
}

/// 40 answerable questions, four of each of ten articles, each over a paragraph of its own.
std::string article_rows() {
  std::string rows;
  for (int i = 0; i < 40; ++i) {
    const std::string name = "Name" + std::to_string(i);
    const nlohmann::json row = {{"id", std::to_string(i)},
                                {"title", "Article " + std::to_string(i / 4)},
                                {"question", "Who built bridge " + std::to_string(i) + " of the town?"},
                                {"context", "The bridge of the town was built by " + name + "."},
                                {"answers", {{"text", {name}}, {"answer_start", {36}}}}};
    rows += row.dump() + "\n";
  }
  return rows;
}

TEST_F(DataTest, UnanswerableQuestionsAreOfTheSameArticle) {
  write(folder() / "rows.jsonl", article_rows());
  const std::vector<std::string> command = {"data", "unanswerable", "rows.jsonl", "--share", "0.5", "-o", "made.json"};
  const Outcome made = run(command);
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_HAS(made.err, "20 unanswerable questions made of 40 questions");
  const std::string bytes = contents(folder() / "made.json");
  EXPECT_EQ(nlohmann::json::parse(bytes)["version"], "v2.0");
  ASSERT_EQ(run(command).code, 0);
  EXPECT_EQ(contents(folder() / "made.json"), bytes);
  const auto statistics = run({"data", "inspect", "made.json", "--json", "--no-tokens"}).json();
  EXPECT_EQ(statistics["unanswerable"], 20);
  EXPECT_EQ(run({"data", "check", "made.json"}).code, 0);
}

TEST_F(DataTest, SplitByArticleKeepsArticlesWhole) {
  write(folder() / "rows.jsonl", article_rows());
  const Outcome split = run({"data", "sample", "rows.jsonl", "--split", "0.3", "--by", "article", "--held-out",
                             "dev.jsonl", "-o", "rest.jsonl"});
  ASSERT_EQ(split.code, 0) << split.err;
  EXPECT_HAS(split.err, "12 of 40 questions held out");
  const std::string rest = contents(folder() / "rest.jsonl");
  std::istringstream dev(contents(folder() / "dev.jsonl"));
  for (std::string line; std::getline(dev, line);) {
    EXPECT_EQ(rest.find(nlohmann::json::parse(line)["title"].dump()), std::string::npos) << line;
  }
}

TEST_F(InfoTest, NamesModelTokenizerAndMachine) {
  const Outcome info = run({"info", "--json", "--self-check"});
  ASSERT_EQ(info.code, 0) << info.err << info.out;
  const auto json = info.json();
  EXPECT_FALSE(json["machine"]["kernels"].get<std::string>().empty());
  EXPECT_GT(json["model"]["parameters"].get<int>(), 1000000);
  EXPECT_FALSE(json["model"]["matmul"].get<std::string>().empty());
  EXPECT_FALSE(json["tokenizer"]["lowercase_source"].get<std::string>().empty());
  for (const auto& check : json["self_check"]) EXPECT_TRUE(check["ok"].get<bool>()) << check;
  const Outcome text = run({"info"});
  EXPECT_EQ(text.code, 0);
  EXPECT_HAS(text.out, "lowercase");
  const Outcome kept = run({"info", "--json", "--no-lowercase"});
  EXPECT_EQ(kept.json()["tokenizer"]["lowercase"], false);
  EXPECT_EQ(kept.json()["tokenizer"]["lowercase_source"], "flag");
  EXPECT_HAS(kept.json()["tokenizer"]["notes"].dump(), "is this an uncased model?");
  EXPECT_EQ(kept.err, "") << "the note stands in what is shown";
}

TEST_F(InfoTest, PrintsNothingBeforeItFails) {
  std::filesystem::create_directory(folder() / "model");
  const Outcome model = run({"info", "--model", "model"});
  EXPECT_EQ(model.code, 4);
  EXPECT_EQ(model.out, "");
  EXPECT_HAS(model.err, "config.json");
  const Outcome text = run({"info", "--self-check", "--file", "none.txt"});
  EXPECT_EQ(text.code, 3);
  EXPECT_EQ(text.out, "");
  EXPECT_HAS(text.err, "none.txt");
}

TEST_F(InfoTest, SelfCheckReadsAnyText) {
  write(folder() / "odd.txt", "caf\xC3 \xF0\x9F\x98\x80 \xFF [SEP] \xE5\x8C\x97\xE4\xBA\xAC");
  EXPECT_EQ(run({"info", "--self-check", "--file", "odd.txt"}).code, 0);
}

TEST_F(CompletionTest, BashOffersWhatThisProgramTakes) {
  const std::string ask = "source <($SPANQA completion bash); COMP_WORDS=(spanqa ";
  const Outcome subcommands = shell(ask + "\"\"); COMP_CWORD=1; _spanqa; echo \"${COMPREPLY[*]}\"");
  EXPECT_EQ(subcommands.out,
            "ask predict serve evaluate train export curves metrics tokenize data info bench completion\n")
      << subcommands.err;
  const Outcome options = shell(ask + "ask --over); COMP_CWORD=2; _spanqa; echo \"${COMPREPLY[*]}\"");
  EXPECT_EQ(options.out, "--overlap\n") << options.err;
  const Outcome values = shell(ask + "ask --decoder \"\"); COMP_CWORD=3; _spanqa; echo \"${COMPREPLY[*]}\"");
  EXPECT_EQ(values.out, "pipeline run_qa global\n") << values.err;
  const Outcome nested = shell(ask + "data conv); COMP_CWORD=2; _spanqa; echo \"${COMPREPLY[*]}\"");
  EXPECT_EQ(nested.out, "convert\n") << nested.err;
}

TEST_F(CompletionTest, OtherShellsParseTheirScripts) {
  for (const char* shell_name : {"zsh", "fish"}) {
    EXPECT_EQ(run({"completion", shell_name, "-o", shell_name}).code, 0);
    const Outcome parsed = shell(std::string("command -v ") + shell_name + " >/dev/null || exit 77; " + shell_name +
                                 " --no-execute " + shell_name);
    if (parsed.code != 77) {
      EXPECT_EQ(parsed.code, 0) << parsed.err;
    }
  }
  EXPECT_EQ(run({"completion", "csh"}).code, 2);
}

}  // namespace
}  // namespace spanqa::testing

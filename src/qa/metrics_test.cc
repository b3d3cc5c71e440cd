#include "qa/metrics.h"

#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/utf8.h"
#include "qa/python_text.h"
#include "shared_data.h"

namespace spanqa {
namespace {

struct Row {
  const char* in;
  const char* out;
};

TEST(NormalizeAnswer, EqualsTheOfficialScriptOnItsTrickyRows) {
  // Recorded from the official normalize_answer under CPython 3.11.
  const std::vector<Row> rows = {
      {"The Eiffel Tower", "eiffel tower"},
      {"the", ""},
      {"a", ""},
      {"-", ""},
      {"", ""},
      {"A-Team", "ateam"},
      {"a–b", "–b"},
      {"“the” end", "“ ” end"},
      {"the’s", "’s"},
      {"don't", "dont"},
      {"U.S.", "us"},
      {"a.k.a.", "aka"},
      {"a_", ""},
      {"rock_the_boat", "rocktheboat"},
      {"an_apple", "anapple"},
      {"$5 a day", "5 day"},
      {"3.14", "314"},
      {"1,000", "1000"},
      {"a\u0301 b", "\u0301 b"},
      {"à", "à"},
      {"the\u0301re", "\u0301re"},
      {"na\u00efve a", "na\u00efve"},
      {"THE\u00a0CAT", "cat"},
      {"the\u200bcat", "\u200bcat"},
      {"a\u200dthe", "\u200d"},
      {"a\u20e3", "\u20e3"},
      {"İstanbul", "i\u0307stanbul"},
      {"ΟΔΟΣ", "οδο\u03c2"},
      {"Straße", "straße"},
      {"ﬁ the", "ﬁ"},
      {"Ｔｈｅ cat", "ｔｈｅ cat"},
      {"K (Kelvin \u212a)", "k kelvin k"},
      {"x\x1cy", "x y"},
      {"x\u0085y", "x y"},
      {"x\u180ey", "x\u180ey"},
      {"x\u2060y", "x\u2060y"},
      {"x\u00ady", "x\u00ady"},
      {"١a", "١a"},
      {"the中文", "the中文"},
      {"½the", "½the"},
      {"ªthe", "ªthe"},
      {"the1", "the1"},
      {"1 the", "1"},
      {"\u2028the\u2028cat", "cat"},
      {"a·b", "·b"},
      {"a\x01 b", "\x01 b"},
      {"the an  a\tx the", "x"},
      {"x -- y", "x y"},
      {"than then ant", "than then ant"},
  };
  for (const Row& row : rows) EXPECT_EQ(normalize_answer(row.in), row.out) << row.in;
}

TEST(NormalizeAnswer, ReadsIllFormedBytesAsReplacementCharacters) {
  EXPECT_EQ(normalize_answer("the \xff cat"), "\uFFFD cat");
  EXPECT_EQ(normalize_answer("\xe2\x82"), "\uFFFD");
}

/// FNV-1a over texts one after another.
class Hash {
 public:
  void add(std::string_view text) {
    for (const char c : text) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325U;
};

template <typename Visit>
void for_each_code_point(Visit visit) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text;
    append_utf8(text, c);
    visit(c, text);
  }
}

// The four hashes below are of the same strings made by CPython 3.11 (Unicode 14.0.0) over every code point.

TEST(PythonText, LowerEqualsPythonsForEveryCodePoint) {
  Hash alone;
  Hash beside_sigma;
  for_each_code_point([&](char32_t, const std::string& c) {
    alone.add(python_lower(c));
    for (const std::string& text : {"A" + c + "Σ", c + "Σ", "AΣ" + c, "AΣ" + c + "B"}) {
      beside_sigma.add(python_lower(text));
    }
  });
  EXPECT_EQ(alone.value(), 0xc319d02e8283b91eU);
  EXPECT_EQ(beside_sigma.value(), 0xd8368ab9ff9fdb4aU);
}

TEST(PythonText, WordAndSpaceEqualPythonsForEveryCodePoint) {
  Hash hash;
  for_each_code_point([&](char32_t c, const std::string&) {
    hash.add(is_python_word(c) ? "w" : "-");
    hash.add(is_python_space(c) ? "s" : "-");
  });
  EXPECT_EQ(hash.value(), 0x7c870cd3462280bfU);
}

TEST(NormalizeAnswer, EqualsTheOfficialScriptWithEveryCodePoint) {
  Hash hash;
  for_each_code_point([&](char32_t, const std::string& c) {
    hash.add(normalize_answer("the" + c + "a an" + c));
    hash.add("\n");
  });
  EXPECT_EQ(hash.value(), 0x72723ba7624196fcU);
}

struct ScoreRow {
  std::vector<std::string> golds;
  const char* prediction;
  double v1_exact, v1_f1, v2_exact, v2_f1;
};

TEST(Scores, EmptyCasesOfBothVersions) {
  const std::vector<ScoreRow> rows = {
      {{"the"}, "", 1, 0, 1, 1},     {{"the"}, "cat", 0, 0, 0, 0},
      {{}, "", 0, 0, 1, 1},          {{}, "x", 0, 0, 0, 0},
      {{"cat"}, "", 0, 0, 0, 0},     {{"cat"}, "the", 0, 0, 0, 0},
      {{}, "a", 0, 0, 1, 1},         {{""}, "", 1, 0, 1, 1},
      {{"", "cat"}, "", 1, 0, 0, 0}, {{"The", "cat"}, "a cat", 1, 1, 1, 1},
  };
  for (const ScoreRow& row : rows) {
    const std::string what = (row.golds.empty() ? "[]" : row.golds[0]) + " against '" + row.prediction + "'";
    const AnswerScore v1 = score_v1(row.prediction, row.golds);
    EXPECT_EQ(v1.exact, row.v1_exact) << what;
    EXPECT_EQ(v1.f1, row.v1_f1) << what;
    const AnswerScore v2 = score_v2(row.prediction, row.golds);
    EXPECT_EQ(v2.exact, row.v2_exact) << what;
    EXPECT_EQ(v2.f1, row.v2_f1) << what;
  }
}

TEST(Scores, F1CountsWordsAsOftenAsTheyStandAndTakesTheBestGold) {
  EXPECT_DOUBLE_EQ(score_v1("cat cat dog", {"cat dog dog"}).f1, 2.0 / 3.0);
  const AnswerScore best = score_v2("new york", {"New York", "the city of New York"});
  EXPECT_EQ(best.exact, 1.0);
  EXPECT_EQ(best.f1, 1.0);
  const AnswerScore apart = score_v1("york city", {"New York", "New York City, NY"});
  EXPECT_EQ(apart.exact, 0.0);
  EXPECT_DOUBLE_EQ(apart.f1, 2.0 / 3.0);
}

TEST(Scores, AllOfDevTakesAFractionOfASecond) {
  SPANQA_NEEDS_SHARED("data/squad-v1.1/dev-v1.1.json");
  const auto text = read_file(testing::shared_path("data/squad-v1.1/dev-v1.1.json"));
  ASSERT_TRUE(text);
  const auto set = nlohmann::json::parse(*text);
  std::vector<std::vector<std::string>> golds;
  for (const auto& article : set["data"]) {
    for (const auto& paragraph : article["paragraphs"]) {
      for (const auto& question : paragraph["qas"]) {
        golds.emplace_back();
        for (const auto& answer : question["answers"]) golds.back().push_back(answer["text"]);
      }
    }
  }
  ASSERT_EQ(golds.size(), 10570U);
  const auto begin = std::chrono::steady_clock::now();
  double f1 = 0.0;
  for (const auto& answers : golds) f1 += score_v1(answers.back(), answers).f1;
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  RecordProperty("seconds", std::to_string(seconds.count()));
  std::printf("scoring dev: %.3f s\n", seconds.count());
  std::size_t n_with_words = 0;
  for (const auto& answers : golds) n_with_words += normalize_answer(answers.back()).empty() ? 0U : 1U;
  EXPECT_EQ(f1, static_cast<double>(n_with_words)) << "a gold scores full marks against itself";
#ifdef NDEBUG
  EXPECT_LT(seconds.count(), 1.0) << "0.02 s on one core; the margin is for loaded and sanitised runs";
#endif
}

}  // namespace
}  // namespace spanqa

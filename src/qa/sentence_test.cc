#include "qa/sentence.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "base/utf8.h"

namespace spanqa {
namespace {

Sentence around(const std::string& context, const std::string& answer, std::size_t max_bytes = 0) {
  const std::size_t begin = context.find(answer);
  EXPECT_NE(begin, std::string::npos) << answer;
  const ByteSpan span{static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(begin + answer.size())};
  return sentence_around(context, span, {.max_bytes = max_bytes});
}

std::string text_of(const std::string& context, const Sentence& sentence) {
  return context.substr(sentence.span.begin, sentence.span.end - sentence.span.begin);
}

struct Row {
  std::string context;
  std::string answer;
  std::string sentence;
};

TEST(SentenceAround, FindsTheSentence) {
  const std::vector<Row> rows = {
      {"One here. Two is there! Three?", "Two", "Two is there!"},
      {"One here. Two is there! Three?", "One", "One here."},
      {"One here. Two is there! Three?", "Three", "Three?"},
      {"Only one sentence", "one", "Only one sentence"},
      {"Pi is 3.14 or so. Next.", "so", "Pi is 3.14 or so."},
      {"Ask Dr. Smith about it. Next.", "Smith", "Ask Dr. Smith about it."},
      {"Seen by J. R. Smith here. Next.", "Smith", "Seen by J. R. Smith here."},
      {"The U.S. Army came. Next.", "Army", "The U.S. Army came."},
      {"See e.g. Figure 2. Then no. 5 came. He said no. She left.", "Figure", "See e.g. Figure 2."},
      {"See e.g. Figure 2. Then no. 5 came. He said no. She left.", "5", "Then no. 5 came."},
      {"See e.g. Figure 2. Then no. 5 came. He said no. She left.", "She", "She left."},
      {"He waited ... and left. Next.", "left", "He waited ... and left."},
      {"He said \"Go.\" Then he left.", "Go", "He said \"Go.\""},
      {"He said \"Go.\" Then he left.", "Then", "Then he left."},
      {"(One is here.) Two.", "One", "(One is here.)"},
      {"A title\nThe text begins. More.", "text", "The text begins."},
      {"A title\r\n\r\n  The text", "title", "A title"},
      {"Visit example.com today. Next.", "today", "Visit example.com today."},
      {"彼は東京に行った。次の日に帰った。", "次の日", "次の日に帰った。"},
      {"彼は「行く。」と言った！本当？", "行く", "彼は「行く。」"},
      {"彼は行った！本当？", "本当", "本当？"},
      {"C'est fini. « Oui. » Élan là.", "Élan", "Élan là."},
      {"C'est fini. « Oui. » Élan là.", "Oui", "« Oui. »"},
  };
  for (const Row& row : rows) {
    const Sentence sentence = around(row.context, row.answer);
    EXPECT_EQ(text_of(row.context, sentence), row.sentence) << row.context;
    EXPECT_FALSE(sentence.cut_begin || sentence.cut_end);
  }
}

TEST(SentenceAround, AnAnswerAcrossSentencesGetsThemAll) {
  const std::string context = "Zero. One here. Two there. Three.";
  EXPECT_EQ(text_of(context, around(context, "here. Two")), "One here. Two there.");
  EXPECT_EQ(text_of(context, around(context, "here. Two there.")), "One here. Two there.");
}

TEST(SentenceAround, EmptyAnswersAndContextsAreTaken) {
  EXPECT_EQ(sentence_around("", {0, 0}).span, ByteSpan{});
  EXPECT_EQ(sentence_around("One. Two.", {0, 0}).span, (ByteSpan{0, 4}));
  EXPECT_EQ(sentence_around("One. Two.", {9, 9}).span, (ByteSpan{5, 9}));
}

TEST(SentenceAround, LongSentencesAreCutAtWordsOnBothSides) {
  const std::string context = "alpha beta gamma delta epsilon zeta eta theta iota kappa.";
  const Sentence middle = around(context, "epsilon", 20);
  EXPECT_EQ(text_of(context, middle), "delta epsilon zeta");
  EXPECT_TRUE(middle.cut_begin && middle.cut_end);
  const Sentence first = around(context, "alpha", 20);
  EXPECT_EQ(text_of(context, first), "alpha beta gamma");
  EXPECT_FALSE(first.cut_begin);
  EXPECT_TRUE(first.cut_end);
  const Sentence last = around(context, "kappa", 20);
  EXPECT_EQ(text_of(context, last), "theta iota kappa.");
  EXPECT_TRUE(last.cut_begin);
  EXPECT_FALSE(last.cut_end);
  const Sentence answer_only = around(context, "delta epsilon", 4);
  EXPECT_EQ(text_of(context, answer_only), "delta epsilon") << "the answer is never cut";
  const Sentence whole = around(context, "delta", context.size());
  EXPECT_FALSE(whole.cut_begin || whole.cut_end);
  EXPECT_EQ(text_of(context, whole), context);
}

TEST(SentenceAround, NeverSplitsACodePointAndAlwaysHoldsTheAnswer) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::vector<std::string> pieces = {"a",  "é",  "日", "😀", " ",      ".",   "。",
                                           "\n", "\"", "B",  "」", "\u2028", "\xff"};
  for (int round = 0; round < 3000; ++round) {
    std::string context;
    std::vector<std::uint32_t> borders = {0};
    for (std::size_t n = random() % 40; n > 0; --n) {
      context += pieces[random() % pieces.size()];
      borders.push_back(static_cast<std::uint32_t>(context.size()));
    }
    std::uint32_t begin = borders[random() % borders.size()];
    std::uint32_t end = borders[random() % borders.size()];
    if (begin > end) std::swap(begin, end);
    const std::size_t max_bytes = random() % 3 == 0 ? 0 : random() % 50;
    const Sentence sentence = sentence_around(context, {begin, end}, {.max_bytes = max_bytes});
    ASSERT_LE(sentence.span.begin, begin);
    ASSERT_GE(sentence.span.end, end);
    ASSERT_TRUE(std::binary_search(borders.begin(), borders.end(), sentence.span.begin));
    ASSERT_TRUE(std::binary_search(borders.begin(), borders.end(), sentence.span.end));
    if (max_bytes > 0) {
      ASSERT_LE(sentence.span.end - sentence.span.begin, std::max<std::size_t>(max_bytes, end - begin));
    }
    const Sentence whole = sentence_around(context, {begin, end});
    ASSERT_FALSE(whole.cut_begin || whole.cut_end);
    ASSERT_EQ(sentence.cut_begin, sentence.span.begin > whole.span.begin);
    ASSERT_EQ(sentence.cut_end, sentence.span.end < whole.span.end);
  }
}

}  // namespace
}  // namespace spanqa

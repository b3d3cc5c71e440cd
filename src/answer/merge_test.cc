#include "answer/merge.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "answer/answer_request.h"

namespace spanqa {
namespace {

Answers found(const std::vector<double>& scores) {
  Answers answers;
  for (const double score : scores) {
    Answer answer;
    answer.text = std::to_string(score);
    answer.score = score;
    answers.answers.push_back(answer);
  }
  answers.no_answer_score = scores.empty() ? 1.0 : 1.0 - scores.front();
  answers.n_windows = 2;
  answers.n_tokens = 100;
  return answers;
}

std::vector<std::size_t> documents_of(const MergedAnswers& merged) {
  std::vector<std::size_t> documents;
  documents.reserve(merged.answers.size());
  for (const PlacedAnswer& placed : merged.answers) documents.push_back(placed.document);
  return documents;
}

TEST(MergeAnswers, RanksOverDocumentsAndKeepsTheirOrderWhereScoresAreEqual) {
  const Answers first = found({0.5, 0.25});
  const Answers second = found({0.75, 0.5});
  const std::vector<DocumentAnswers> documents = {{0, &first}, {1, &second}};
  const MergedAnswers merged = merge_answers(documents, {.top_k = 3});
  EXPECT_EQ(documents_of(merged), (std::vector<std::size_t>{1, 0, 1}));
  EXPECT_DOUBLE_EQ(merged.no_answer_score, 0.25);
  EXPECT_FALSE(merged.no_answer);
  EXPECT_EQ(merged.n_windows, 4U);
  EXPECT_EQ(merged.n_tokens, 200U);
}

TEST(MergeAnswers, NoAnswerComesFirstWhenTheBestDoesNotExceedTheThreshold) {
  const Answers only = found({0.5});
  const std::vector<DocumentAnswers> documents = {{0, &only}};
  const MergedAnswers at = merge_answers(documents, {.top_k = 2, .no_answer_threshold = 0.5});
  ASSERT_EQ(at.answers.size(), 2U);
  EXPECT_TRUE(at.no_answer);
  EXPECT_TRUE(at.answers[0].answer.is_no_answer);
  EXPECT_DOUBLE_EQ(at.answers[0].answer.score, 0.5);
  EXPECT_FALSE(at.answers[1].answer.is_no_answer);

  const MergedAnswers below = merge_answers(documents, {.top_k = 2, .no_answer_threshold = 0.499});
  EXPECT_FALSE(below.no_answer);
  EXPECT_EQ(below.answers.size(), 1U);

  const MergedAnswers one = merge_answers(documents, {.top_k = 1, .no_answer_threshold = 0.5});
  ASSERT_EQ(one.answers.size(), 1U);
  EXPECT_TRUE(one.answers[0].answer.is_no_answer);
}

TEST(MergeAnswers, ScoresThatDoNotCompareAreNotRankedAndEachDocumentKeepsItsFirst) {
  const Answers first = found({0.2});
  const Answers second = found({0.9, 0.1});
  const std::vector<DocumentAnswers> documents = {{4, &first}, {7, &second}};
  const MergedAnswers merged = merge_answers(documents, {.comparable = false, .top_k = 2, .no_answer_threshold = 0.95});
  EXPECT_EQ(documents_of(merged), (std::vector<std::size_t>{4, 7, 7}));
  EXPECT_FALSE(merged.no_answer);
  EXPECT_DOUBLE_EQ(merged.no_answer_score, 1.0 - 0.9);
  const MergedAnswers firsts = merge_answers(documents, {.comparable = false, .top_k = 1});
  EXPECT_EQ(documents_of(firsts), (std::vector<std::size_t>{4, 7}));
}

TEST(MergeAnswers, NothingFoundIsNoAnswer) {
  const Answers nothing = found({});
  const std::vector<DocumentAnswers> documents = {{0, &nothing}};
  const MergedAnswers never = merge_answers(documents, {.top_k = 1});
  EXPECT_TRUE(never.no_answer);
  EXPECT_TRUE(never.answers.empty());
  EXPECT_DOUBLE_EQ(never.no_answer_score, 1.0);
  const MergedAnswers said = merge_answers(documents, {.top_k = 1, .no_answer_threshold = 0.5});
  ASSERT_EQ(said.answers.size(), 1U);
  EXPECT_TRUE(said.answers[0].answer.is_no_answer);
  EXPECT_TRUE(merge_answers({}, {.top_k = 1}).no_answer);
}

TEST(MergeAnswers, ATruncatedQuestionIsToldOnce) {
  Answers cut = found({0.1});
  cut.question_truncated = true;
  const Answers whole = found({0.2});
  const std::vector<DocumentAnswers> documents = {{0, &cut}, {1, &whole}};
  EXPECT_TRUE(merge_answers(documents, {}).question_truncated);
}

TEST(AnswerRequest, PairsEveryQuestionWithEveryDocumentQuestionByQuestion) {
  AnswerRequest request;
  request.questions = {"who", "when"};
  request.documents = {{"a", "x"}, {"b", "y"}};
  request.pair_all();
  EXPECT_EQ(request.pairs, (std::vector<QuestionPair>{{0, 0}, {0, 1}, {1, 0}, {1, 1}}));
}

}  // namespace
}  // namespace spanqa

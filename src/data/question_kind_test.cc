#include "data/question_kind.h"

#include <gtest/gtest.h>

#include <string>

namespace spanqa {
namespace {

TEST(QuestionKind, IsTheFirstQuestionWordAnywhere) {
  const struct {
    const char* question;
    QuestionKind kind;
  } cases[] = {
      {"What is this?", QuestionKind::kWhat},
      {"WHO?", QuestionKind::kWho},
      {"In which year did who?", QuestionKind::kWhich},
      {"what's up", QuestionKind::kWhat},
      {"what’s up", QuestionKind::kWhat},
      {"To whom did it belong?", QuestionKind::kWho},
      {"“When” was it?", QuestionKind::kWhen},
      {"Since then,where?", QuestionKind::kWhere},
      {"why", QuestionKind::kWhy},
      {"The name of how", QuestionKind::kHow},
      {"However, is it?", QuestionKind::kOther},
      {"Somewhat whatever éwhat whaté", QuestionKind::kOther},
      {"what2 how_to", QuestionKind::kOther},
      {"Is it?", QuestionKind::kOther},
      {"", QuestionKind::kOther},
      {"\xFFwhy\xFF", QuestionKind::kOther},
  };
  for (const auto& c : cases) EXPECT_EQ(classify_question(c.question), c.kind) << c.question;
}

TEST(QuestionKind, HasANameForEachKind) {
  std::string names;
  for (const QuestionKind kind : kQuestionKinds) names += std::string(question_kind_name(kind)) + " ";
  EXPECT_EQ(names, "what who when where why which how other ");
}

}  // namespace
}  // namespace spanqa

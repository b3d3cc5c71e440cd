#include "qa/slices.h"

#include <gtest/gtest.h>

namespace spanqa {
namespace {

Example example(const std::string& question, const std::string& answer, std::size_t context_words) {
  std::string context;
  for (std::size_t i = 0; i < context_words; ++i) context += "word ";
  Example out;
  out.question = question;
  out.context = std::make_shared<const std::string>(context);
  if (!answer.empty()) out.answers.push_back({answer, 0});
  return out;
}

const Slice* find(const std::vector<SliceGroup>& groups, const std::string& name) {
  for (const SliceGroup& group : groups) {
    for (const Slice& slice : group.slices) {
      if (slice.name == name) return &slice;
    }
  }
  return nullptr;
}

TEST(SliceScores, AveragesWithinEachSlice) {
  SliceScores scores;
  scores.add(example("Who was it?", "Ada", 50), {.exact = 1.0, .f1 = 1.0});
  scores.add(example("Who else?", "Ada King Lovelace", 150), {.exact = 0.0, .f1 = 0.5});
  scores.add(example("When?", "", 400), {.exact = 1.0, .f1 = 1.0});
  const auto groups = scores.groups();
  ASSERT_EQ(groups.size(), 3U);
  ASSERT_NE(find(groups, "who"), nullptr);
  EXPECT_EQ(find(groups, "who")->n_questions, 2U);
  EXPECT_DOUBLE_EQ(find(groups, "who")->exact, 50.0);
  EXPECT_DOUBLE_EQ(find(groups, "who")->f1, 75.0);
  EXPECT_EQ(find(groups, "no answer")->n_questions, 1U);
  EXPECT_EQ(find(groups, "3-5 words")->n_questions, 1U);
  EXPECT_EQ(find(groups, "over 300 words")->n_questions, 1U);
  EXPECT_EQ(find(groups, "where"), nullptr);  // no question, no row
}

}  // namespace
}  // namespace spanqa

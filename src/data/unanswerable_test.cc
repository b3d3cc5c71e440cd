#include "data/unanswerable.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

#include "data/random.h"

namespace spanqa {
namespace {

Example example_of(const std::string& id, const std::string& title, const std::string& question,
                   const std::string& context, std::vector<std::string> golds) {
  Example example;
  example.id = id;
  example.title = title;
  example.question = question;
  example.context = std::make_shared<const std::string>(context);
  for (std::string& gold : golds) example.answers.push_back({std::move(gold), 0});
  example.has_answers_field = true;
  return example;
}

/// One article about lighthouses: "1" is answered in its own paragraph only.
std::vector<Example> lighthouses() {
  const std::string title = "Lighthouses";
  return {
      example_of("1", title, "Who built the lighthouse at Eddystone?", "John Smeaton built a tower on a reef.",
                 {"John Smeaton", "Smeaton"}),
      example_of("2", title, "What do ships fear?", "Ships fear the Eddystone rocks; the lighthouse was SMEATON's.",
                 {"rocks"}),
      example_of("3", title, "What burned?", "The Eddystone lighthouse, built of wood, burned down.", {"wood"}),
      example_of("4", title, "How high?", "A lighthouse may be high.", {"may"}),
      example_of("5", "Trees", "What is an oak?", "The lighthouse at Eddystone was built of oak.", {"oak"}),
  };
}

/// The context paired with question `id`; empty without a twin.
std::string context_of(const std::vector<Example>& made, const std::string& id) {
  for (const Example& example : made) {
    if (example.id == id + "-unanswerable-1") return *example.context;
  }
  return "";
}

TEST(MakeUnanswerable, TakesTheNearestParagraphOfTheArticleWithoutAGold) {
  const auto made = make_unanswerable(lighthouses(), {.share = 1.0, .min_overlap = 0.1});
  EXPECT_EQ(context_of(made, "1"), "The Eddystone lighthouse, built of wood, burned down.")
      << "the second one holds a gold in capitals, the fourth shares less, the fifth is of another article";
  EXPECT_EQ(context_of(made, "5"), "") << "an article of one paragraph";
}

TEST(MakeUnanswerable, MakesExamplesThatSayTheyHaveNoAnswer) {
  const auto made = make_unanswerable(lighthouses(), {.share = 1.0, .min_overlap = 0.1});
  ASSERT_FALSE(made.empty());
  for (const Example& example : made) {
    EXPECT_TRUE(example.answers.empty());
    EXPECT_TRUE(example.has_answers_field);
    EXPECT_EQ(example.is_impossible, true);
    EXPECT_EQ(example.title, "Lighthouses");
  }
}

TEST(MakeUnanswerable, OverlapIsALimit) {
  EXPECT_EQ(context_of(make_unanswerable(lighthouses(), {.share = 1.0, .min_overlap = 1.01}), "1"), "");
  EXPECT_NE(context_of(make_unanswerable(lighthouses(), {.share = 1.0, .min_overlap = 0.5}), "1"), "");
}

TEST(MakeUnanswerable, LeavesOutWhatItCannotJudge) {
  auto examples = lighthouses();
  examples[0].answers = {{"?!", 0}};
  EXPECT_EQ(context_of(make_unanswerable(examples, {.share = 1.0, .min_overlap = 0.1}), "1"), "");
  examples = lighthouses();
  examples[0].answers.clear();
  EXPECT_EQ(context_of(make_unanswerable(examples, {.share = 1.0, .min_overlap = 0.1}), "1"), "");
  for (Example& example : examples) example.title.clear();
  EXPECT_TRUE(make_unanswerable(examples, {.share = 1.0, .min_overlap = 0.0}).empty());
  EXPECT_TRUE(make_unanswerable({}, {.share = 1.0}).empty());
}

/// 10 articles of 20 paragraphs with a question each; all words are of a small vocabulary.
std::vector<Example> made_articles() {
  SplitMix64 random(3);
  const auto words = [&random](std::size_t n) {
    std::string text;
    for (std::size_t i = 0; i < n; ++i) text += "w" + std::to_string(random.below(60)) + " ";
    return text;
  };
  std::vector<Example> examples;
  for (int i = 0; i < 200; ++i) {
    const std::string gold = "gold" + std::to_string(i % 7);
    examples.push_back(example_of(std::to_string(i), "article " + std::to_string(i / 20), words(6),
                                  words(20) + gold + " " + words(20), {gold}));
  }
  return examples;
}

TEST(MakeUnanswerable, MeetsTheShareAndHoldsNoGold) {
  const auto examples = made_articles();
  const auto made = make_unanswerable(examples, {.share = 0.25, .seed = 1});
  EXPECT_EQ(made.size(), 50U);
  std::set<std::string> ids;
  for (const Example& example : made) {
    EXPECT_TRUE(ids.insert(example.id).second);
    const Example& source = examples[std::stoul(example.id)];
    EXPECT_EQ(example.question, source.question);
    EXPECT_EQ(example.title, source.title);
    EXPECT_EQ(example.context->find(source.answers[0].text + " "), std::string::npos);
  }
}

TEST(MakeUnanswerable, IsAFunctionOfTheSeed) {
  const auto examples = made_articles();
  const auto ids = [&](std::uint64_t seed) {
    std::string text;
    for (const Example& e : make_unanswerable(examples, {.share = 0.2, .seed = seed, .n_candidates = 5})) {
      text += e.id + ": " + *e.context + "\n";
    }
    return text;
  };
  EXPECT_EQ(ids(1), ids(1));
  EXPECT_NE(ids(1), ids(2));
}

}  // namespace
}  // namespace spanqa

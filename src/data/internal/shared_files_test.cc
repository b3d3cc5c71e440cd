// The published data sets, where they lie beside the checkout.
#include <gtest/gtest.h>

#include <string>

#include "base/utf8.h"
#include "data/example_reader.h"
#include "shared_data.h"

namespace spanqa {
namespace {

struct Counts {
  std::size_t n_titles = 0;  // changes of title
  std::size_t n_contexts = 0;
  std::size_t n_questions = 0;
  std::size_t n_answerable = 0;
  std::size_t n_answers = 0;
  std::size_t n_misaligned = 0;
};

Counts count(const std::filesystem::path& path) {
  Counts counts;
  auto reader = ExampleReader::open(path);
  EXPECT_TRUE(reader) << reader.error().message;
  if (!reader) return counts;
  std::shared_ptr<const std::string> context;
  std::string title;
  while (true) {
    const auto example = (*reader)->next();
    EXPECT_TRUE(example) << example.error().message;
    if (!example || !*example) return counts;
    const Example& e = **example;
    if (counts.n_questions++ == 0 || e.title != title) ++counts.n_titles;
    if (e.context != context) ++counts.n_contexts;
    title = e.title;
    context = e.context;
    counts.n_answerable += e.answers.empty() ? 0U : 1U;
    counts.n_answers += e.answers.size();
    const TextIndex index(*context);
    for (const GoldAnswer& answer : e.answers) {
      const std::size_t begin = index.at_code_point(static_cast<std::size_t>(answer.start)).byte;
      if (context->compare(begin, answer.text.size(), answer.text) != 0) ++counts.n_misaligned;
    }
  }
}

struct SharedFile {
  const char* path;
  std::size_t n_questions;
  std::size_t n_answers;
};

TEST(SharedFiles, DevOfVersion1HasItsPublishedCounts) {
  SPANQA_NEEDS_SHARED("data/squad-v1.1/dev-v1.1.json");
  const Counts counts = count(testing::shared_path("data/squad-v1.1/dev-v1.1.json"));
  EXPECT_EQ(counts.n_titles, 48U);
  EXPECT_EQ(counts.n_contexts, 2067U);
  EXPECT_EQ(counts.n_questions, 10570U);
  EXPECT_EQ(counts.n_answers, 34726U);
  EXPECT_EQ(counts.n_misaligned, 0U);
}

TEST(SharedFiles, DevOfVersion2HasItsPublishedCounts) {
  SPANQA_NEEDS_SHARED("data/squad-v2.0/dev-v2.0.json");
  const Counts counts = count(testing::shared_path("data/squad-v2.0/dev-v2.0.json"));
  EXPECT_EQ(counts.n_questions, 11873U);
  EXPECT_EQ(counts.n_answerable, 5928U);
  EXPECT_EQ(counts.n_misaligned, 0U);
}

TEST(SharedFiles, OtherSetsReadCleanly) {
  SPANQA_NEEDS_SHARED("data/extra");
  const SharedFile files[] = {
      {"squad-v1.1/train-articles.json", 14348, 14348},
      {"squad-v1.1/train-sampled.json", 7672, 7672},
      {"squadshifts/new_wiki.json", 7938, 22794},
      {"xquad-en/xquad.en.json", 1190, 1190},
      {"extra/covid-qa/covid-qa.json", 1380, 1380},
      {"extra/fairytaleqa/train.json", 3471, 3794},
      {"extra/nq-qed-train/train.json", 6353, 6353},
      {"extra/qamr/dev.json", 18863, 55500},
      {"extra/qamr/test.json", 18720, 55071},
      {"extra/squad-v1.1-train-more/train-more.json", 21461, 21461},
      {"extra/squad-v1.1-train-more/train-more-detokenised.json", 5139, 5139},
      {"extra/squad-v1.1-train-more/train-more-lowercased.json", 2051, 2051},
      {"extra/squad-v1.1-train-more/train-more-sentences.json", 4001, 4001},
      {"extra/squad-v2.0-train-unanswerable/train-unanswerable.json", 21033, 0},
  };
  for (const SharedFile& file : files) {
    const Counts counts = count(testing::shared_path("data") / file.path);
    EXPECT_EQ(counts.n_questions, file.n_questions) << file.path;
    EXPECT_EQ(counts.n_answers, file.n_answers) << file.path;
    EXPECT_EQ(counts.n_misaligned, 0U) << file.path;
  }
}

TEST(SharedFiles, PredictionsAreToldFromExamples) {
  SPANQA_NEEDS_SHARED("data/squad-v1.1/predictions/bert.json");
  const auto reader = ExampleReader::open(testing::shared_path("data/squad-v1.1/predictions/bert.json"));
  ASSERT_FALSE(reader);
  EXPECT_NE(reader.error().message.find("looks like a predictions file"), std::string::npos);
}

}  // namespace
}  // namespace spanqa

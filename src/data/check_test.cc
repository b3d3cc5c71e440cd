#include "data/check.h"

#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/example_reader.h"
#include "shared_data.h"

namespace spanqa {
namespace {

Example example_of(std::string id, std::string context, std::vector<GoldAnswer> answers) {
  Example example;
  example.question = "What about " + id + "?";
  example.where = "rows.jsonl:" + id;
  example.id = std::move(id);
  example.context = std::make_shared<const std::string>(std::move(context));
  example.answers = std::move(answers);
  example.has_answers_field = true;
  return example;
}

TEST(ExampleChecker, FindsNothingInSoundExamples) {
  ExampleChecker checker;
  Example example = example_of("1", "Über “Mürzzuschlag” 𝄞 x", {{"Mürzzuschlag", 6}, {"𝄞", 20}, {"x", 22}});
  EXPECT_TRUE(checker.check(example).findings.empty());
  EXPECT_EQ(checker.n_examples(), 1U);
  EXPECT_EQ(checker.n_findings(), 0U);
}

struct StartCase {
  std::int64_t start;
  const char* text;
  FindingKind kind;
  const char* message;  // a part of it
  std::int64_t fixed;   // the start after fixing
};

TEST(ExampleChecker, SaysWhatStandsThereAndWhereTheTextIs) {
  const StartCase cases[] = {
      {7, "Tee", FindingKind::kMisaligned, "answers[0]: \"Tee\" at 7, where \"ee \" stands; it stands at 6", 6},
      {12, "Tee", FindingKind::kMisaligned, "it stands at 14", 14},
      {10, "Tee", FindingKind::kMisaligned, "it stands at 6", 6},
      {0, "Rum", FindingKind::kMisaligned, "where \"grü\" stands; it does not stand in the context", 0},
      {15, "Tee", FindingKind::kStartOutOfRange, "ends behind the context of 17 code points; it stands at 14", 14},
      {99, "Rum", FindingKind::kStartOutOfRange, "does not stand in the context", 99},
      {std::numeric_limits<std::int64_t>::max(), "Tee", FindingKind::kStartOutOfRange, "it stands at 14", 14},
      {-7, "Tee", FindingKind::kNegativeStart, "has answer_start -7; it stands at 6", 6},
      {std::numeric_limits<std::int64_t>::min(), "Tee", FindingKind::kNegativeStart, "it stands at 6", 6},
      {-1, "Tee", FindingKind::kMissingStart, "it stands in 2 places, first at 6", -1},
      {-1, "grüner", FindingKind::kMissingStart, "has no answer_start; it stands at 0", 0},
  };
  for (const StartCase& c : cases) {
    for (const bool fix : {false, true}) {
      const bool is_once = std::string_view(c.text) == "grüner";
      Example example = example_of("1", is_once ? "grüner Tee und Tee" : "grüne Tee und Tee", {{c.text, c.start}});
      ExampleChecker checker({.fix = fix});
      const Diagnosis diagnosis = checker.check(example);
      ASSERT_EQ(diagnosis.findings.size(), 1U) << c.message;
      EXPECT_EQ(diagnosis.findings[0].kind, c.kind) << c.message;
      EXPECT_EQ(diagnosis.findings[0].where, "rows.jsonl:1");
      EXPECT_NE(diagnosis.findings[0].message.find(c.message), std::string::npos)
          << diagnosis.findings[0].message << "\n  expected: " << c.message;
      EXPECT_EQ(example.answers[0].start, fix ? c.fixed : c.start) << c.message;
      EXPECT_EQ(checker.count(c.kind), 1U);
      EXPECT_EQ(checker.count_fixed(c.kind), fix && c.fixed != c.start ? 1U : 0U);
    }
  }
}

std::vector<FindingKind> kinds_of(Example example) {
  ExampleChecker checker;
  std::vector<FindingKind> kinds;
  for (const Finding& finding : checker.check(example).findings) kinds.push_back(finding.kind);
  return kinds;
}

TEST(ExampleChecker, FindsEmptyBlankAndIllFormedTexts) {
  using Kinds = std::vector<FindingKind>;
  Example example = example_of("\u3000", "c", {});
  EXPECT_EQ(kinds_of(example), Kinds{FindingKind::kEmptyId});
  example = example_of("1", " \n", {});
  EXPECT_EQ(kinds_of(example), Kinds{FindingKind::kEmptyContext});
  example = example_of("1", "c", {});
  example.question.clear();
  EXPECT_EQ(kinds_of(example), Kinds{FindingKind::kEmptyQuestion});
  EXPECT_EQ(kinds_of(example_of("1", "c\xE9", {})), Kinds{FindingKind::kIllFormedUtf8});
  EXPECT_EQ(kinds_of(example_of("1", "c", {{" ", 0}})), Kinds{FindingKind::kEmptyAnswer});
  EXPECT_EQ(kinds_of(example_of("1", "a b c", {{"b ", 2}})), Kinds{FindingKind::kAnswerBlanks});
}

TEST(ExampleChecker, FindsContradictionsOfIsImpossible) {
  Example example = example_of("1", "c", {{"c", 0}});
  example.is_impossible = true;
  EXPECT_EQ(kinds_of(example), std::vector<FindingKind>{FindingKind::kContradictsImpossible});
  example.is_impossible = false;
  EXPECT_TRUE(kinds_of(example).empty());
  example.answers.clear();
  EXPECT_EQ(kinds_of(example), std::vector<FindingKind>{FindingKind::kContradictsImpossible});
  example.has_answers_field = false;
  EXPECT_TRUE(kinds_of(example).empty());
}

TEST(ExampleChecker, DropsCopiesAndKeepsWhatDiffers) {
  ExampleChecker checker({.fix = true});
  const Example first = example_of("1", "a b", {{"a", 0}});
  Example copy = first;
  Example same_id = first;
  same_id.answers = {{"b", 2}};
  Example other_id = first;
  other_id.id = "2";
  Example other_golds = same_id;
  other_golds.id = "3";
  Example original = first;
  EXPECT_FALSE(checker.check(original).drop);
  EXPECT_TRUE(checker.check(copy).drop);
  EXPECT_FALSE(checker.check(same_id).drop);
  EXPECT_TRUE(checker.check(other_id).drop);
  const Diagnosis kept = checker.check(other_golds);
  EXPECT_FALSE(kept.drop);
  ASSERT_EQ(kept.findings.size(), 1U);
  EXPECT_NE(kept.findings[0].message.find("stands at rows.jsonl:1 already"), std::string::npos);
  EXPECT_EQ(checker.count(FindingKind::kDuplicateId), 2U);
  EXPECT_EQ(checker.count(FindingKind::kDuplicateQuestion), 2U);
  EXPECT_EQ(checker.count_fixed(FindingKind::kDuplicateId), 1U);
  EXPECT_EQ(checker.n_dropped(), 2U);
}

TEST(ExampleChecker, NamesEachKindOnce) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kFindingKinds; ++i) {
    const std::string name = finding_kind_name(static_cast<FindingKind>(i));
    for (const std::string& other : names) EXPECT_NE(name, other);
    names.push_back(name);
  }
}

TEST(ExampleChecker, FindsNoMisalignmentInPublishedSets) {
  SPANQA_NEEDS_SHARED("data/squad-v2.0/dev-v2.0.json");
  for (const char* file : {"data/squad-v1.1/dev-v1.1.json", "data/squad-v2.0/dev-v2.0.json"}) {
    const auto reader = ExampleReader::open(testing::shared_path(file));
    ASSERT_TRUE(reader);
    ExampleChecker checker;
    while (true) {
      auto example = (*reader)->next();
      ASSERT_TRUE(example);
      if (!*example) break;
      checker.check(**example);
    }
    for (const FindingKind kind : {FindingKind::kMisaligned, FindingKind::kStartOutOfRange, FindingKind::kMissingStart,
                                   FindingKind::kDuplicateId, FindingKind::kContradictsImpossible}) {
      EXPECT_EQ(checker.count(kind), 0U) << file << ": " << finding_kind_name(kind);
    }
  }
}

}  // namespace
}  // namespace spanqa

#include "qa/squad_metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "qa/metrics.h"
#include "qa/predictions_files.h"
#include "shared_data.h"

namespace spanqa {
namespace {

struct GoldQuestion {
  std::string id;
  std::vector<std::string> golds;
};

/// Each file is read once for all tests.
const std::vector<GoldQuestion>& read_squad(const std::string& path) {
  static std::map<std::string, std::vector<GoldQuestion>> read;
  std::vector<GoldQuestion>& questions = read[path];
  if (!questions.empty()) return questions;
  const auto text = read_file(testing::shared_path(path));
  const auto set = nlohmann::json::parse(text.value());
  for (const auto& article : set["data"]) {
    for (const auto& paragraph : article["paragraphs"]) {
      for (const auto& qa : paragraph["qas"]) {
        GoldQuestion& question = questions.emplace_back();
        question.id = qa["id"];
        for (const auto& answer : qa["answers"]) question.golds.push_back(answer["text"]);
      }
    }
  }
  return questions;
}

std::vector<std::string> names(const MetricValues& values) {
  std::vector<std::string> found;
  for (const MetricValue& value : values) found.push_back(value.name);
  return found;
}

double value_of(const MetricValues& values, const std::string& name) {
  for (const MetricValue& value : values) {
    if (value.name == name) return value.value;
  }
  ADD_FAILURE() << "no figure named " << name;
  return -1.0;
}

TEST(SquadV1Metrics, EqualTheOfficialFiguresOfPublishedPredictions) {
  const std::string folder = "data/squad-v1.1/";
  SPANQA_NEEDS_SHARED(folder + "predictions/bert.json");
  const auto& questions = read_squad(folder + "dev-v1.1.json");
  struct Row {
    const char* file;
    double exact, f1;
    std::size_t n_unanswered;
    double tolerance;
  };
  // From the table in README-dev.md beside the data: the official script's output; the last row is given to 3 decimals.
  const std::vector<Row> rows = {
      {"bert.json", 86.20624408703878, 92.19557978351145, 0, 1e-9},
      {"r-net.json", 82.46925260170293, 88.47785965423249, 0, 1e-9},
      {"slqa.json", 81.94891201513718, 88.38386312172166, 0, 1e-9},
      {"student-small-transformer.json", 77.34153263954589, 85.41516355385885, 0, 1e-9},
      {"match-lstm-with-ans-ptr.json", 67.63481551561021, 76.75556184979695, 0, 1e-9},
      {"logistic-regression-baseline.json", 40.142, 50.982, 13, 1e-3},
  };
  for (const Row& row : rows) {
    const auto predictions = read_predictions(testing::shared_path(folder + "predictions/" + row.file));
    ASSERT_TRUE(predictions) << predictions.error().message;
    SquadV1Metrics metrics;
    for (const GoldQuestion& question : questions) metrics.add(predictions->find(question.id), question.golds);
    const auto totals = metrics.totals();
    ASSERT_TRUE(totals);
    EXPECT_EQ(names(*totals), (std::vector<std::string>{"exact_match", "f1"}));
    EXPECT_NEAR(value_of(*totals, "exact_match"), row.exact, row.tolerance) << row.file;
    EXPECT_NEAR(value_of(*totals, "f1"), row.f1, row.tolerance) << row.file;
    EXPECT_EQ(metrics.n_unanswered(), row.n_unanswered) << row.file;
    EXPECT_EQ(metrics.n_questions(), 10570U);
  }
}

TEST(SquadV1Metrics, CountWhatIsMissing) {
  SquadV1Metrics metrics;
  EXPECT_FALSE(metrics.totals()) << "no questions, no percentage";
  metrics.add("cat", {"the cat"});
  metrics.add(std::nullopt, {"cat"});
  metrics.add("", {});
  metrics.add("", {"the"});  // exact, yet without F1 in version 1
  const auto totals = metrics.totals();
  ASSERT_TRUE(totals);
  EXPECT_EQ(value_of(*totals, "exact_match"), 50.0);
  EXPECT_EQ(value_of(*totals, "f1"), 25.0);
  EXPECT_EQ(metrics.n_unanswered(), 1U);
  EXPECT_EQ(metrics.n_without_golds(), 1U);
}

TEST(SquadV2Metrics, EqualTheOfficialFiguresOfPublishedPredictions) {
  const std::string folder = "data/squad-v2.0/";
  SPANQA_NEEDS_SHARED(folder + "predictions/bert.json");
  const auto& questions = read_squad(folder + "dev-v2.0.json");
  struct Row {
    const char* file;
    double exact, f1, has_exact, has_f1, no_exact;
  };
  // From the table in README.md beside the data: the official script's output. Its exact figure of nlnet,
  // 75.82750778078582, has a wrong digit: no count of 11873 questions gives it, 9003 right ones give the one here.
  const std::vector<Row> rows = {
      {"bert.json", 78.74168280973637, 81.77528052374723, 74.10593792172739, 80.181832938335, 83.36417157275021},
      {"nlnet.json", 75.82750779078582, 78.77776770381459, 69.61875843454791, 75.52773885752178, 82.01850294365012},
      {"bidaf-self-attention-elmo.json", 65.70369746483618, 67.87648921451334, 61.42037786774629, 65.77219238257679,
       69.97476871320437},
  };
  for (const Row& row : rows) {
    const auto predictions = read_predictions(testing::shared_path(folder + "predictions/" + row.file));
    ASSERT_TRUE(predictions) << predictions.error().message;
    SquadV2Metrics metrics({.strict = true, .best_thresholds = false});
    for (const GoldQuestion& question : questions) metrics.add(predictions->find(question.id), question.golds);
    const auto totals = metrics.totals();
    ASSERT_TRUE(totals) << totals.error().message;
    EXPECT_EQ(names(*totals), (std::vector<std::string>{"exact", "f1", "total", "HasAns_exact", "HasAns_f1",
                                                        "HasAns_total", "NoAns_exact", "NoAns_f1", "NoAns_total"}));
    EXPECT_NEAR(value_of(*totals, "exact"), row.exact, 1e-9) << row.file;
    EXPECT_NEAR(value_of(*totals, "f1"), row.f1, 1e-9) << row.file;
    EXPECT_NEAR(value_of(*totals, "HasAns_exact"), row.has_exact, 1e-9) << row.file;
    EXPECT_NEAR(value_of(*totals, "HasAns_f1"), row.has_f1, 1e-9) << row.file;
    EXPECT_NEAR(value_of(*totals, "NoAns_exact"), row.no_exact, 1e-9) << row.file;
    EXPECT_EQ(value_of(*totals, "total"), 11873.0);
    EXPECT_EQ(value_of(*totals, "HasAns_total"), 5928.0);
  }
}

/// Ids in the order of a predictions file, which is the order the official script ranks equal scores in.
std::vector<std::string> ids_of(const std::string& path) {
  const auto text = read_file(testing::shared_path(path));
  const auto file = nlohmann::ordered_json::parse(text.value());
  std::vector<std::string> ids;
  for (const auto& [id, answer] : file.items()) ids.push_back(id);
  return ids;
}

TEST(SquadV2Metrics, BestThresholdsEqualTheReferenceToTheBit) {
  const std::string folder = "data/squad-v2.0/";
  SPANQA_NEEDS_SHARED(folder + "predictions/bert.json");
  const auto& questions = read_squad(folder + "dev-v2.0.json");
  struct Row {
    const char* file;
    std::vector<double> values;  // exact, f1, best_exact, best_f1
  };
  // transformers 4.57 squad_evaluate(examples, predictions, scores, 0.5) with made-up scores full of ties:
  // (the byte of the id's digits 6 and 7, plus 128 where the question has no answer) / 384.
  const std::vector<Row> rows = {
      {"bert.json", {76.10544933883601, 78.43380582860314, 82.73393413627558, 85.76753185028598}},
      {"nlnet.json", {74.32830792554536, 76.58230327564088, 79.93767371346753, 82.88793362649584}},
      {"bidaf-self-attention-elmo.json", {70.04969257980291, 71.74437885188371, 73.35972374294619, 75.53251549262293}},
  };
  for (const Row& row : rows) {
    const std::string path = folder + "predictions/" + row.file;
    const auto predictions = read_predictions(testing::shared_path(path));
    ASSERT_TRUE(predictions);
    std::map<std::string, std::uint32_t> order;
    for (const std::string& id : ids_of(path)) order.emplace(id, static_cast<std::uint32_t>(order.size()));
    SquadV2Metrics metrics({.no_answer_threshold = 0.5, .strict = true});
    for (const GoldQuestion& question : questions) {
      const int byte = std::stoi(question.id.substr(6, 2), nullptr, 16);
      const double score = static_cast<double>(byte + (question.golds.empty() ? 128 : 0)) / 384;
      metrics.add(predictions->find(question.id), question.golds, score, order.at(question.id));
    }
    const auto totals = metrics.totals();
    ASSERT_TRUE(totals);
    EXPECT_EQ(value_of(*totals, "exact"), row.values[0]) << row.file;
    EXPECT_EQ(value_of(*totals, "f1"), row.values[1]) << row.file;
    EXPECT_EQ(value_of(*totals, "best_exact"), row.values[2]) << row.file;
    EXPECT_EQ(value_of(*totals, "best_f1"), row.values[3]) << row.file;
    EXPECT_EQ(value_of(*totals, "best_exact_thresh"), 0.6640625) << row.file;
    EXPECT_EQ(value_of(*totals, "best_f1_thresh"), 0.6640625) << row.file;
    EXPECT_LE(value_of(*totals, "best_exact_tie_safe"), row.values[2]);
  }
}

TEST(SquadV2Metrics, BestThresholdOfRealNullOdds) {
  const std::string folder = "golden/reader/run_qa-dev-v2.0-first400-";
  SPANQA_NEEDS_SHARED(folder + "null_odds.json");
  SPANQA_NEEDS_SHARED("data/squad-v2.0/dev-v2.0.json");
  const auto predictions = read_predictions(testing::shared_path(folder + "predictions.json"));
  const auto odds = read_null_odds(testing::shared_path(folder + "null_odds.json"));
  ASSERT_TRUE(predictions && odds);
  SquadV2Metrics metrics;
  for (const GoldQuestion& question : read_squad("data/squad-v2.0/dev-v2.0.json")) {
    const auto found = odds->by_id.find(question.id);
    if (found == odds->by_id.end()) continue;
    metrics.add(predictions->find(question.id), question.golds, found->second.value, found->second.order);
  }
  const auto totals = metrics.totals();
  ASSERT_TRUE(totals);
  // transformers 4.57 squad_evaluate on the same files.
  EXPECT_EQ(value_of(*totals, "exact"), 35.25);
  EXPECT_EQ(value_of(*totals, "f1"), 41.229863649422484);
  EXPECT_EQ(value_of(*totals, "HasAns_f1"), 82.04947989934823);
  EXPECT_EQ(value_of(*totals, "best_exact"), 56.75);
  EXPECT_EQ(value_of(*totals, "best_exact_thresh"), -18.78055191040039);
  EXPECT_EQ(value_of(*totals, "best_f1"), 58.094841269841275);
  EXPECT_EQ(value_of(*totals, "best_f1_thresh"), -18.78055191040039);
  EXPECT_EQ(value_of(*totals, "best_f1_tie_safe"), 58.094841269841275) << "real scores are all different here";
}

struct Made {
  std::string prediction;
  std::vector<std::string> golds;
  double score = 0.0;
};

/// Two right answers and two predictions on unanswerable questions, all with one score.
std::vector<Made> equal_scores(bool answerable_first) {
  const std::vector<Made> answerable(2, {"x", {"x"}, 0.0});
  const std::vector<Made> unanswerable(2, {"x", {}, 0.0});
  std::vector<Made> all = answerable_first ? answerable : unanswerable;
  const auto& rest = answerable_first ? unanswerable : answerable;
  all.insert(all.end(), rest.begin(), rest.end());
  return all;
}

MetricValues totals_of(const std::vector<Made>& questions, const SquadV2Options& options = {}) {
  SquadV2Metrics metrics(options);
  for (const Made& question : questions) metrics.add(question.prediction, question.golds, question.score);
  return metrics.totals().value();
}

TEST(SquadV2Metrics, TiesDependOnTheOrderOfficiallyAndNotInTheTieSafeTwin) {
  for (const bool answerable_first : {true, false}) {
    const MetricValues totals = totals_of(equal_scores(answerable_first));
    EXPECT_EQ(value_of(totals, "best_exact"), answerable_first ? 100.0 : 50.0);
    EXPECT_EQ(value_of(totals, "best_exact_tie_safe"), 50.0);
    EXPECT_EQ(value_of(totals, "best_f1_tie_safe"), 50.0);
  }
}

TEST(SquadV2Metrics, OrderOfTheScoresFileBreaksTies) {
  SquadV2Metrics metrics;
  const auto questions = equal_scores(false);
  for (std::uint32_t i = 0; i < 4; ++i) metrics.add(questions[i].prediction, questions[i].golds, 0.0, 3 - i);
  EXPECT_EQ(value_of(metrics.totals().value(), "best_exact"), 100.0);
}

/// Figures by trying every threshold: a prediction stands where its score is not above it.
std::pair<double, double> best_by_trial(const std::vector<Made>& questions, bool exact) {
  std::vector<double> thresholds = {-1e9};
  for (const Made& question : questions) thresholds.push_back(question.score);
  std::sort(thresholds.begin(), thresholds.end());
  std::pair<double, double> best{-1.0, 0.0};
  for (const double threshold : thresholds) {
    double sum = 0.0;
    for (const Made& question : questions) {
      const AnswerScore score = score_v2(question.score > threshold ? "" : question.prediction, question.golds);
      sum += exact ? score.exact : score.f1;
    }
    if (sum > best.first + 1e-9) best = {sum, threshold};
  }
  return best;
}

TEST(SquadV2Metrics, TieSafeFiguresAreTheBestThatAThresholdReaches) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::vector<std::string> texts = {"", "x", "y", "x y", "x y z"};
  for (int round = 0; round < 300; ++round) {
    std::vector<Made> questions(1 + random() % 12);
    for (Made& question : questions) {
      question.prediction = texts[random() % texts.size()];
      if (random() % 2 == 0) question.golds = {texts[1 + random() % 4]};
      question.score = static_cast<double>(random() % 5) - 2.0;
    }
    const MetricValues totals = totals_of(questions);
    for (const bool exact : {true, false}) {
      const std::string name = exact ? "best_exact" : "best_f1";
      const auto [sum, threshold] = best_by_trial(questions, exact);
      ASSERT_NEAR(value_of(totals, name + "_tie_safe"), 100.0 * sum / static_cast<double>(questions.size()), 1e-9);
      ASSERT_GE(value_of(totals, name) + 1e-9, value_of(totals, name + "_tie_safe"));
      const double found = value_of(totals, name + "_thresh_tie_safe");
      double reached = 0.0;
      for (const Made& question : questions) {
        const AnswerScore score = score_v2(question.score > found ? "" : question.prediction, question.golds);
        reached += exact ? score.exact : score.f1;
      }
      ASSERT_NEAR(reached, sum, 1e-9) << "the threshold " << found << " does not give what it promises";
    }
  }
}

TEST(SquadV2Metrics, PredictionsAboveTheThresholdCountAsNoAnswer) {
  const std::vector<Made> questions = {{"x", {"x"}, 0.5}, {"x", {"x"}, 0.6}, {"x", {}, 0.6}, {"x", {}, 0.5}};
  const MetricValues totals = totals_of(questions, {.no_answer_threshold = 0.5});
  EXPECT_EQ(value_of(totals, "HasAns_exact"), 50.0) << "0.5 > 0.5 is false: the first stands";
  EXPECT_EQ(value_of(totals, "NoAns_exact"), 50.0);
}

TEST(SquadV2Metrics, AnArticleForNoAnswerIsRightButCountsAsAnsweredInTheSearch) {
  const MetricValues totals = totals_of({{"a", {}, 0.0}});
  EXPECT_EQ(value_of(totals, "exact"), 100.0);
  EXPECT_EQ(value_of(totals, "best_exact"), 100.0);
  EXPECT_EQ(value_of(totals, "best_exact_thresh"), 0.0);
}

TEST(SquadV2Metrics, OnlySubsetsThatExistAreNamed) {
  const MetricValues totals = totals_of({{"x", {"x"}, 0.0}}, {.best_thresholds = false});
  EXPECT_EQ(names(totals),
            (std::vector<std::string>{"exact", "f1", "total", "HasAns_exact", "HasAns_f1", "HasAns_total"}));
  EXPECT_TRUE(totals[2].is_count);
  EXPECT_FALSE(totals[0].is_count);
}

TEST(SquadV2Metrics, MissingPredictionsScoreNothingOrFailWhenStrict) {
  for (const bool strict : {false, true}) {
    SquadV2Metrics metrics({.strict = strict});
    metrics.add("x", {"x"});
    metrics.add(std::nullopt, {"x"});
    metrics.add(std::nullopt, {});
    metrics.add("", {});
    EXPECT_EQ(metrics.n_missing(), 2U);
    const auto totals = metrics.totals();
    ASSERT_EQ(totals.has_value(), !strict);
    if (strict) {
      EXPECT_EQ(totals.error().code, ErrorCode::kMismatch);
      EXPECT_NE(totals.error().message.find("2 of 4 questions"), std::string::npos);
      continue;
    }
    EXPECT_EQ(value_of(*totals, "exact"), 50.0);
    EXPECT_EQ(value_of(*totals, "NoAns_exact"), 50.0);
    EXPECT_EQ(value_of(*totals, "best_exact"), 50.0);
  }
  EXPECT_FALSE(SquadV2Metrics().totals()) << "no questions, no percentage";
}

TEST(SquadV2Metrics, AveragePrecisionOfSmallCasesByHand) {
  // Scores 0.1 right, 0.2 unanswerable, 0.2 right, 0.3 wrong; two thresholds, as the two of 0.2 cannot be parted:
  // precision 1 at recall 1/3, then 2/3 at recall 2/3, then 2/4 at recall 2/3.
  const std::vector<Made> questions = {{"x", {"x"}, 0.1}, {"x", {}, 0.2}, {"x", {"x"}, 0.2}, {"y", {"x"}, 0.3}};
  const MetricValues totals = totals_of(questions, {.best_thresholds = false, .average_precision = true});
  EXPECT_NEAR(value_of(totals, "pr_exact_ap"), 100.0 * (1.0 / 3 + 2.0 / 3 * (1.0 / 3)), 1e-9);
  EXPECT_NEAR(value_of(totals, "pr_f1_ap"), 100.0 * (1.0 / 3 + 2.0 / 3 * (1.0 / 3)), 1e-9);
  // With every answerable question right: 1 at 1/3, 2/3 at 2/3, 3/4 at 1.
  EXPECT_NEAR(value_of(totals, "pr_oracle_ap"), 100.0 * (1.0 / 3 + 2.0 / 9 + 3.0 / 12), 1e-9);
  const MetricValues unanswerable = totals_of({{"", {}, 0.0}}, {.average_precision = true});
  for (const std::string& name : names(unanswerable)) EXPECT_EQ(name.find("pr_"), std::string::npos) << name;
}

}  // namespace
}  // namespace spanqa

#include "qa/decode_run_qa.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "qa/decode_common.h"
#include "qa/decode_testing.h"

namespace spanqa {
namespace {

using testing::MadeContext;
using testing::MadeLogits;
using testing::make_context;
using testing::random_context;
using testing::random_logits;

/// postprocess_qa_predictions as written, for one example, over all windows at once.
struct RunQaRef {
  struct Entry {
    ByteSpan offsets;
    float start_logit = 0.0F;
    float end_logit = 0.0F;
    float score = 0.0F;
    bool is_null = false;
    std::string text;
  };
  std::vector<Entry> entries;
  std::string prediction;
  float score_diff = 0.0F;

  static std::vector<std::size_t> top_indexes(const float* logits, std::size_t n, std::size_t n_best) {
    std::vector<std::size_t> order(n);
    for (std::size_t i = 0; i < n; ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return logits[a] < logits[b]; });
    std::reverse(order.begin(), order.end());
    order.resize(std::min(n, n_best));
    return order;
  }

  RunQaRef(const MadeContext& context, const MadeLogits& logits, const RunQaOptions& options) {
    const std::size_t n_best = static_cast<std::size_t>(options.n_best);
    Entry null;
    for (std::size_t w = 0; w < logits.plan.windows.size(); ++w) {
      const WindowLogits window = logits.window(w);
      const float null_score = window.start[0] + window.end[0];
      if (w == 0 || null.score > null_score) null = {{}, window.start[0], window.end[0], null_score, true, ""};
      for (const std::size_t s : top_indexes(window.start, window.n_tokens, n_best)) {
        for (const std::size_t e : top_indexes(window.end, window.n_tokens, n_best)) {
          const std::size_t first = window.context_position;
          if (s < first || s >= first + window.n_context || e < first || e >= first + window.n_context) continue;
          if (e < s || e - s + 1 > static_cast<std::size_t>(options.max_answer_tokens)) continue;
          const auto& spans = context.tokens.spans;
          const ByteSpan offsets{spans[window.context_begin + s - first].begin,
                                 spans[window.context_begin + e - first].end};
          entries.push_back({offsets, window.start[s], window.end[e], window.start[s] + window.end[e], false, ""});
        }
      }
    }
    if (options.version_2) entries.push_back(null);
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.score > b.score; });
    if (entries.size() > n_best) entries.resize(n_best);
    if (options.version_2 &&
        std::none_of(entries.begin(), entries.end(), [](const Entry& e) { return e.offsets == ByteSpan{}; })) {
      entries.push_back(null);
    }
    for (Entry& entry : entries) entry.text = slice(context.text, entry.offsets);
    if (entries.empty() || (entries.size() == 1 && entries[0].text.empty())) {
      entries.insert(entries.begin(), {{}, 0.0F, 0.0F, 0.0F, false, "empty"});
    }
    if (!options.version_2) {
      prediction = entries[0].text;
      return;
    }
    std::size_t i = 0;
    while (entries.at(i).text.empty()) ++i;
    score_diff = null.score - entries[i].start_logit - entries[i].end_logit;
    prediction = score_diff > options.null_threshold ? "" : entries[i].text;
  }
};

RunQaResult decode(const MadeContext& context, const MadeLogits& logits, const RunQaOptions& options) {
  RunQaDecoder decoder(context.text, context.tokens, options);
  for (std::size_t i = 0; i < logits.plan.windows.size(); ++i) decoder.add(logits.window(i));
  return decoder.finish();
}

void expect_like_ref(const RunQaResult& result, const RunQaRef& ref) {
  ASSERT_EQ(result.prediction, ref.prediction);
  ASSERT_EQ(result.score_diff, ref.score_diff);
  ASSERT_EQ(result.n_best.size(), ref.entries.size());
  double total = 0.0;
  for (std::size_t i = 0; i < ref.entries.size(); ++i) {
    const NBestEntry& entry = result.n_best[i];
    ASSERT_EQ(entry.text, ref.entries[i].text) << "entry " << i;
    ASSERT_EQ(entry.span, ref.entries[i].offsets) << "entry " << i;
    ASSERT_EQ(entry.start_logit, static_cast<double>(ref.entries[i].start_logit)) << "entry " << i;
    ASSERT_EQ(entry.end_logit, static_cast<double>(ref.entries[i].end_logit)) << "entry " << i;
    ASSERT_EQ(entry.is_null, ref.entries[i].is_null) << "entry " << i;
    double sum = 0.0;
    for (const auto& other : ref.entries) {
      sum += std::exp(static_cast<double>(other.score) - static_cast<double>(ref.entries[i].score));
    }
    ASSERT_NEAR(entry.probability, 1.0 / sum, 1e-6) << "entry " << i;
    total += entry.probability;
  }
  ASSERT_NEAR(total, 1.0, 1e-5);
}

TEST(RunQaDecoder, EqualsTheReferenceOverAllWindows) {
  const std::vector<RunQaOptions> settings = {
      {},
      {.version_2 = true},
      {.n_best = 3, .max_answer_tokens = 5, .version_2 = true, .null_threshold = 1.5F},
      {.n_best = 1, .version_2 = true, .null_threshold = -2.0F},
      {.n_best = 500, .max_answer_tokens = 1},
  };
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::size_t n_without_answer = 0;
  for (int round = 0; round < 200; ++round) {
    const MadeContext context = random_context(random() % 80, random);
    const auto plan = plan_windows(random() % 4, context.tokens.size(), {.max_length = 40, .overlap = random() % 30});
    ASSERT_TRUE(plan);
    const MadeLogits logits = random_logits(*plan, 3.0F, round % 2 == 0 ? 0.0F : 1.0F, random);
    for (const RunQaOptions& options : settings) {
      SCOPED_TRACE("round " + std::to_string(round) + ", n_best " + std::to_string(options.n_best));
      const RunQaResult result = decode(context, logits, options);
      ASSERT_NO_FATAL_FAILURE(expect_like_ref(result, RunQaRef(context, logits, options)));
      n_without_answer += result.no_answer ? 1U : 0U;
    }
  }
  EXPECT_GT(n_without_answer, 0U);
}

/// One window over "a b c" without a question: [CLS] [SEP] a b c [SEP].
MadeLogits three_tokens(std::vector<float> start, std::vector<float> end) {
  auto plan = plan_windows(0, 3, {});
  return {.plan = *plan, .start = {std::move(start)}, .end = {std::move(end)}};
}

const MadeContext& abc() {
  static const MadeContext context = make_context({{"a"}, {"b"}, {"c"}});
  return context;
}

TEST(RunQaDecoder, NullStaysInTheListAsOneEntryMore) {
  const MadeLogits logits = three_tokens({-5, -9, 3, 2, 1, -9}, {-5, -9, 3, 2, 1, -9});
  const RunQaResult result = decode(abc(), logits, {.n_best = 2, .version_2 = true});
  ASSERT_EQ(result.n_best.size(), 3U);
  EXPECT_EQ(result.n_best[0].text, "a");
  EXPECT_TRUE(result.n_best[2].is_null);
  EXPECT_EQ(result.n_best[2].start_logit, -5.0);
  EXPECT_EQ(result.null_score, -10.0F);
  EXPECT_EQ(result.score_diff, -16.0F);
}

TEST(RunQaDecoder, NoAnswerNeedsADifferenceAboveTheThreshold) {
  const MadeLogits logits = three_tokens({2, -9, 1, 0, 0, -9}, {1, -9, 1, 0, 0, -9});
  EXPECT_EQ(decode(abc(), logits, {.version_2 = true, .null_threshold = 1.0F}).prediction, "a") << "1 > 1 is false";
  const RunQaResult none = decode(abc(), logits, {.version_2 = true, .null_threshold = 0.5F});
  EXPECT_EQ(none.prediction, "");
  EXPECT_TRUE(none.no_answer);
  EXPECT_EQ(none.score_diff, 1.0F);
  EXPECT_EQ(decode(abc(), logits, {}).prediction, "a") << "version 1 knows no null";
}

TEST(RunQaDecoder, EqualLogitsPreferTheHigherPosition) {
  const MadeLogits logits = three_tokens({-9, -9, 1, 1, 1, -9}, {-9, -9, 1, 1, 1, -9});
  const RunQaResult result = decode(abc(), logits, {});
  ASSERT_EQ(result.n_best.size(), 6U);
  EXPECT_EQ(result.n_best[0].text, "c");
  EXPECT_EQ(result.n_best[1].text, "b c");
  EXPECT_EQ(result.n_best[5].text, "a");
}

TEST(RunQaDecoder, EmptyContextGivesThePlaceholder) {
  const MadeContext context;
  const auto plan = plan_windows(2, 0, {});
  ASSERT_TRUE(plan);
  MadeLogits logits{.plan = *plan, .start = {{1, 0, 0, 0, 0}}, .end = {{1, 0, 0, 0, 0}}};
  const RunQaResult one = decode(context, logits, {});
  ASSERT_EQ(one.n_best.size(), 1U);
  EXPECT_EQ(one.prediction, "empty");
  EXPECT_TRUE(one.n_best[0].is_placeholder);
  EXPECT_EQ(one.n_best[0].probability, 1.0);
  EXPECT_TRUE(to_decoded(one, {}).answers.empty()) << "the placeholder is no part of the context";

  const RunQaResult two = decode(context, logits, {.version_2 = true});
  ASSERT_EQ(two.n_best.size(), 2U);
  EXPECT_EQ(two.n_best[0].text, "empty");
  EXPECT_EQ(two.n_best[1].probability, 1.0 / (1.0 + std::exp(-2.0))) << "float64 because of the placeholder";
  EXPECT_EQ(two.score_diff, 2.0F);
  EXPECT_EQ(two.prediction, "");
}

TEST(RunQaDecoder, LogitsThatAreNoNumbersDoNotCrash) {
  const float inf = std::numeric_limits<float>::infinity();
  for (const float bad : {std::nanf(""), inf, -inf}) {
    const RunQaResult result =
        decode(abc(), three_tokens(std::vector<float>(6, bad), {0, bad, bad, -bad, 0, 1}), {.version_2 = true});
    EXPECT_FALSE(result.n_best.empty());
  }
}

TEST(ToDecoded, PutsTheDecisionFirst) {
  const MadeLogits logits = three_tokens({2, -9, 1, 0, 0, -9}, {1, -9, 1, 0, 0, -9});
  const RunQaOptions lenient{.version_2 = true, .null_threshold = 5.0F};
  const RunQaResult kept = decode(abc(), logits, lenient);
  ASSERT_TRUE(kept.n_best[0].is_null) << "the null entry has the best score here";
  const Decoded answers = to_decoded(kept, lenient);
  EXPECT_EQ(answers.answers[0].text, "a");
  EXPECT_TRUE(answers.answers[1].is_no_answer);
  EXPECT_EQ(answers.answers.size(), kept.n_best.size());
  EXPECT_EQ(answers.no_answer_score, 3.0);

  const RunQaOptions strict{.version_2 = true, .null_threshold = -5.0F};
  const Decoded none = to_decoded(decode(abc(), logits, strict), strict);
  EXPECT_TRUE(none.answers[0].is_no_answer);
  EXPECT_EQ(none.answers[1].text, "a");
}

TEST(RunQaOptions, MustMakeSense) {
  EXPECT_TRUE(check_options(RunQaOptions{}));
  EXPECT_FALSE(check_options(RunQaOptions{.n_best = 0}));
  EXPECT_FALSE(check_options(RunQaOptions{.max_answer_tokens = 0}));
  EXPECT_FALSE(check_options(RunQaOptions{.null_threshold = std::nanf("")}));
}

}  // namespace
}  // namespace spanqa

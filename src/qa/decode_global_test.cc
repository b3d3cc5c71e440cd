#include "qa/decode_global.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <tuple>

#include "qa/decode_common.h"
#include "qa/decode_testing.h"

namespace spanqa {
namespace {

using testing::add_word;
using testing::MadeContext;
using testing::MadeLogits;
using testing::make_context;
using testing::random_context;
using testing::random_logits;

/// Every span of every window, sorted, taken greedily.
std::vector<Answer> decode_ref(const MadeContext& context, const MadeLogits& logits, const GlobalOptions& options) {
  struct Span {
    double margin;
    std::size_t first, last, window;
  };
  std::vector<Span> spans;
  for (std::size_t w = 0; w < logits.plan.windows.size(); ++w) {
    const WindowLogits window = logits.window(w);
    const double null = static_cast<double>(window.start[0]) + static_cast<double>(window.end[0]);
    for (std::size_t i = 0; i < window.n_context; ++i) {
      for (std::size_t j = i; j < window.n_context && j - i < static_cast<std::size_t>(options.max_answer_tokens);
           ++j) {
        const double sum = static_cast<double>(window.start[window.context_position + i]) +
                           static_cast<double>(window.end[window.context_position + j]);
        spans.push_back({sum - null, window.context_begin + i, window.context_begin + j, w});
      }
    }
  }
  std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) {
    return std::tuple(-a.margin, a.first, a.last, a.window) < std::tuple(-b.margin, b.first, b.last, b.window);
  });
  std::vector<Answer> answers;
  const TokenizedText& tokens = context.tokens;
  for (const Span& span : spans) {
    ByteSpan bytes{tokens.spans[span.first].begin, tokens.spans[span.last].end};
    for (std::size_t t = 0; options.align_to_words && t < tokens.size(); ++t) {
      if (tokens.words[t] == tokens.words[span.first]) bytes.begin = std::min(bytes.begin, tokens.spans[t].begin);
      if (tokens.words[t] == tokens.words[span.last]) bytes.end = std::max(bytes.end, tokens.spans[t].end);
    }
    const bool overlaps = std::any_of(answers.begin(), answers.end(), [bytes](const Answer& answer) {
      return answer.span.begin < bytes.end && bytes.begin < answer.span.end;
    });
    if (overlaps || answers.size() == static_cast<std::size_t>(options.top_k)) continue;
    answers.push_back({.text = slice(context.text, bytes),
                       .span = bytes,
                       .score = 1.0 / (1.0 + std::exp(-span.margin / options.temperature.value_or(1.0))),
                       .window = span.window});
  }
  return answers;
}

Decoded decode(const MadeContext& context, const MadeLogits& logits, const GlobalOptions& options) {
  GlobalDecoder decoder(context.text, context.tokens, options);
  for (std::size_t i = 0; i < logits.plan.windows.size(); ++i) decoder.add(logits.window(i));
  return decoder.finish();
}

void expect_like_ref(const MadeContext& context, const MadeLogits& logits, const GlobalOptions& options) {
  const std::vector<Answer> expected = decode_ref(context, logits, options);
  const Decoded decoded = decode(context, logits, options);
  ASSERT_EQ(decoded.answers.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(decoded.answers[i].span, expected[i].span) << "answer " << i;
    ASSERT_EQ(decoded.answers[i].text, expected[i].text) << "answer " << i;
    ASSERT_EQ(decoded.answers[i].window, expected[i].window) << "answer " << i;
    ASSERT_DOUBLE_EQ(decoded.answers[i].score, expected[i].score) << "answer " << i;
  }
}

TEST(GlobalDecoder, EqualsGreedyTakingOverAllSpans) {
  const std::vector<GlobalOptions> settings = {
      {},
      {.top_k = 3},
      {.top_k = 5, .max_answer_tokens = 4, .temperature = 2.5, .align_to_words = false},
      {.top_k = 1000},
      {.top_k = 1000, .max_answer_tokens = 1, .align_to_words = false},
      {.max_answer_tokens = 100000},
  };
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 150; ++round) {
    const MadeContext context = random_context(random() % 120, random);
    const auto plan = plan_windows(random() % 4, context.tokens.size(), {.max_length = 24, .overlap = random() % 17});
    ASSERT_TRUE(plan);
    const MadeLogits logits = random_logits(*plan, 3.0F, round % 2 == 0 ? 0.0F : 1.0F, random);
    for (const GlobalOptions& options : settings) {
      SCOPED_TRACE("round " + std::to_string(round) + ", top_k " + std::to_string(options.top_k));
      ASSERT_NO_FATAL_FAILURE(expect_like_ref(context, logits, options));
    }
  }
}

TEST(GlobalDecoder, ManyWindowsLoseNothingWhenHopelessOnesAreDropped) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 12; ++round) {
    const MadeContext context = random_context(1500, random);
    const auto plan =
        plan_windows(0, context.tokens.size(), {.max_length = 8 + random() % 12, .overlap = random() % 5});
    ASSERT_TRUE(plan);
    ASSERT_GT(plan->windows.size(), 80U);
    const MadeLogits logits = random_logits(*plan, 2.0F, round % 2 == 0 ? 0.0F : 1.0F, random);
    for (const int top_k : {1, 2, 7}) {
      ASSERT_NO_FATAL_FAILURE(expect_like_ref(context, logits, {.top_k = top_k, .max_answer_tokens = 6}));
    }
  }
}

TEST(GlobalDecoder, AMillionAnswersOfALongWindowAreFoundQuickly) {
  constexpr std::size_t kTokens = 100'000;
  MadeContext context;
  for (std::size_t i = 0; i < kTokens; ++i) add_word(context, {"x"});
  const auto plan = plan_windows(0, kTokens, {.max_length = kTokens + 3, .overlap = 0});
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->windows.size(), 1U);
  std::vector<float> rising(plan->n_tokens(plan->windows.front()),
                            0.0F);  // the best span of what is left always stands at its end
  for (std::size_t i = 0; i < kTokens; ++i) rising[plan->context_position() + i] = static_cast<float>(i);
  const auto start = std::chrono::steady_clock::now();
  const Decoded decoded =
      decode(context, {.plan = *plan, .start = {rising}, .end = {rising}}, {.top_k = 1'000'000, .temperature = 1e4});
  // Far above what it takes (0.1 s), also with sanitizers, and far below what a quadratic search would take.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  ASSERT_EQ(decoded.answers.size(), kTokens);
  for (std::size_t i = 0; i < kTokens; ++i) ASSERT_EQ(decoded.answers[i].span, context.tokens.spans[kTokens - 1 - i]);
}

TEST(GlobalDecoder, AMillionAnswersAreThoseOfGreedyTaking) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const MadeContext context = random_context(2000, random);
  const auto plan = plan_windows(0, context.tokens.size(), {.max_length = 512, .overlap = 128});
  ASSERT_TRUE(plan);
  for (const float step : {0.0F, 1.0F}) {
    expect_like_ref(context, random_logits(*plan, 3.0F, step, random), {.top_k = 1'000'000, .max_answer_tokens = 6});
  }
}

/// Two windows over "a b c d", two tokens each: [CLS] [SEP] x y [SEP].
MadeLogits two_windows(const std::vector<float>& first, const std::vector<float>& second) {
  auto plan = plan_windows(0, 4, {.max_length = 5, .overlap = 0});
  return {.plan = *plan, .start = {first, second}, .end = {first, second}};
}

const MadeContext& abcd() {
  static const MadeContext context = make_context({{"a"}, {"b"}, {"c"}, {"d"}});
  return context;
}

TEST(GlobalDecoder, ScoreIsTheOddsAgainstTheWindowsOwnNoAnswer) {
  const Decoded decoded = decode(abcd(), two_windows({3, 0, 2, -9, 0}, {-2, 0, 1, -9, 0}), {.top_k = 2});
  ASSERT_EQ(decoded.answers.size(), 2U);
  EXPECT_EQ(decoded.answers[0].text, "c") << "the first window's own no-answer is stronger than its span";
  EXPECT_DOUBLE_EQ(decoded.answers[0].score, 1.0 / (1.0 + std::exp(-6.0)));
  EXPECT_EQ(decoded.answers[0].window, 1U);
  EXPECT_EQ(decoded.answers[0].start_logit, 1.0F);
  EXPECT_EQ(decoded.answers[1].text, "a");
  EXPECT_DOUBLE_EQ(decoded.answers[1].score, 1.0 / (1.0 + std::exp(2.0)));
  EXPECT_DOUBLE_EQ(decoded.no_answer_score, 1.0 - decoded.answers[0].score);
}

TEST(GlobalDecoder, TemperatureMakesScoresLessExtreme) {
  const MadeLogits logits = two_windows({-2, 0, 1, -9, 0}, {9, 0, 0, 0, 0});
  EXPECT_DOUBLE_EQ(decode(abcd(), logits, {.temperature = 3.0}).answers[0].score, 1.0 / (1.0 + std::exp(-2.0)));
}

TEST(GlobalDecoder, NoAnswerComesFirstUnlessTheBestScoreExceedsTheThreshold) {
  const MadeLogits logits = two_windows({1, 0, 1, -9, 0}, {1, 0, -9, -9, 0});  // best score exactly 0.5
  const Decoded none = decode(abcd(), logits, {.top_k = 2, .no_answer_threshold = 0.5});
  ASSERT_EQ(none.answers.size(), 2U);
  EXPECT_TRUE(none.answers[0].is_no_answer);
  EXPECT_EQ(none.answers[0].text, "");
  EXPECT_DOUBLE_EQ(none.answers[0].score, 0.5);
  EXPECT_EQ(none.answers[1].text, "a");
  const Decoded some = decode(abcd(), logits, {.top_k = 2, .no_answer_threshold = 0.4999});
  EXPECT_EQ(some.answers[0].text, "a");
  EXPECT_TRUE(decode(abcd(), logits, {.no_answer_threshold = 0.5}).answers.at(0).is_no_answer);
}

TEST(GlobalDecoder, WordsCutAtAWindowsBorderAreCompleted) {
  const MadeContext context = make_context({{"ab", "cd", "ef"}, {"g"}});
  const auto plan = plan_windows(0, 4, {.max_length = 5, .overlap = 0});
  ASSERT_TRUE(plan);
  const MadeLogits logits{
      .plan = *plan, .start = {{0, 0, 0, 1, 0}, {0, 0, -9, -9, 0}}, .end = {{0, 0, 0, 1, 0}, {0, 0, -9, -9, 0}}};
  EXPECT_EQ(decode(context, logits, {}).answers.at(0).text, "abcdef");
  EXPECT_EQ(decode(context, logits, {.align_to_words = false}).answers.at(0).text, "cd");
}

TEST(GlobalDecoder, EmptyContextGivesNothingOrNoAnswer) {
  const MadeContext context;
  const auto plan = plan_windows(1, 0, {});
  ASSERT_TRUE(plan);
  const MadeLogits logits{.plan = *plan, .start = {{1, 0, 0, 0}}, .end = {{1, 0, 0, 0}}};
  const Decoded nothing = decode(context, logits, {});
  EXPECT_TRUE(nothing.answers.empty());
  EXPECT_EQ(nothing.no_answer_score, 1.0);
  EXPECT_TRUE(decode(context, logits, {.no_answer_threshold = 0.1}).answers.at(0).is_no_answer);
}

TEST(GlobalDecoder, LogitsThatAreNoNumbersAndTokensWithoutBytesDoNotCrash) {
  const float inf = std::numeric_limits<float>::infinity();
  for (const float bad : {std::nanf(""), inf, -inf}) {
    EXPECT_LE(decode(abcd(), two_windows({0, 0, bad, 1, 0}, {bad, 0, bad, 1, 0}), {.top_k = 9}).answers.size(), 4U);
    EXPECT_LE(decode(abcd(), two_windows({bad, bad, bad, bad, bad}, {1, 0, 0, 0, 0}), {.top_k = 9}).answers.size(), 4U);
  }
  MadeContext hollow = abcd();
  for (ByteSpan& span : hollow.tokens.spans) span.end = span.begin;
  for (const bool align : {true, false}) {
    const Decoded decoded =
        decode(hollow, two_windows({0, 0, 3, 1, 0}, {0, 0, 2, 1, 0}), {.top_k = 9, .align_to_words = align});
    for (const Answer& answer : decoded.answers) EXPECT_FALSE(answer.text.empty());
  }
}

TEST(GlobalOptions, MustMakeSense) {
  EXPECT_TRUE(check_options(GlobalOptions{}));
  EXPECT_FALSE(check_options(GlobalOptions{.top_k = 0}));
  EXPECT_FALSE(check_options(GlobalOptions{.max_answer_tokens = 0}));
  for (const double bad : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_FALSE(check_options(GlobalOptions{.temperature = bad})) << bad;
  }
  EXPECT_FALSE(check_options(GlobalOptions{.no_answer_threshold = 1.1}));
  EXPECT_FALSE(check_options(GlobalOptions{.no_answer_threshold = std::nan("")}));
}

}  // namespace
}  // namespace spanqa

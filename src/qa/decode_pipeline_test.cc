#include "qa/decode_pipeline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "qa/decode_common.h"
#include "qa/decode_testing.h"
#include "qa/python_text.h"

namespace spanqa {
namespace {

using testing::MadeContext;
using testing::MadeLogits;
using testing::make_context;
using testing::random_context;
using testing::random_logits;

constexpr SpecialIds kSpecials{.pad = 0, .unk = 100, .cls = 101, .sep = 102, .mask = 103};

std::vector<float> softmax_ref(const std::vector<float>& logits) {
  const float highest = *std::max_element(logits.begin(), logits.end());
  std::vector<float> out;
  for (const float logit : logits) out.push_back(std::exp(logit - highest));
  const float sum = numpy_sum(std::span<const float>(out));
  for (float& value : out) value /= sum;
  return out;
}

/// The reference as written: the whole n x n matrix, sorted, then filtered. Ties and zeros in flat order.
class PipelineRef {
 public:
  PipelineRef(const MadeContext& context, const PipelineOptions& options) : context_(context), options_(options) {}

  void add(const WindowLogits& window) {
    const std::size_t n = window.n_tokens;
    std::vector<bool> allowed(n, false);
    std::vector<float> start(n, -10000.0F);
    std::vector<float> end(n, -10000.0F);
    for (std::size_t i = 0; i < n; ++i) {
      const bool in_context = i >= window.context_position && i < window.context_position + window.n_context;
      allowed[i] = i == 0 || (in_context && (options_.compat != PipelineCompat::kSane ||
                                             context_.tokens.ids[token(window, i)] != kSpecials.cls));
      if (!allowed[i]) continue;
      start[i] = window.start[i];
      end[i] = window.end[i];
    }
    start = softmax_ref(start);
    end = softmax_ref(end);
    null_ = std::min(null_, static_cast<double>(start[0] * end[0]));
    start[0] = end[0] = 0.0F;
    std::vector<float> matrix(n * n, 0.0F);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = i; j < n && j - i < static_cast<std::size_t>(options_.max_answer_tokens); ++j) {
        matrix[i * n + j] = start[i] * end[j];
      }
    }
    std::vector<std::size_t> order(n * n);
    for (std::size_t i = 0; i < n * n; ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return matrix[a] > matrix[b]; });
    const bool over_fetch = options_.align_to_words && options_.compat != PipelineCompat::kHf452;
    const std::size_t top_k = static_cast<std::size_t>(options_.top_k);
    order.resize(std::min(order.size(), over_fetch ? 2 * top_k + 10 : top_k));
    for (const std::size_t cell : order) {
      if (allowed[cell / n] && allowed[cell % n]) take(window, cell / n, cell % n, matrix[cell]);
    }
  }

  std::vector<Answer> finish() {
    if (options_.handle_impossible_answer) answers_.push_back(no_answer(null_));
    std::stable_sort(answers_.begin(), answers_.end(),
                     [](const Answer& a, const Answer& b) { return a.score > b.score; });
    if (answers_.size() > static_cast<std::size_t>(options_.top_k)) {
      answers_.resize(static_cast<std::size_t>(options_.top_k));
    }
    return answers_;
  }

 private:
  static std::size_t token(const WindowLogits& window, std::size_t position) {
    return window.context_begin + position - window.context_position;
  }

  ByteSpan place(const WindowLogits& window, std::size_t s, std::size_t e) const {
    const TokenizedText& tokens = context_.tokens;
    const auto offset = [&](std::size_t position) {
      return position == 0 ? ByteSpan{} : tokens.spans[token(window, position)];
    };
    if (!options_.align_to_words || s == 0 || e == 0) return {offset(s).begin, offset(e).end};
    ByteSpan span{std::numeric_limits<std::uint32_t>::max(), 0};
    for (std::size_t t = window.context_begin; t < window.context_begin + window.n_context; ++t) {
      if (tokens.words[t] == tokens.words[token(window, s)]) span.begin = std::min(span.begin, tokens.spans[t].begin);
      if (tokens.words[t] == tokens.words[token(window, e)]) span.end = std::max(span.end, tokens.spans[t].end);
    }
    return span;
  }

  void take(const WindowLogits& window, std::size_t s, std::size_t e, float score) {
    ByteSpan span = place(window, s, e);
    span.end = std::max(span.begin, span.end);
    const std::string text = slice(context_.text, span);
    if (options_.compat == PipelineCompat::kSane && (score == 0.0F || text.empty())) return;
    if (options_.compat != PipelineCompat::kHf452) {
      const auto known = std::find(lowered_.begin(), lowered_.end(), python_lower(text));
      if (known != lowered_.end()) {
        answers_[static_cast<std::size_t>(known - lowered_.begin())].score += static_cast<double>(score);
        return;
      }
    }
    lowered_.push_back(python_lower(text));
    answers_.push_back({.text = text, .span = span, .score = static_cast<double>(score)});
  }

  const MadeContext& context_;
  PipelineOptions options_;
  std::vector<Answer> answers_;
  std::vector<std::string> lowered_;
  double null_ = 1e6;
};

Decoded decode(const MadeContext& context, const MadeLogits& logits, const PipelineOptions& options) {
  PipelineDecoder decoder(context.text, context.tokens, kSpecials, options);
  for (std::size_t i = 0; i < logits.plan.windows.size(); ++i) decoder.add(logits.window(i));
  return decoder.finish();
}

void expect_like_ref(const MadeContext& context, const MadeLogits& logits, const PipelineOptions& options) {
  PipelineRef ref(context, options);
  for (std::size_t i = 0; i < logits.plan.windows.size(); ++i) ref.add(logits.window(i));
  const std::vector<Answer> expected = ref.finish();
  const Decoded decoded = decode(context, logits, options);
  ASSERT_EQ(decoded.answers.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(decoded.answers[i].text, expected[i].text) << "answer " << i;
    ASSERT_EQ(decoded.answers[i].span, expected[i].span) << "answer " << i;
    ASSERT_EQ(decoded.answers[i].score, expected[i].score) << "answer " << i;
    ASSERT_EQ(decoded.answers[i].is_no_answer, expected[i].is_no_answer) << "answer " << i;
    ASSERT_EQ(decoded.answers[i].text, slice(context.text, decoded.answers[i].span));
  }
}

TEST(PipelineDecoder, EqualsTheWholeMatrix) {
  const std::vector<PipelineOptions> settings = {
      {},
      {.top_k = 3},
      {.top_k = 5, .handle_impossible_answer = true},
      {.handle_impossible_answer = true},
      {.top_k = 4, .max_answer_tokens = 30, .align_to_words = false},
      {.align_to_words = false},
      {.top_k = 40, .max_answer_tokens = 1},
      {.top_k = 1000, .max_answer_tokens = 1000000, .handle_impossible_answer = true},
  };
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 60; ++round) {
    MadeContext context = random_context(random() % 60, random);
    if (context.tokens.size() > 3 && round % 4 == 0) context.tokens.ids[2] = kSpecials.cls;
    const auto plan = plan_windows(random() % 4, context.tokens.size(), {.max_length = 32, .overlap = random() % 20});
    ASSERT_TRUE(plan);
    const float spread = std::vector<float>{1.0F, 5.0F, 40.0F}[random() % 3];
    const MadeLogits logits = random_logits(*plan, spread, round % 2 == 0 ? 0.0F : 1.0F, random);
    for (PipelineOptions options : settings) {
      for (const auto compat : {PipelineCompat::kSane, PipelineCompat::kHf52, PipelineCompat::kHf452}) {
        options.compat = compat;
        SCOPED_TRACE("round " + std::to_string(round) + ", top_k " + std::to_string(options.top_k) + ", compat " +
                     std::to_string(static_cast<int>(compat)));
        ASSERT_NO_FATAL_FAILURE(expect_like_ref(context, logits, options));
      }
    }
  }
}

/// Logits that make the softmax give the named positions these probabilities; what is missing to 1 goes to [CLS].
MadeLogits probabilities(const WindowPlan& plan, const std::vector<std::vector<float>>& by_window) {
  MadeLogits made{.plan = plan, .start = {}, .end = {}};
  for (std::size_t w = 0; w < by_window.size(); ++w) {
    std::vector<float> logits(plan.n_tokens(plan.windows[w]), 0.0F);
    float rest = 1.0F;
    for (std::size_t i = 0; i < by_window[w].size(); ++i) {
      const float p = std::sqrt(by_window[w][i]);
      logits[plan.context_position() + i] = p > 0.0F ? std::log(p) : -1000.0F;
      rest -= p;
    }
    logits[0] = rest > 1e-6F ? std::log(rest) : -1000.0F;
    made.start.push_back(logits);
    made.end.push_back(logits);
  }
  return made;
}

TEST(PipelineDecoder, TheSameAnswerInTwoWindowsAddsUpAboveOne) {
  const MadeContext context = make_context({{"a"}, {"b"}, {"Rome"}, {"c"}, {"d"}});
  const auto plan = plan_windows(0, 5, {.max_length = 6, .overlap = 1});  // tokens 0-2 and 2-4
  ASSERT_TRUE(plan);
  const Decoded decoded = decode(context, probabilities(*plan, {{0, 0, 0.9F}, {0.8F, 0, 0}}), {.top_k = 3});
  ASSERT_EQ(decoded.answers.size(), 1U);
  EXPECT_EQ(decoded.answers[0].text, "Rome");
  EXPECT_NEAR(decoded.answers[0].score, 1.7, 1e-5);
  EXPECT_EQ(decoded.answers[0].window, 0U);
}

TEST(PipelineDecoder, TextsThatDifferInCaseAreMergedUnderTheFirst) {
  const MadeContext context = make_context({{"paris"}, {"x"}, {"Paris"}});
  const auto plan = plan_windows(0, 3, {});
  ASSERT_TRUE(plan);
  const MadeLogits logits = probabilities(*plan, {{0.09F, 0, 0.25F}});
  const Decoded merged = decode(context, logits, {.top_k = 2});
  ASSERT_GE(merged.answers.size(), 1U);
  EXPECT_EQ(merged.answers[0].text, "Paris") << "the better one was seen first";
  EXPECT_EQ(merged.answers[0].span, (ByteSpan{8, 13}));
  EXPECT_NEAR(merged.answers[0].score, 0.34, 1e-5);
  EXPECT_NEAR(merged.answers[0].start_logit, std::log(0.5F), 1e-6) << "of the best occurrence";

  const Decoded apart = decode(context, logits, {.top_k = 3, .compat = PipelineCompat::kHf452});
  ASSERT_GE(apart.answers.size(), 2U);
  EXPECT_EQ(apart.answers[0].text, "Paris");
  EXPECT_NEAR(apart.answers[0].score, 0.25, 1e-5);
}

TEST(PipelineDecoder, CasedDuplicatesMayLeaveOneAnswerOfTwo) {
  const MadeContext context = make_context({{"paris"}, {"Paris"}});
  const auto plan = plan_windows(0, 2, {});
  ASSERT_TRUE(plan);
  const MadeLogits logits = probabilities(*plan, {{0.01F, 0.64F}});
  EXPECT_EQ(decode(context, logits, {.top_k = 2, .max_answer_tokens = 1}).answers.size(), 1U);
}

TEST(PipelineDecoder, NullWinsOnlyWhenStrictlyLarger) {
  const MadeContext context = make_context({{"a"}});
  const auto plan = plan_windows(0, 1, {});
  ASSERT_TRUE(plan);
  MadeLogits logits = random_logits(*plan, 0.0F, 0.0F, *std::make_unique<std::mt19937>(1));  // all 0: p = 0.5 each
  const Decoded tie = decode(context, logits, {.handle_impossible_answer = true});
  ASSERT_EQ(tie.answers.size(), 1U);
  EXPECT_EQ(tie.answers[0].text, "a");
  EXPECT_EQ(tie.answers[0].score, tie.no_answer_score);
  logits.start[0][0] = 0.01F;
  const Decoded null = decode(context, logits, {.handle_impossible_answer = true});
  ASSERT_EQ(null.answers.size(), 1U);
  EXPECT_TRUE(null.answers[0].is_no_answer);
  EXPECT_EQ(null.answers[0].text, "");
  EXPECT_EQ(null.answers[0].span, ByteSpan{});
}

TEST(PipelineDecoder, OneTokenContextGivesOneAnswerAndTheLeakOnlyToTheLetter) {
  const MadeContext context = make_context({{"Rome"}});
  const auto plan = plan_windows(1, 1, {});
  ASSERT_TRUE(plan);
  std::mt19937 random(3);
  const MadeLogits logits = random_logits(*plan, 1.0F, 0.0F, random);
  for (const int top_k : {1, 3}) {
    const Decoded sane = decode(context, logits, {.top_k = top_k});
    ASSERT_EQ(sane.answers.size(), 1U);
    EXPECT_EQ(sane.answers[0].text, "Rome");
    EXPECT_GT(sane.answers[0].score, 0.0);
  }
  const Decoded leaky = decode(context, logits, {.top_k = 3, .compat = PipelineCompat::kHf52});
  ASSERT_EQ(leaky.answers.size(), 2U);
  EXPECT_EQ(leaky.answers[1].text, "");
  EXPECT_EQ(leaky.answers[1].score, 0.0);
}

TEST(PipelineDecoder, AsManyCellsAsWantedSpansIsNoCrash) {
  const MadeContext context = make_context({{"a"}, {"b"}});  // 6 tokens, 36 cells; top_k 13 wants 36
  const auto plan = plan_windows(1, 2, {});
  ASSERT_TRUE(plan);
  std::mt19937 random(4);
  const MadeLogits logits = random_logits(*plan, 1.0F, 0.0F, random);
  ASSERT_EQ(logits.start[0].size(), 6U);
  expect_like_ref(context, logits, {.top_k = 13, .compat = PipelineCompat::kHf52});
  EXPECT_EQ(decode(context, logits, {.top_k = 13}).answers.size(), 3U);  // "a", "b", "a b"
}

TEST(PipelineDecoder, WordsCutAtAWindowsBorderStayCutThere) {
  const MadeContext context = make_context({{"ab", "cd"}, {"e"}});
  const auto plan = plan_windows(0, 3, {.max_length = 5, .overlap = 1});  // tokens 0-1, 1-2
  ASSERT_TRUE(plan);
  const Decoded decoded = decode(context, probabilities(*plan, {{0, 0}, {0.9F, 0}}), {.top_k = 1});
  ASSERT_EQ(decoded.answers.size(), 1U);
  EXPECT_EQ(decoded.answers[0].text, "cd");
}

TEST(PipelineDecoder, EmptyContextGivesNothingOrNoAnswer) {
  const MadeContext context;
  const auto plan = plan_windows(2, 0, {});
  ASSERT_TRUE(plan);
  std::mt19937 random(5);
  const MadeLogits logits = random_logits(*plan, 1.0F, 0.0F, random);
  EXPECT_TRUE(decode(context, logits, {}).answers.empty());
  const Decoded null = decode(context, logits, {.handle_impossible_answer = true});
  ASSERT_EQ(null.answers.size(), 1U);
  EXPECT_TRUE(null.answers[0].is_no_answer);
  EXPECT_NEAR(null.answers[0].score, 1.0, 1e-6);
}

TEST(PipelineDecoder, LogitsThatAreNoNumbersDoNotCrash) {
  const MadeContext context = make_context({{"a"}, {"b"}, {"c"}});
  const auto plan = plan_windows(1, 3, {});
  ASSERT_TRUE(plan);
  std::mt19937 random(6);
  const float inf = std::numeric_limits<float>::infinity();
  for (const float bad : {std::nanf(""), inf, -inf}) {
    MadeLogits logits = random_logits(*plan, 1.0F, 0.0F, random);
    logits.start[0].assign(logits.start[0].size(), bad);
    const Decoded decoded = decode(context, logits, {.top_k = 5, .handle_impossible_answer = true});
    EXPECT_LE(decoded.answers.size(), 5U);
  }
}

TEST(PipelineOptions, ErrorsSayWhatTheReferenceSays) {
  const auto top_k = check_options(PipelineOptions{.top_k = 0});
  ASSERT_FALSE(top_k);
  EXPECT_EQ(top_k.error().message, "top_k parameter should be >= 1 (got 0)");
  const auto length = check_options(PipelineOptions{.max_answer_tokens = 0});
  ASSERT_FALSE(length);
  EXPECT_EQ(length.error().message, "max_answer_len parameter should be >= 1 (got 0)");
  EXPECT_TRUE(check_options(PipelineOptions{}));
}

TEST(NumpySum, AddsInNumpysOrder) {
  // (np.float32(1) / np.arange(1, n + 1, dtype=np.float32)).sum() of NumPy 2.4: the order of adding shows in the bits.
  const std::vector<std::pair<std::size_t, float>> sums = {
      {7, 0x1.4be2c0p+1F},   {8, 0x1.5be2c0p+1F},   {100, 0x1.4bfe02p+2F}, {128, 0x1.5bb8b0p+2F},
      {129, 0x1.5c37b4p+2F}, {384, 0x1.a1ddc4p+2F}, {1000, 0x1.df11f8p+2F}};
  for (const auto& [n, sum] : sums) {
    std::vector<float> values;
    for (std::size_t i = 1; i <= n; ++i) values.push_back(1.0F / static_cast<float>(i));
    EXPECT_EQ(numpy_sum(std::span<const float>(values)), sum) << n;
  }
  EXPECT_EQ(numpy_sum(std::span<const float>()), 0.0F);
}

}  // namespace
}  // namespace spanqa

#include "qa/windows.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "qa/decode_testing.h"

namespace spanqa {
namespace {

using testing::MadeContext;
using testing::make_context;
using testing::random_context;

std::string message_of(const Result<WindowPlan>& plan) { return plan ? "" : plan.error().message; }

TEST(PlanWindows, CoverTheContextAndShareExactlyTheOverlap) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    const std::size_t n_question = random() % 40;
    const std::size_t room = 1 + random() % 60;
    const WindowOptions options{.max_length = n_question + 3 + room, .overlap = random() % room};
    const std::size_t n_context = random() % 500;
    const auto plan = plan_windows(n_question, n_context, options);
    ASSERT_TRUE(plan) << message_of(plan);
    ASSERT_EQ(plan->n_question, n_question);
    ASSERT_FALSE(plan->question_truncated);
    ASSERT_EQ(plan->windows.front().context_begin, 0U);
    ASSERT_EQ(plan->windows.back().context_end, n_context);
    for (std::size_t i = 0; i < plan->windows.size(); ++i) {
      const Window& window = plan->windows[i];
      ASSERT_LE(plan->n_tokens(window), options.max_length);
      if (i == 0) continue;
      const Window& previous = plan->windows[i - 1];
      ASSERT_EQ(previous.context_end - window.context_begin, options.overlap);
      ASSERT_EQ(previous.n_context(), room) << "only the last window may be short";
      ASSERT_GT(window.context_end, previous.context_end) << "a window without a token of its own";
    }
  }
}

TEST(PlanWindows, OneWindowWhereEverythingFits) {
  const auto plan = plan_windows(10, 371, {.max_length = 384, .overlap = 128});
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->windows.size(), 1U);
  EXPECT_EQ(plan->n_tokens(plan->windows[0]), 384U);
  const auto empty = plan_windows(10, 0, {});
  ASSERT_TRUE(empty);
  ASSERT_EQ(empty->windows.size(), 1U);
  EXPECT_EQ(empty->windows[0].n_context(), 0U);
}

TEST(PlanWindows, LastWindowIsShortNotShiftedBack) {
  const auto plan = plan_windows(5, 25, {.max_length = 18, .overlap = 4});  // room 10, step 6
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->windows.size(), 4U);
  EXPECT_EQ(plan->windows[3].context_begin, 18U);
  EXPECT_EQ(plan->windows[3].context_end, 25U);
}

TEST(PlanWindows, OverlapMustBeSmallerThanTheRoom) {
  EXPECT_TRUE(plan_windows(5, 25, {.max_length = 18, .overlap = 9}));
  const auto plan = plan_windows(5, 25, {.max_length = 18, .overlap = 10});
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ErrorCode::kInvalidArgument);
  for (const char* number : {"overlap of 10", "10 tokens a window has", "max_length 18", "5 of the question"}) {
    EXPECT_NE(message_of(plan).find(number), std::string::npos) << message_of(plan);
  }
  EXPECT_TRUE(plan_windows(5, 10, {.max_length = 18, .overlap = 10})) << "one window needs no overlap";
}

TEST(CheckPipelineWindows, HasThePipelinesWords) {
  EXPECT_TRUE(check_pipeline_windows({.max_length = 128, .overlap = 128}));
  const Status larger = check_pipeline_windows({.max_length = 128, .overlap = 129});
  ASSERT_FALSE(larger);
  EXPECT_EQ(larger.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(larger.error().message, "`doc_stride` (129) is larger than `max_seq_len` (128)");
}

TEST(PlanWindows, QuestionThatFillsTheWindowIsAnErrorOrTruncated) {
  const auto plan = plan_windows(381, 1, {.max_length = 384});
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(message_of(plan).find("381 tokens"), std::string::npos) << message_of(plan);
  EXPECT_NE(message_of(plan).find("max_length 384"), std::string::npos) << message_of(plan);
  EXPECT_TRUE(plan_windows(381, 0, {.max_length = 384}));
  EXPECT_FALSE(plan_windows(382, 0, {.max_length = 384}));

  const WindowOptions truncate{.max_length = 384, .max_question_length = 64, .long_question = LongQuestion::kTruncate};
  const auto truncated = plan_windows(381, 1000, truncate);
  ASSERT_TRUE(truncated) << message_of(truncated);
  EXPECT_EQ(truncated->n_question, 64U);
  EXPECT_TRUE(truncated->question_truncated);
  const auto untouched = plan_windows(64, 1000, truncate);
  ASSERT_TRUE(untouched);
  EXPECT_FALSE(untouched->question_truncated);
  EXPECT_FALSE(plan_windows(381, 1, {.max_length = 60, .long_question = LongQuestion::kTruncate}));
}

TEST(AppendWindow, LaysOutClsQuestionSepContextSep) {
  const MadeContext question = make_context({{"who"}, {"is"}});
  const MadeContext context = make_context({{"a"}, {"b"}, {"c"}, {"d"}, {"e"}});
  const SpecialIds specials{.pad = 0, .unk = 100, .cls = 101, .sep = 102, .mask = 103};
  const auto plan = plan_windows(2, 5, {.max_length = 8, .overlap = 1});
  ASSERT_TRUE(plan);
  PackedBatch batch;
  for (const Window& window : plan->windows) {
    append_window(*plan, window, question.tokens, context.tokens, specials, batch);
  }
  EXPECT_EQ(batch.ids, (std::vector<std::int32_t>{101, 1000, 1001, 102, 1000, 1001, 1002, 102,  //
                                                  101, 1000, 1001, 102, 1002, 1003, 1004, 102}));
  EXPECT_EQ(batch.type_ids, (std::vector<std::uint8_t>{0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1}));
  EXPECT_EQ(batch.offsets, (std::vector<std::uint32_t>{0, 8, 16}));
}

/// The two scans of run_qa.py over one window, special tokens at offset (0, 0).
WindowLabels label_window_ref(const WindowPlan& plan, const Window& window, const TokenizedText& context,
                              ByteSpan answer) {
  std::vector<ByteSpan> offsets(plan.n_tokens(window));
  for (std::uint32_t t = window.context_begin; t < window.context_end; ++t) {
    offsets[plan.context_position() + t - window.context_begin] = context.spans[t];
  }
  std::size_t first = plan.context_position();
  std::size_t last = first + window.n_context() - 1;
  if (offsets[first].begin > answer.begin || offsets[last].end < answer.end) return {};
  while (first < offsets.size() && offsets[first].begin <= answer.begin) ++first;
  while (offsets[last].end >= answer.end) --last;
  return {.start = static_cast<std::uint32_t>(first - 1), .end = static_cast<std::uint32_t>(last + 1)};
}

TEST(PlanWindows, FitChangesNothingThatFits) {
  const WindowOptions whole{.max_length = 384, .overlap = 128, .max_question_length = 384};
  WindowOptions fitted = whole;
  fitted.long_question = LongQuestion::kFit;
  for (const std::size_t n_question : {0U, 1U, 100U, 252U}) {
    for (const std::size_t n_context : {0U, 1U, 129U, 5000U}) {
      const auto plain = plan_windows(n_question, n_context, whole);
      const auto plan = plan_windows(n_question, n_context, fitted);
      ASSERT_TRUE(plain && plan);
      EXPECT_EQ(plan->n_question, n_question);
      EXPECT_FALSE(plan->question_truncated);
      ASSERT_EQ(plan->windows.size(), plain->windows.size());
      EXPECT_EQ(plan->windows.back().context_begin, plain->windows.back().context_begin);
    }
  }
  const auto one_window = plan_windows(380, 1, fitted);  // no overlap is needed: nothing has to give way
  ASSERT_TRUE(one_window);
  EXPECT_EQ(one_window->n_question, 380U);
}

TEST(PlanWindows, FitLetsTheQuestionGiveWayToTheOverlapAndThenTheOverlap) {
  WindowOptions options{
      .max_length = 384, .overlap = 128, .max_question_length = 1000, .long_question = LongQuestion::kFit};
  const auto long_question = plan_windows(300, 5000, options);
  ASSERT_TRUE(long_question);
  EXPECT_EQ(long_question->n_question, 381U - 129U);
  EXPECT_TRUE(long_question->question_truncated);

  options.overlap = 300;
  const auto long_overlap = plan_windows(300, 5000, options);
  ASSERT_TRUE(long_overlap);
  EXPECT_EQ(long_overlap->n_question, 190U);
  EXPECT_EQ(long_overlap->windows[1].context_begin, 191U - 95U) << "overlap of half the room";

  options.max_question_length = 5;
  const auto cut_first = plan_windows(300, 5000, options);
  ASSERT_TRUE(cut_first);
  EXPECT_EQ(cut_first->n_question, 5U);
  EXPECT_EQ(cut_first->windows[1].context_begin, 376U - 300U);
}

TEST(PlanWindows, FitCoversEveryContextWhateverTheNumbers) {
  for (std::size_t max_length = 4; max_length < 12; ++max_length) {
    for (std::size_t overlap = 0; overlap < 14; ++overlap) {
      for (std::size_t n_question = 0; n_question < 14; ++n_question) {
        for (const std::size_t n_context : {0U, 1U, 7U, 30U}) {
          const auto plan = plan_windows(n_question, n_context,
                                         {.max_length = max_length,
                                          .overlap = overlap,
                                          .max_question_length = 20,
                                          .long_question = LongQuestion::kFit});
          ASSERT_TRUE(plan) << max_length << " " << overlap << " " << n_question << " " << n_context;
          std::size_t covered = 0;
          for (const Window& window : plan->windows) {
            ASSERT_LE(window.context_begin, covered);
            ASSERT_LE(plan->n_tokens(window), max_length);
            covered = window.context_end;
          }
          ASSERT_EQ(covered, n_context);
        }
      }
    }
  }
  EXPECT_FALSE(plan_windows(2, 2, {.max_length = 3, .overlap = 0, .long_question = LongQuestion::kFit}));
}

TEST(LabelWindow, EqualsTheScansOfRunQa) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::size_t n_bugs = 0;
  for (int round = 0; round < 3000; ++round) {
    const MadeContext context = random_context(1 + random() % 30, random);
    const auto plan = plan_windows(random() % 5, context.tokens.size(), {.max_length = 20, .overlap = random() % 12});
    ASSERT_TRUE(plan);
    const auto begin = static_cast<std::uint32_t>(random() % context.text.size());
    const auto end = begin + 1 + static_cast<std::uint32_t>(random() % (context.text.size() - begin));
    for (const Window& window : plan->windows) {
      const WindowLabels expected = label_window_ref(*plan, window, context.tokens, {begin, end});
      ASSERT_EQ(label_window(*plan, window, context.tokens, {begin, end}, true), expected);
      const auto last_position = static_cast<std::uint32_t>(plan->n_tokens(window) - 2);
      const WindowLabels clamped{std::min(expected.start, last_position), expected.end};
      ASSERT_EQ(label_window(*plan, window, context.tokens, {begin, end}), clamped);
      n_bugs += clamped == expected ? 0U : 1U;
    }
  }
  EXPECT_GT(n_bugs, 0U) << "the last token's case never came up";
}

TEST(LabelWindow, AnswerAtTheLastTokenIsClampedUnlessTheBugIsWanted) {
  const MadeContext context = make_context({{"a"}, {"b"}, {"c"}, {"d"}});
  const auto plan = plan_windows(2, 4, {});
  ASSERT_TRUE(plan);
  const ByteSpan answer{6, 7};  // "d", at position 7 of 9
  EXPECT_EQ(label_window(*plan, plan->windows[0], context.tokens, answer), (WindowLabels{7, 7}));
  EXPECT_EQ(label_window(*plan, plan->windows[0], context.tokens, answer, true), (WindowLabels{8, 7}));
}

TEST(LabelWindow, AnswerOutsideTheWindowAndEmptyAnswerGetTheClsToken) {
  const MadeContext context = make_context({{"aa"}, {"bb"}, {"cc"}, {"dd"}});
  const auto plan = plan_windows(1, 4, {.max_length = 6, .overlap = 0});
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->windows.size(), 2U);
  const ByteSpan across{3, 8};  // "bb cc"
  for (const Window& window : plan->windows) {
    EXPECT_EQ(label_window(*plan, window, context.tokens, across), WindowLabels{});
    EXPECT_EQ(label_window(*plan, window, context.tokens, {3, 3}), WindowLabels{});
  }
  EXPECT_EQ(label_window(*plan, plan->windows[1], context.tokens, {6, 8}), (WindowLabels{3, 3}));
  EXPECT_EQ(label_window(*plan, {2, 2}, context.tokens, {6, 8}), WindowLabels{}) << "a window without context";
}

}  // namespace
}  // namespace spanqa

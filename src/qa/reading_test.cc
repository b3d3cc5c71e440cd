#include "qa/reading.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "qa/testing_reader.h"

namespace spanqa {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the helpers of this room's tests

constexpr WindowOptions kShortWindows = {.max_length = 24, .overlap = 5};

/// Logits of every window, each read in a batch of its own.
std::vector<SpanLogits> read_all(const Reader& reader, const Reading& reading) {
  std::vector<SpanLogits> logits(reading.n_windows());
  Workspace workspace(1);
  for (std::size_t w = 0; w < logits.size(); ++w) {
    PackedBatch batch;
    reading.append(w, batch);
    EXPECT_EQ(batch.n_tokens(), reading.n_tokens(w));
    EXPECT_TRUE(reader.model().forward(batch, workspace, logits[w]));
  }
  return logits;
}

void expect_equal(const Answers& a, const Answers& b) {
  ASSERT_EQ(a.answers.size(), b.answers.size());
  EXPECT_NEAR(a.no_answer_score, b.no_answer_score, 1e-5);
  EXPECT_EQ(a.n_windows, b.n_windows);
  EXPECT_EQ(a.n_tokens, b.n_tokens);
  for (std::size_t i = 0; i < a.answers.size(); ++i) {
    EXPECT_EQ(a.answers[i].span, b.answers[i].span);
    EXPECT_EQ(a.answers[i].text, b.answers[i].text);
    EXPECT_NEAR(a.answers[i].score, b.answers[i].score, 1e-5) << "batches of other sizes round otherwise";
  }
}

TEST(Reading, GivesTheReadersAnswerInWhateverOrderWindowsCome) {
  const auto reader = tiny_reader();
  std::mt19937 random(7);
  for (const DecoderOptions& decoder : every_decoder()) {
    const AskOptions options{.decoder = decoder, .windows = kShortWindows};
    const auto expected = reader->ask(kQuestion, kContext, options);
    ASSERT_TRUE(expected) << expected.error().message;
    for (int round = 0; round < 5; ++round) {
      auto reading = Reading::start(*reader, {kQuestion, kContext}, options);
      ASSERT_TRUE(reading) << reading.error().message;
      ASSERT_GT(reading->n_windows(), 3U);
      const std::vector<SpanLogits> logits = read_all(*reader, *reading);
      std::vector<std::size_t> order(logits.size());
      for (std::size_t w = 0; w < order.size(); ++w) order[w] = w;
      if (round > 0) std::shuffle(order.begin(), order.end(), random);
      for (const std::size_t w : order) reading->take(w, logits[w].start.data(), logits[w].end.data());
      expect_equal(reading->finish(), *expected);
    }
  }
}

TEST(Reading, TellsTheBestSoFarWithoutChangingTheEnd) {
  const auto reader = tiny_reader();
  for (const DecoderOptions& decoder : every_decoder()) {
    const AskOptions options{.decoder = decoder, .windows = kShortWindows};
    auto reading = Reading::start(*reader, {kQuestion, kContext}, options);
    ASSERT_TRUE(reading);
    EXPECT_FALSE(reading->best().has_value());
    const std::vector<SpanLogits> logits = read_all(*reader, *reading);
    for (std::size_t w = 0; w < logits.size(); ++w) {
      reading->take(w, logits[w].start.data(), logits[w].end.data());
      EXPECT_EQ(reading->n_read(), w + 1);
      const auto best = reading->best();
      ASSERT_TRUE(best.has_value());
      EXPECT_EQ(best->text, kContext.substr(best->span.begin, best->span.end - best->span.begin));
      EXPECT_LE(best->window, w);
    }
    const auto expected = reader->ask(kQuestion, kContext, options);
    ASSERT_TRUE(expected);
    expect_equal(reading->finish(), *expected);
  }
}

TEST(Reading, RefusesWhatTheReaderRefuses) {
  const auto reader = tiny_reader();
  const auto fault = [&](const Question& question, const AskOptions& options) {
    const auto reading = Reading::start(*reader, question, options);
    const auto answers = reader->ask(question.question, question.context, options);
    EXPECT_FALSE(answers);
    return reading ? "none" : reading.error().message;
  };
  EXPECT_EQ(fault({"", "c"}, {}), "`question` cannot be empty");
  EXPECT_EQ(fault({"q", ""}, {}), "`context` cannot be empty");
  EXPECT_NE(fault({"q", "c"}, {.decoder = PipelineOptions{.top_k = 0}}), "none");
  EXPECT_NE(fault({kQuestion, kContext}, {.windows = {.max_length = 4}}), "none");
}

TEST(Reading, ManyShareABatchAndTheContextsTokens) {
  const auto reader = tiny_reader();
  const AskOptions options{.windows = kShortWindows};
  std::vector<Reading> readings;
  for (const char* question : {"Who built the tower?", "When was it built?", "What did the king name?"}) {
    auto reading = Reading::start(*reader, {question, kContext}, options);
    ASSERT_TRUE(reading);
    readings.push_back(*std::move(reading));
  }
  EXPECT_EQ(readings[0].context(), readings[2].context());
  const CacheCounts counts = reader->context_cache_counts();
  EXPECT_EQ(counts.hits, 2U);
  EXPECT_EQ(counts.misses, 1U);
  EXPECT_GT(counts.bytes, 0U);

  PackedBatch batch;
  for (const Reading& reading : readings) {
    for (std::size_t w = 0; w < reading.n_windows(); ++w) reading.append(w, batch);
  }
  Workspace workspace(1);
  SpanLogits logits;
  ASSERT_TRUE(reader->model().forward(batch, workspace, logits));
  std::size_t sequence = 0;
  for (std::size_t i = 0; i < readings.size(); ++i) {
    for (std::size_t w = 0; w < readings[i].n_windows(); ++w, ++sequence) {
      const std::uint32_t at = batch.offsets[sequence];
      readings[i].take(w, logits.start.data() + at, logits.end.data() + at);
    }
  }
  const auto expected = reader->ask("When was it built?", kContext, options);
  ASSERT_TRUE(expected);
  expect_equal(readings[1].finish(), *expected);
}

TEST(Reading, TakesTheTokensOfAContextThatTheCallerHas) {
  const auto reader = tiny_reader();
  const AskOptions options{.windows = kShortWindows};
  auto first = Reading::start(*reader, {kQuestion, kContext}, options);
  ASSERT_TRUE(first);
  auto second = Reading::start(*reader, {"When was it built?", kContext}, options, first->context());
  ASSERT_TRUE(second);
  EXPECT_EQ(second->context(), first->context());
  EXPECT_EQ(reader->context_cache_counts().hits, 0U) << "the cache is not asked";
}

TEST(Reading, ThreadsReadWindowsOfOneReadingTogether) {
  const auto reader = tiny_reader();
  const AskOptions options{.windows = kShortWindows};
  auto reading = Reading::start(*reader, {kQuestion, kContext}, options);
  ASSERT_TRUE(reading);
  std::mutex mutex;
  std::size_t next = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        Workspace workspace(1);
        while (true) {
          std::unique_lock lock(mutex);
          if (next == reading->n_windows()) return;
          const std::size_t w = next++;
          lock.unlock();
          PackedBatch batch;
          reading->append(w, batch);
          SpanLogits logits;
          ASSERT_TRUE(reader->model().forward(batch, workspace, logits));
          lock.lock();
          reading->take(w, logits.start.data(), logits.end.data());
        }
      });
    }
  }
  const auto expected = reader->ask(kQuestion, kContext, options);
  ASSERT_TRUE(expected);
  expect_equal(reading->finish(), *expected);
}

}  // namespace
}  // namespace spanqa

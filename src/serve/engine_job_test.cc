#include "serve/engine_job.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "serve/testing_engine.h"
#include "serve/token_probabilities.h"

namespace spanqa::serve {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the helpers of this room's tests
using std::chrono::milliseconds;

constexpr WindowOptions kShortWindows = {.max_length = 24, .overlap = 5};

std::unique_ptr<EngineJob> started(EngineRequest request, std::shared_ptr<AnswerCache> cache = nullptr) {
  auto job = std::make_unique<EngineJob>(std::move(request), std::move(cache));
  const auto error = job->tokenize();
  EXPECT_FALSE(error) << error_json(*error);
  return job;
}

/// Windows in batches of one, in the order given.
void read(EngineJob& job, const std::vector<std::size_t>& windows) {
  Workspace workspace(1);
  for (const std::size_t window : windows) {
    PackedBatch batch;
    job.append(window, batch);
    EXPECT_EQ(batch.n_tokens(), job.window_tokens().at(window));
    SpanLogits logits;
    ASSERT_TRUE(job.model()->reader->model().forward(batch, workspace, logits));
    job.take(window, logits.start.data(), logits.end.data());
  }
}

void read_all(EngineJob& job) {
  std::vector<std::size_t> windows(job.window_tokens().size());
  std::iota(windows.begin(), windows.end(), std::size_t{0});
  read(job, windows);
}

TEST(EngineJob, AnswersEveryPairAsTheReaderDoesInWhateverOrderWindowsCome) {
  const auto model = tiny_model();
  const std::vector<std::string> questions = {kQuestion, "When was it built?"};
  const std::vector<std::string> documents = {kContext, "The king.", kContext + " " + kContext};
  for (const DecoderOptions& decoder : every_decoder()) {
    const AskOptions options{.decoder = decoder, .windows = kShortWindows};
    const auto job = started(request_of(model, questions, documents, options));
    const std::vector<std::uint32_t> window_tokens = job->window_tokens();
    EXPECT_EQ(std::accumulate(window_tokens.begin(), window_tokens.end(), std::size_t{0}), job->n_tokens());
    std::vector<std::size_t> backwards(window_tokens.size());
    std::iota(backwards.rbegin(), backwards.rend(), std::size_t{0});
    EXPECT_FALSE(job->is_complete());
    read(*job, backwards);
    ASSERT_TRUE(job->is_complete());

    const EngineAnswer answer = job->finish({});
    EXPECT_FALSE(answer.times.cached);
    EXPECT_EQ(answer.max_length, kShortWindows.max_length);
    EXPECT_EQ(answer.overlap, kShortWindows.overlap);
    EXPECT_TRUE(answer.windows.empty());
    ASSERT_EQ(answer.by_pair.size(), 6U);
    for (std::size_t p = 0; p < 6; ++p) {
      const auto expected = model->reader->ask(questions[p / 3], documents[p % 3], options);
      ASSERT_TRUE(expected);
      expect_same(answer.by_pair[p], *expected, is_bit_equal(*model->reader));
    }
    EXPECT_EQ(answer.request.questions, questions) << "the texts come back";
    EXPECT_EQ(answer.request.documents[2].text, documents[2]);
  }
}

TEST(EngineJob, TokenisesAContextOnceThoughNoCacheKeepsIt) {
  const auto reader = tiny_reader({.context_cache_bytes = 0});
  const auto model = std::make_shared<const LoadedModel>(LoadedModel{.name = "m", .generation = 1, .reader = reader});
  const auto job = started(request_of(model, {kQuestion, "When?", "How many?"}, {kContext, "The king."}));
  EXPECT_EQ(reader->context_cache_counts().misses, 2U);
}

TEST(EngineJob, TellsHowMuchItHasToReadBeforeItTokenisesAnything) {
  const auto reader = tiny_reader({.context_cache_bytes = 0});
  const auto model = std::make_shared<const LoadedModel>(LoadedModel{.name = "m", .generation = 1, .reader = reader});
  const auto cache = std::make_shared<AnswerCache>(1 << 20);
  const EngineRequest asked = request_of(model, {"Who?", "When?"}, {"The king.", kContext});
  EXPECT_EQ(EngineJob(asked, cache).n_bytes(), 2 * 4 + 2 * 5 + 2 * (9 + kContext.size()));
  EXPECT_EQ(EngineJob(asked, cache).n_context_bytes(), 9 + kContext.size());
  EXPECT_EQ(reader->context_cache_counts().misses, 0U);
  const auto first = started(request_of(model, {"Who?"}, {"The king."}), cache);
  read_all(*first);
  (void)first->finish({});
  EXPECT_EQ(EngineJob(asked, cache).n_bytes(), 4 + 2 * 5 + 9 + 2 * kContext.size()) << "without what the cache knows";
}

TEST(EngineJob, TellsHowFarItIs) {
  const auto model = tiny_model();
  const AskOptions options{.windows = kShortWindows};
  const auto job = started(request_of(model, {kQuestion}, {kContext, "The king."}, options));
  const std::size_t n = job->window_tokens().size();
  ASSERT_GT(n, 3U);
  for (std::size_t w = 0; w < n; ++w) {
    read(*job, {w});
    const EngineProgress progress = job->progress();
    EXPECT_EQ(progress.windows_done, w + 1);
    EXPECT_EQ(progress.windows_total, n);
    EXPECT_EQ(progress.pair, w + 1 < n ? 0U : 1U);
    ASSERT_TRUE(progress.best.has_value());
    const std::string& text = progress.pair == 0 ? kContext : "The king.";
    EXPECT_EQ(progress.best->text, text.substr(progress.best->span.begin, progress.best->text.size()));
  }
}

TEST(EngineJob, TakesFromTheCacheWhatItKnowsAndReadsTheRest) {
  const auto model = tiny_model();
  const auto cache = std::make_shared<AnswerCache>(1 << 20);
  const AskOptions options{.windows = kShortWindows};
  const auto first = started(request_of(model, {kQuestion}, {"The king.", "The river."}, options), cache);
  read_all(*first);
  const EngineAnswer answer = first->finish({});
  EXPECT_EQ(cache->counts().misses, 2U);

  const auto again = started(request_of(model, {kQuestion}, {"The river.", "The king."}, options), cache);
  EXPECT_TRUE(again->window_tokens().empty());
  EXPECT_TRUE(again->is_complete());
  const EngineAnswer same = again->finish({.tokenize = milliseconds(1)});
  EXPECT_TRUE(same.times.cached);
  EXPECT_EQ(same.times.tokenize, milliseconds(1));
  expect_same(same.by_pair[0], answer.by_pair[1], true);
  expect_same(same.by_pair[1], answer.by_pair[0], true);

  const auto mixed = started(request_of(model, {kQuestion}, {"The king.", kContext, "The river."}, options), cache);
  read_all(*mixed);
  EXPECT_EQ(mixed->progress().windows_total, mixed->window_tokens().size() + 2);
  EXPECT_EQ(mixed->progress().pair, 1U);
  const EngineAnswer some = mixed->finish({});
  EXPECT_FALSE(some.times.cached);
  expect_same(some.by_pair[0], answer.by_pair[0], true);
  expect_same(some.by_pair[2], answer.by_pair[1], true);

  const auto other = started(request_of(tiny_model(), {kQuestion}, {"The king."}, options), cache);
  EXPECT_FALSE(other->is_complete()) << "another model";
}

TEST(EngineJob, KeepsTheWindowsOfWhoAsksForThemAndReadsThemThen) {
  const auto model = tiny_model();
  const auto cache = std::make_shared<AnswerCache>(1 << 20);
  const AskOptions options{.windows = kShortWindows};
  for (int round = 0; round < 2; ++round) {
    EngineRequest request = request_of(model, {kQuestion}, {kContext, "The king."}, options);
    request.keep_windows = true;
    const auto job = started(std::move(request), cache);
    const std::vector<std::uint32_t> window_tokens = job->window_tokens();
    ASSERT_FALSE(window_tokens.empty()) << "the cache has no logits";
    read_all(*job);
    const EngineAnswer answer = job->finish({});
    ASSERT_EQ(answer.windows.size(), 2U);
    ASSERT_EQ(answer.contexts.size(), 2U);
    ASSERT_EQ(answer.windows[0].size() + answer.windows[1].size(), window_tokens.size());
    for (std::size_t w = 0; w < answer.windows[0].size(); ++w) {
      const KeptWindow& kept = answer.windows[0][w];
      EXPECT_EQ(kept.start.size(), window_tokens[w]);
      EXPECT_EQ(kept.end.size(), window_tokens[w]);
      const WindowProbabilities seen = token_probabilities(kept, *answer.contexts[0], 0, w);
      EXPECT_EQ(seen.tokens.size(), kept.n_context);
    }
    const Answer& best = answer.by_pair[0].answers.at(0);
    const std::vector<float>& start = answer.windows[0].at(best.window).start;
    EXPECT_NE(std::find(start.begin(), start.end(), best.start_logit), start.end());
  }
}

TEST(EngineJob, RefusesAPairThatTheReaderRefuses) {
  const auto model = tiny_model();
  for (EngineRequest request : {request_of(model, {kQuestion, ""}, {kContext}), request_of(model, {kQuestion}, {""}),
                                request_of(model, {kQuestion}, {kContext}, {.windows = {.max_length = 3}})}) {
    const auto error = EngineJob(std::move(request), nullptr).tokenize();
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind, ErrorKind::kInvalidField);
    EXPECT_FALSE(error->message.empty());
  }
  EXPECT_TRUE(started(request_of(model, {}, {}))->is_complete()) << "no pair is no work";
}

TEST(EngineJob, TakesTheNullThresholdOfTheRequestElseTheModels) {
  const auto model = tiny_model();
  const AskOptions options{.decoder = RunQaOptions{.version_2 = true, .null_threshold = 77.0F}};
  for (const std::optional<double> threshold : {std::optional<double>(), std::optional<double>(-1000.0)}) {
    EngineRequest request = request_of(model, {kQuestion}, {kContext}, options);
    request.request.no_answer_threshold = threshold;
    const auto job = started(std::move(request));
    read_all(*job);
    const EngineAnswer answer = job->finish({});
    const auto& used = std::get<RunQaOptions>(answer.request.options.decoder);
    const double expected = threshold.value_or(model->reader->settings().null_score_diff_threshold);
    EXPECT_EQ(used.null_threshold, static_cast<float>(expected));
    if (threshold) {
      EXPECT_TRUE(answer.by_pair[0].run_qa.no_answer);
    }
  }
}

TEST(StageClock, CountsPassesAtOnceOnceAndTheTimeBetweenAsWaiting) {
  const Clock::time_point zero{};
  const auto at = [zero](int ms) { return zero + milliseconds(ms); };
  StageClock clock;
  clock.tokenized(at(0), at(2));
  EXPECT_EQ(clock.times().queue.count(), 0);
  clock.pass_begins(at(5));
  clock.pass_begins(at(7));
  clock.pass_ends(at(15));
  clock.pass_ends(at(16));
  clock.pass_begins(at(20));
  clock.pass_ends(at(30));
  EXPECT_EQ(clock.times().tokenize, milliseconds(2));
  EXPECT_EQ(clock.times().inference, milliseconds(11 + 10));
  EXPECT_EQ(clock.times().queue, milliseconds(3 + 4));
}

}  // namespace
}  // namespace spanqa::serve

#include "serve/batching_engine.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <future>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/cpu.h"
#include "serve/engine_future.h"
#include "serve/testing_engine.h"

namespace spanqa::serve {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the helpers of this room's tests
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr WindowOptions kShortWindows = {.max_length = 24, .overlap = 5};

BatchingOptions three_threads() {
  // ThreadSanitizer does not know OpenMP's regions: with OMP_NUM_THREADS=1 wide passes stay on one thread.
  return {.n_threads = 3, .n_wide_threads = usable_cores() == 1 ? 1 : 3};
}

/// Keeps the engine in a wide pass, so that what is submitted waits, until it is released.
class Hold {
 public:
  Hold(Engine& engine, const std::shared_ptr<const LoadedModel>& model) {
    engine.submit(one_question(model),
                  [state = state_](const EngineOutcome&) {
                    state->entered.set_value();
                    state->released.get_future().wait();
                  },
                  {});
    state_->entered.get_future().wait();
  }
  ~Hold() { state_->released.set_value(); }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;

 private:
  struct State {
    std::promise<void> entered;
    std::promise<void> released;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// What passes there were.
class PassLog {
 public:
  std::function<void(const BatchFacts&)> observer() {
    return [this](const BatchFacts& facts) {
      const std::lock_guard lock(mutex_);
      passes_.push_back(facts);
    };
  }
  std::vector<BatchFacts> passes() const {
    const std::lock_guard lock(mutex_);
    return passes_;
  }
  std::size_t count(bool is_wide) const {
    std::size_t n = 0;
    for (const BatchFacts& pass : passes()) n += pass.is_wide == is_wide ? 1 : 0;
    return n;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<BatchFacts> passes_;
};

using Pair = std::pair<std::string, std::string>;

/// The questions and contexts of a fixture, each once.
std::vector<Pair> short_pairs() {
  std::ifstream file(spanqa::testing::source_path("tests/fixtures/qa/tiny_readers.json"));
  const nlohmann::json fixture = nlohmann::json::parse(file);
  std::set<Pair> pairs;
  for (const auto& row : fixture.at("rows")) {
    pairs.emplace(row.at("question").get<std::string>(), row.at("context").get<std::string>());
  }
  EXPECT_EQ(pairs.size(), 4U);
  return {pairs.begin(), pairs.end()};
}

/// With one context of many windows.
std::vector<Pair> all_pairs() {
  std::vector<Pair> pairs = short_pairs();
  std::mt19937 random(5);
  pairs.emplace_back(kQuestion, random_text(random, 1500));
  return pairs;
}

EngineRequest stranger(const std::shared_ptr<const LoadedModel>& model, std::mt19937& random) {
  return request_of(model, {random_text(random, 3 + random() % 8)}, {random_text(random, 5 + random() % 70)});
}

AskOptions options_of(const DecoderOptions& decoder) {
  return {.decoder = decoder, .windows = {.max_length = 60, .overlap = 20}};
}

void expect_readers_answer(const EngineOutcome& outcome, const Pair& pair, const AskOptions& options,
                           const Reader& reader) {
  ASSERT_TRUE(outcome) << error_json(outcome.error());
  const auto expected = reader.ask(pair.first, pair.second, options);
  ASSERT_TRUE(expected);
  expect_same(outcome->by_pair.at(0), *expected, is_bit_equal(reader));
}

/// Asks every pair while strangers ask too, all in the queue before any is read, and compares with the reader, which
/// reads each alone on one thread.
void expect_readers_answers(BatchingEngine& engine, const std::shared_ptr<const LoadedModel>& model,
                            const std::vector<Pair>& pairs, std::size_t n_strangers) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (const DecoderOptions& decoder : every_decoder()) {
    const AskOptions options = options_of(decoder);
    std::vector<std::future<EngineOutcome>> strangers;
    std::vector<std::future<EngineOutcome>> outcomes;
    {
      const Hold hold(engine, model);
      for (const auto& [question, context] : pairs) {
        for (std::size_t i = 0; i < n_strangers / pairs.size(); ++i) {
          strangers.push_back(submitted(engine, stranger(model, random)));
        }
        outcomes.push_back(submitted(engine, request_of(model, {question}, {context}, options)));
      }
    }
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      expect_readers_answer(outcomes[i].get(), pairs[i], options, *model->reader);
    }
    for (auto& other : strangers) EXPECT_TRUE(other.get());
  }
}

TEST(BatchingEngineEquality, AloneInAWidePass) {
  PassLog log;
  BatchingOptions options = three_threads();
  options.batch_done = log.observer();
  BatchingEngine engine(options);
  for (const char* const folder : {"tiny-bert", "tiny-distilbert"}) {
    const auto model = tiny_model(folder);
    for (const DecoderOptions& decoder : every_decoder()) {
      for (const Pair& pair : short_pairs()) {
        const AskOptions ask = options_of(decoder);
        const auto outcome = submitted(engine, request_of(model, {pair.first}, {pair.second}, ask)).get();
        expect_readers_answer(outcome, pair, ask, *model->reader);
      }
    }
  }
  EXPECT_EQ(log.count(false), 0U);
}

TEST(BatchingEngineEquality, InTheCompanyOfAFewInAWidePass) {
  PassLog log;
  BatchingOptions options = three_threads();
  options.batch_done = log.observer();
  BatchingEngine engine(options);
  for (const char* const folder : {"tiny-bert", "tiny-distilbert"}) {
    expect_readers_answers(engine, tiny_model(folder), short_pairs(), 8);
  }
  EXPECT_EQ(log.count(false), 0U);
}

TEST(BatchingEngineEquality, InTheCompanyOfManyInNarrowPasses) {
  PassLog log;
  BatchingOptions options = three_threads();
  options.batch_done = log.observer();
  BatchingEngine engine(options);
  for (const char* const folder : {"tiny-bert", "tiny-distilbert"}) {
    expect_readers_answers(engine, tiny_model(folder), all_pairs(), 65);
  }
  EXPECT_GT(log.count(false), 20U);
}

TEST(BatchingEngineEquality, ComesByTheKernelsThatTheEnvironmentAsksFor) {
  const char* const limit = std::getenv("ONEDNN_MAX_CPU_ISA");
  if (limit == nullptr || std::string(limit) != "AVX2") GTEST_SKIP() << "the process is to run with AVX2 for this";
  EXPECT_FALSE(is_bit_equal(*tiny_reader()));
}

TEST(BatchingEngine, ReadsWideWhereLittleWaitsElseABatchToEachThread) {
  PassLog log;
  BatchingOptions options = three_threads();
  options.batch_tokens = 100;
  options.batch_done = log.observer();
  BatchingEngine engine(options);
  const auto model = tiny_model();
  ASSERT_TRUE(submitted(engine, one_question(model)).get());
  EXPECT_EQ(log.count(true), log.passes().size()) << "a lone question has all cores";
  std::vector<std::future<EngineOutcome>> outcomes;
  {
    const Hold hold(engine, model);
    std::mt19937 random(3);
    for (int i = 0; i < 40; ++i) outcomes.push_back(submitted(engine, stranger(model, random)));
    EXPECT_GT(engine.queue_tokens(), 300U);
  }
  for (auto& outcome : outcomes) EXPECT_TRUE(outcome.get());
  EXPECT_GT(log.count(false), 5U);
  for (const BatchFacts& pass : log.passes()) {
    EXPECT_TRUE(pass.n_tokens <= 100U || pass.n_windows == 1U);
    EXPECT_EQ(pass.model, "tiny-bert");
  }
}

TEST(BatchingEngine, ManyClientsOfTwoModelsEachGetTheirOwnAnswer) {
  BatchingEngine engine(three_threads());
  const std::vector<std::shared_ptr<const LoadedModel>> models = {tiny_model(), tiny_model("tiny-distilbert")};
  std::atomic<int> n_right = 0;
  {
    std::vector<std::jthread> clients;
    clients.reserve(6);
    for (std::uint32_t c = 0; c < 6; ++c) {
      clients.emplace_back([&, c] {
        std::mt19937 random(c);
        for (int i = 0; i < 15; ++i) {
          const auto& model = models[(c + static_cast<std::uint32_t>(i)) % 2];
          const EngineRequest request = stranger(model, random);
          const auto outcome = submitted(engine, request).get();
          const auto expected = model->reader->ask_all(
              std::vector{Question{request.request.questions[0], request.request.documents[0].text}}, {}, 1);
          ASSERT_TRUE(outcome && expected[0]);
          ASSERT_EQ(outcome->by_pair[0].answers.size(), expected[0]->answers.size());
          if (outcome->by_pair[0].answers[0].span == expected[0]->answers[0].span) ++n_right;
        }
      });
    }
  }
  EXPECT_EQ(n_right.load(), 6 * 15);
  EXPECT_EQ(engine.queue_tokens(), 0U);
}

TEST(BatchingEngine, TellsOfProgressUpToTheEnd) {
  std::mutex mutex;  // calls come one at a time, from several threads
  std::vector<EngineProgress> seen;
  BatchingOptions options = three_threads();
  options.batch_tokens = 60;
  BatchingEngine engine(options);
  std::mt19937 random(11);
  const std::string document = random_text(random, 400);
  const EngineRequest request = request_of(tiny_model(), {kQuestion, "When?"}, {document}, {.windows = kShortWindows});
  const auto outcome = submitted(engine, request, [&](const EngineProgress& progress) {
                         const std::unique_lock lock(mutex, std::try_to_lock);
                         EXPECT_TRUE(lock.owns_lock());
                         seen.push_back(progress);
                       }).get();
  ASSERT_TRUE(outcome);
  ASSERT_GT(seen.size(), 10U);
  const std::size_t total = outcome->by_pair[0].n_windows + outcome->by_pair[1].n_windows;
  std::size_t done = 0;
  for (const EngineProgress& progress : seen) {
    EXPECT_GT(progress.windows_done, done);
    done = progress.windows_done;
    EXPECT_EQ(progress.windows_total, total);
    ASSERT_LT(progress.pair, 2U);
    if (progress.best) {
      EXPECT_EQ(progress.best->text, document.substr(progress.best->span.begin, progress.best->text.size()));
    }
  }
  EXPECT_EQ(done, total);
  EXPECT_TRUE(seen.back().best.has_value());
  EXPECT_GT(outcome->times.inference.count(), 0);
}

TEST(BatchingEngine, ACancelledRequestIsNotAnsweredAndLeavesNothing) {
  std::atomic<int> n_calls = 0;
  BatchingEngine engine(three_threads());
  const auto model = tiny_model();
  auto held = std::make_shared<int>();
  const std::weak_ptr<int> callbacks = held;
  Engine::Ticket ticket = 0;
  {
    const Hold hold(engine, model);
    ticket = engine.submit(
        one_question(model), [&n_calls, held](const EngineOutcome&) { ++n_calls; },
        [&n_calls, held](const EngineProgress&) { ++n_calls; });
    held.reset();
    EXPECT_GT(engine.queue_tokens(), 0U);
    engine.cancel(ticket);
    EXPECT_EQ(engine.queue_tokens(), 0U);
    EXPECT_TRUE(callbacks.expired());
  }
  EXPECT_TRUE(submitted(engine, one_question(model)).get());
  EXPECT_EQ(n_calls.load(), 0);
  engine.cancel(ticket);
  engine.cancel(12345);
}

TEST(BatchingEngine, ADocumentIsDroppedInTheMiddleWhereItsClientLeaves) {
  std::atomic<Engine::Ticket> ticket = 0;
  std::atomic<int> n_answers = 0;
  std::promise<std::size_t> cancelled;
  BatchingOptions options = three_threads();
  options.batch_tokens = 60;
  BatchingEngine engine(options);
  const auto model = tiny_model();
  std::mt19937 random(11);
  {
    const Hold hold(engine, model);
    ticket = engine.submit(
        request_of(model, {kQuestion}, {random_text(random, 3000)}, {.windows = kShortWindows}),
        [&](const EngineOutcome&) { ++n_answers; },
        [&](const EngineProgress& progress) {
          if (ticket.load() == 0) return;
          engine.cancel(ticket.exchange(0));
          cancelled.set_value(progress.windows_total - progress.windows_done);
        });
  }
  EXPECT_GT(cancelled.get_future().get(), 50U);
  EXPECT_EQ(engine.queue_tokens(), 0U);
  EXPECT_TRUE(submitted(engine, one_question(model)).get());
  EXPECT_EQ(n_answers.load(), 0);
}

TEST(BatchingEngine, WhatIsLateInTheQueueIsRefusedAndTheOthersAreAnswered) {
  BatchingOptions options = three_threads();
  options.tokens_per_second = 1e9;  // admits whatever comes
  BatchingEngine engine(options);
  const auto model = tiny_model();
  std::future<EngineOutcome> late;
  std::future<EngineOutcome> other;
  {
    const Hold hold(engine, model);
    EngineRequest request = one_question(model);
    request.deadline = Clock::now() + milliseconds(300);
    late = submitted(engine, request);
    other = submitted(engine, one_question(model));
    std::this_thread::sleep_until(request.deadline + milliseconds(1));
  }
  const EngineOutcome outcome = late.get();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::kDeadlineExceeded);
  EXPECT_TRUE(other.get());
}

TEST(BatchingEngine, AnAnswerThatComesLateIsNotGiven) {
  BatchingOptions options = three_threads();
  options.tokens_per_second = 1e9;
  const Clock::time_point deadline = Clock::now() + milliseconds(300);
  options.batch_done = [deadline](const BatchFacts&) { std::this_thread::sleep_until(deadline + milliseconds(1)); };
  BatchingEngine engine(options);
  EngineRequest request = one_question(tiny_model());
  request.deadline = deadline;
  const EngineOutcome outcome = submitted(engine, std::move(request)).get();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::kDeadlineExceeded);
}

TEST(BatchingEngine, ARequestThatArrivesLateIsRefusedAsLate) {
  BatchingEngine engine(three_threads());
  EngineRequest request = one_question(tiny_model());
  request.deadline = Clock::now() - milliseconds(1);
  const EngineOutcome outcome = submitted(engine, std::move(request)).get();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::kDeadlineExceeded);
}

TEST(BatchingEngine, RefusesWhatTheQueueHasNoRoomForAndSaysWhenToAskAgain) {
  BatchingOptions options = three_threads();
  options.queue_tokens = 500;
  BatchingEngine engine(options);
  const auto model = tiny_model();
  EXPECT_FALSE(engine.seconds_to_wait(1).has_value());
  std::vector<std::future<EngineOutcome>> outcomes;
  {
    const Hold hold(engine, model);
    for (int i = 0; i < 30; ++i) outcomes.push_back(submitted(engine, one_question(model)));
    EXPECT_LE(engine.queue_tokens(), 500U);
    EXPECT_GE(engine.seconds_to_wait(500).value_or(0), 1);
  }
  std::size_t n_answered = 0;
  for (auto& each : outcomes) {
    const EngineOutcome outcome = each.get();
    if (outcome) {
      ++n_answered;
      continue;
    }
    EXPECT_EQ(outcome.error().kind, ErrorKind::kQueueFull);
    EXPECT_GE(outcome.error().retry_after_seconds.value_or(0), 1);
  }
  EXPECT_GT(n_answered, 0U);
  EXPECT_LT(n_answered, 30U);
  EXPECT_TRUE(submitted(engine, one_question(model)).get()) << "later there is room again";
}

TEST(BatchingEngine, SaysWhatIsTooLongForAnyDeadlineInBytes) {
  BatchingEngine engine({.n_threads = 1, .deadline = seconds(2), .tokens_per_second = 1000.0});
  const auto model = tiny_model();
  std::mt19937 random(7);
  const std::string text = random_text(random, 2500);
  const EngineOutcome outcome = submitted(engine, request_of(model, {kQuestion}, {text})).get();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::kContextTooLong);
  const auto n_tokens = static_cast<double>(model->reader->ask(kQuestion, text, {})->n_tokens);
  const double limit = 2000.0 / n_tokens * static_cast<double>(text.size());
  ASSERT_TRUE(outcome.error().limit.has_value());
  EXPECT_NEAR(static_cast<double>(*outcome.error().limit), limit, 1.0) << "rounded down";
  EXPECT_NE(outcome.error().message.find("about " + std::to_string(*outcome.error().limit)), std::string::npos);
  EXPECT_FALSE(engine.seconds_to_wait(10'000).has_value()) << "waiting does not help it";
}

TEST(BatchingEngine, AStarvedServerRefusesAsBusyWhatDoesNotFitItsTime) {
  BatchingEngine engine({.n_threads = 1, .deadline = seconds(2), .tokens_per_second = 10.0});
  const auto model = tiny_model();
  std::future<EngineOutcome> other;
  {
    const Hold hold(engine, model);  // of the first passes the first tells no speed
    other = submitted(engine, one_question(model));
    EngineRequest request = one_question(model);
    request.deadline = Clock::now() + seconds(2);
    const EngineOutcome outcome = submitted(engine, std::move(request)).get();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().kind, ErrorKind::kQueueFull);
    EXPECT_GE(outcome.error().retry_after_seconds.value_or(0), 2);
  }
  EXPECT_TRUE(other.get());
}

TEST(BatchingEngine, WhatThereIsNoTimeForIsNotTokenised) {
  const auto reader = tiny_reader({.n_threads = 1, .context_cache_bytes = 0});
  const auto model = std::make_shared<const LoadedModel>(LoadedModel{.name = "m", .generation = 99, .reader = reader});
  BatchingEngine engine({.n_threads = 1, .tokens_per_second = 10.0});
  {
    const Hold hold(engine, model);
    auto waits = submitted(engine, one_question(model));
    const std::uint64_t n_tokenised = reader->context_cache_counts().misses;
    EngineRequest request = one_question(model);
    request.deadline = Clock::now() + seconds(1);
    EXPECT_EQ(submitted(engine, request).get().error().kind, ErrorKind::kQueueFull);
    request.deadline = Clock::now() - milliseconds(1);
    EXPECT_EQ(submitted(engine, request).get().error().kind, ErrorKind::kDeadlineExceeded);
    EXPECT_EQ(reader->context_cache_counts().misses, n_tokenised);
  }
}

TEST(BatchingEngine, WhatWouldBeLateCostsNoPass) {
  PassLog log;
  const auto model = tiny_model();
  const auto n_tokens = static_cast<double>(model->reader->ask(kQuestion, kContext, {})->n_tokens);
  BatchingEngine engine({.n_threads = 1, .tokens_per_second = n_tokens / 0.4, .batch_done = log.observer()});
  std::future<EngineOutcome> late;
  std::future<EngineOutcome> patient;
  {
    const Hold hold(engine, model);  // of the first passes the first tells no speed
    EngineRequest request = one_question(model);
    request.deadline = Clock::now() + seconds(1);
    late = submitted(engine, request);
    patient = submitted(engine, one_question(model));
    EXPECT_EQ(engine.queue_tokens(), static_cast<std::size_t>(2.0 * n_tokens)) << "both were taken";
    std::this_thread::sleep_until(request.deadline - milliseconds(300));  // the two of them take 800
  }
  const EngineOutcome outcome = late.get();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::kDeadlineExceeded);
  EXPECT_TRUE(patient.get());
  ASSERT_EQ(log.passes().size(), 2U);
  EXPECT_EQ(log.passes()[1].n_windows, 1U) << "the other one's";
}

TEST(BatchingEngine, NoPassTakesMoreThanAPartOfTheDeadline) {
  PassLog log;
  const auto model = tiny_model();
  const auto n_tokens = static_cast<double>(model->reader->ask(kQuestion, kContext, {})->n_tokens);
  BatchingEngine engine(
      {.n_threads = 1, .deadline = seconds(8), .tokens_per_second = 2.5 * n_tokens, .batch_done = log.observer()});
  std::vector<std::future<EngineOutcome>> outcomes;
  {
    const Hold hold(engine, model);  // of the first passes the first tells no speed
    for (int i = 0; i < 6; ++i) outcomes.push_back(submitted(engine, one_question(model)));
  }
  for (auto& outcome : outcomes) EXPECT_TRUE(outcome.get());
  ASSERT_EQ(log.passes().size(), 3U);
  EXPECT_EQ(log.passes()[1].n_windows, 2U) << "a second's tokens";
  EXPECT_EQ(log.passes()[2].n_windows, 4U) << "it has been found to be quicker";
}

TEST(BatchingEngine, WhoIsAloneIsReadThoughTheSpeedThatIsKnownMakesItLate) {
  BatchingEngine engine({.n_threads = 1, .tokens_per_second = 1.0});
  EngineRequest request = one_question(tiny_model());
  request.deadline = Clock::now() + seconds(20);
  EXPECT_TRUE(submitted(engine, std::move(request)).get());
}

TEST(BatchingEngine, LearnsItsSpeedFromTheFirstPasses) {
  BatchingEngine engine({.n_threads = 1, .tokens_per_second = 1.0});
  const auto model = tiny_model();
  EXPECT_EQ(engine.tokens_per_second(), 1.0);
  EXPECT_TRUE(submitted(engine, one_question(model)).get());
  EXPECT_EQ(engine.tokens_per_second(), 1.0) << "the first makes primitives";
  EXPECT_TRUE(submitted(engine, one_question(model)).get());
  EXPECT_GT(engine.tokens_per_second(), 1000.0);
}

TEST(BatchingEngine, AnswersFromTheCacheWithoutAPass) {
  PassLog log;
  BatchingOptions options = three_threads();
  options.cache = std::make_shared<AnswerCache>(1 << 20);
  options.batch_done = log.observer();
  BatchingEngine engine(options);
  const auto model = tiny_model();
  const EngineOutcome first = submitted(engine, one_question(model)).get();
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->times.cached);
  const std::size_t n_passes = log.passes().size();
  const EngineOutcome again = submitted(engine, one_question(model)).get();
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->times.cached);
  expect_same(again->by_pair.at(0), first->by_pair.at(0), true);
  EXPECT_EQ(log.passes().size(), n_passes);
}

TEST(BatchingEngine, CallsDoneForAllThatWaitWhenItEnds) {
  const auto model = tiny_model();
  std::atomic<int> n_calls = 0;
  {
    BatchingEngine engine(three_threads());
    const Hold hold(engine, model);
    for (int i = 0; i < 20; ++i) {
      engine.submit(one_question(model),
                    [&n_calls](const EngineOutcome& outcome) {
                      EXPECT_TRUE(outcome || outcome.error().kind == ErrorKind::kShuttingDown);
                      ++n_calls;
                    },
                    {});
    }
  }  // the hold is released first: some are answered while the engine ends
  EXPECT_EQ(n_calls.load(), 20);
}

TEST(BatchingEngine, ComputesAtALowerPriorityThanItsCallers) {
  std::promise<int> theirs;
  BatchingEngine engine(three_threads());
  engine.submit(
      one_question(tiny_model()),
      [&theirs](const EngineOutcome&) { theirs.set_value(::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()))); },
      {});
  EXPECT_EQ(theirs.get_future().get(), std::min(::getpriority(PRIO_PROCESS, 0) + 2, 19));
}

}  // namespace
}  // namespace spanqa::serve

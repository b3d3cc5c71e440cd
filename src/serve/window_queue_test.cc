#include "serve/window_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace spanqa::serve {
namespace {

using Place = WindowQueue::Place;
using Places = std::vector<Place>;

TEST(WindowQueue, ALoneJobGetsWholeBatchesInOrder) {
  WindowQueue queue;
  queue.push(1, 1, {300, 300, 300, 300, 100});
  EXPECT_EQ(queue.n_tokens(), 1300U);
  WindowQueue::Batch batch = queue.take(1024);
  EXPECT_EQ(batch.windows, (Places{{1, 0}, {1, 1}, {1, 2}}));
  EXPECT_EQ(batch.n_tokens, 900U);
  EXPECT_EQ(batch.model, 1U);
  EXPECT_EQ(queue.take(1024).windows, (Places{{1, 3}, {1, 4}}));
  EXPECT_TRUE(queue.take(1024).windows.empty());
  EXPECT_EQ(queue.n_tokens(), 0U);
  EXPECT_EQ(queue.n_jobs(), 0U);
}

TEST(WindowQueue, ASmallJobGoesWithTheNextBatchWhateverIsBeforeIt) {
  WindowQueue queue;
  queue.push(1, 1, std::vector<std::uint32_t>(2000, 384));
  EXPECT_EQ(queue.take(1024).windows, (Places{{1, 0}, {1, 1}}));
  queue.push(2, 1, {150});
  EXPECT_EQ(queue.take(1024).windows, (Places{{1, 2}, {2, 0}, {1, 3}}));
}

TEST(WindowQueue, AWindowBeyondTheBudgetGoesAlone) {
  WindowQueue queue;
  queue.push(1, 1, {2000, 10});
  EXPECT_EQ(queue.take(1024).windows, (Places{{1, 0}}));
  EXPECT_EQ(queue.take(1024).windows, (Places{{1, 1}}));
}

TEST(WindowQueue, ABatchHoldsOneModelAndModelsTakeTurns) {
  WindowQueue queue;
  queue.push(1, 7, {384, 384, 384, 384});
  queue.push(2, 8, {100});
  queue.push(3, 9, {100});
  EXPECT_EQ(queue.take(800).model, 7U);
  EXPECT_EQ(queue.take(800).model, 8U);
  EXPECT_EQ(queue.take(800).model, 9U);
  EXPECT_EQ(queue.take(800).windows, (Places{{1, 2}, {1, 3}}));
  EXPECT_EQ(queue.n_jobs(), 0U);
}

TEST(WindowQueue, ARemovedJobLeavesNothingBehind) {
  WindowQueue queue;
  queue.push(1, 1, {100, 100});
  queue.push(2, 1, {50});
  queue.remove(1);
  queue.remove(99);
  EXPECT_EQ(queue.n_tokens(), 50U);
  EXPECT_EQ(queue.take(1024).windows, (Places{{2, 0}}));
  queue.push(3, 2, {100, 100});
  (void)queue.take(100);
  queue.remove(3);
  EXPECT_EQ(queue.n_tokens(), 0U);
  EXPECT_TRUE(queue.take(1024).windows.empty());
  queue.push(4, 1, {});
  EXPECT_EQ(queue.n_jobs(), 0U);
}

TEST(WindowQueue, DropsTheJobsThatAreGivenUpWhenTheirTurnComes) {
  WindowQueue queue;
  queue.push(1, 1, {100, 100});
  queue.push(2, 1, {100});
  queue.push(3, 1, {100, 300, 100});
  std::vector<std::size_t> asked;
  const auto gives_up = [&](WindowQueue::JobId job, std::size_t n_left, std::size_t n_pass) {
    asked.insert(asked.end(), {job, n_left, n_pass});
    return job != 2;
  };
  const WindowQueue::Batch batch = queue.take(300, gives_up);
  EXPECT_EQ(asked, (std::vector<std::size_t>{1, 200, 300, 2, 100, 300, 3, 500, 300}));
  EXPECT_EQ(batch.given_up, (std::vector<WindowQueue::JobId>{1, 3}));
  EXPECT_EQ(batch.windows, (Places{{2, 0}}));
  EXPECT_EQ(queue.n_tokens(), 0U);
  EXPECT_EQ(queue.tokens_before(1), 1U);
  queue.push(4, 1, {100});
  EXPECT_TRUE(queue.take(300, [](auto...) { return true; }).windows.empty());
  EXPECT_EQ(queue.n_jobs(), 0U);
}

TEST(WindowQueue, CountsWhatIsReadBeforeANewJobIsDone) {
  WindowQueue queue;
  queue.push(1, 1, {300, 300});
  queue.push(2, 1, {100});
  EXPECT_EQ(queue.tokens_before(200), 200U + kTurnTokens + 100U) << "a turn each, though it needs less itself";
  EXPECT_EQ(queue.tokens_before(500), 500U + 500U + 100U);
  EXPECT_EQ(queue.tokens_before(5000), 5000U + 600U + 100U);
  (void)queue.take(350);
  EXPECT_EQ(queue.tokens_before(200), 200U + 300U + 100U);
  queue.remove(1);
  EXPECT_EQ(queue.tokens_before(1), 1U + 100U);
  (void)queue.take(350);
  EXPECT_EQ(queue.tokens_before(1), 1U);
}

TEST(WindowQueue, LosesAndRepeatsNoWindowAndKeepsTheBudgetAndTheOrder) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    WindowQueue queue;
    std::map<WindowQueue::JobId, std::size_t> n_windows;
    std::map<WindowQueue::JobId, std::size_t> n_taken;
    std::size_t n_tokens = 0;
    const std::size_t budget = 1 + random() % 1200;
    WindowQueue::JobId next_id = 1;
    for (int step = 0; step < 100 || queue.n_tokens() > 0; ++step) {
      if (step < 100 && random() % 2 == 0) {
        std::vector<std::uint32_t> windows(1 + random() % 8);
        for (auto& n : windows) n = static_cast<std::uint32_t>(1 + random() % 500);
        n_windows[next_id] = windows.size();
        n_tokens += std::accumulate(windows.begin(), windows.end(), std::size_t{0});
        queue.push(next_id++, random() % 3, windows);
      }
      const WindowQueue::Batch batch = queue.take(budget);
      ASSERT_TRUE(batch.n_tokens <= budget || batch.windows.size() == 1);
      for (const Place& place : batch.windows) ASSERT_EQ(place.window, n_taken[place.job]++);
      n_tokens -= batch.n_tokens;
      ASSERT_EQ(queue.n_tokens(), n_tokens);
    }
    ASSERT_EQ(n_taken, n_windows);
  }
}

TEST(WindowQueue, NobodyGetsMoreThanATurnBeforeAWaitingJobGetsOne) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  WindowQueue queue;
  constexpr std::size_t kJobs = 20;
  for (std::size_t job = 1; job <= kJobs; ++job) {
    std::vector<std::uint32_t> windows(200);
    for (auto& n : windows) n = static_cast<std::uint32_t>(20 + random() % 365);
    queue.push(job, 1, windows);
  }
  std::vector<std::size_t> turns(kJobs + 1);
  WindowQueue::JobId last = 0;
  for (int step = 0; step < 400; ++step) {
    for (const Place& place : queue.take(1024).windows) {
      if (place.job != last) ++turns[place.job];
      last = place.job;
      const auto [least, most] = std::minmax_element(turns.begin() + 1, turns.end());
      ASSERT_LE(*most - *least, 1U);
    }
  }
}

}  // namespace
}  // namespace spanqa::serve

#include "base/ordered_parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

namespace spanqa {
namespace {

class OrderedParallel : public ::testing::TestWithParam<std::size_t> {};

TEST_P(OrderedParallel, KeepsTheOrderAndBoundsWhatIsInFlight) {
  const std::size_t n_threads = GetParam();
  int next = 0;
  std::atomic<int> in_flight = 0;
  std::atomic<int> most_in_flight = 0;
  std::vector<int> seen;
  const Status status = ordered_parallel(
      n_threads,
      [&]() -> Result<std::optional<int>> {
        if (next == 500) return std::nullopt;
        const int now = ++in_flight;
        int most = most_in_flight.load();
        while (now > most && !most_in_flight.compare_exchange_weak(most, now)) {
        }
        return next++;
      },
      [](std::size_t, int item) -> Result<int> { return item * 3; },
      [&](int out) -> Status {
        --in_flight;
        seen.push_back(out);
        return {};
      });
  ASSERT_TRUE(status);
  ASSERT_EQ(seen.size(), 500U);
  for (int i = 0; i < 500; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], i * 3);
  EXPECT_LE(most_in_flight.load(), static_cast<int>(n_threads * 2 + 2));
}

TEST_P(OrderedParallel, AnErrorInWorkComesAfterAllEarlierResults) {
  int next = 0;
  std::vector<int> seen;
  const Status status = ordered_parallel(
      GetParam(), [&]() -> Result<std::optional<int>> { return next++; },
      [](std::size_t, int item) -> Result<int> {
        if (item == 37) return fail(ErrorCode::kCorrupt, "item 37");
        return item;
      },
      [&](int out) -> Status {
        seen.push_back(out);
        return {};
      });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "item 37");
  ASSERT_EQ(seen.size(), 37U);
}

TEST_P(OrderedParallel, AnErrorInSourceOrSinkEndsEverything) {
  int next = 0;
  int sunk = 0;
  const auto work = [](std::size_t, int item) -> Result<int> { return item; };
  const Status from_source = ordered_parallel(
      GetParam(),
      [&]() -> Result<std::optional<int>> {
        if (next == 9) return fail(ErrorCode::kIo, "source");
        return next++;
      },
      work,
      [&](int) -> Status {
        ++sunk;
        return {};
      });
  EXPECT_EQ(from_source.error().message, "source");
  EXPECT_EQ(sunk, 9);
  const Status from_sink = ordered_parallel(
      GetParam(), [&]() -> Result<std::optional<int>> { return next++; }, work,
      [&](int) -> Status { return fail(ErrorCode::kIo, "sink"); });
  EXPECT_EQ(from_sink.error().message, "sink");
}

TEST_P(OrderedParallel, AnExceptionReachesTheCaller) {
  const auto run = [&] {
    int next = 0;
    return ordered_parallel(
        GetParam(), [&]() -> Result<std::optional<int>> { return next++; },
        [](std::size_t, int item) -> Result<int> {
          if (item == 5) throw std::runtime_error("five");
          return item;
        },
        [](int) -> Status { return {}; });
  };
  EXPECT_THROW((void)run(), std::runtime_error);
}

INSTANTIATE_TEST_SUITE_P(Threads, OrderedParallel, ::testing::Values(1U, 2U, 7U));

}  // namespace
}  // namespace spanqa

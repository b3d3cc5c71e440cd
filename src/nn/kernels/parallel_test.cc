#include "nn/kernels/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace spanqa {
namespace {

struct Counts {
  std::vector<int> visits;
  int n_calls = 0;
};

Counts count_visits(std::size_t n_rows, std::size_t min_rows, int n_threads) {
  Counts counts{.visits = std::vector<int>(n_rows), .n_calls = 0};
  std::atomic<int> n_calls = 0;
  parallel_rows(n_rows, min_rows, n_threads, [&](std::size_t begin, std::size_t end) {
    ++n_calls;
    for (std::size_t row = begin; row < end; ++row) ++counts.visits[row];
  });
  counts.n_calls = n_calls;
  return counts;
}

TEST(ParallelRows, VisitsEveryRowOnce) {
  for (const std::size_t n_rows : {0U, 1U, 7U, 8U, 15U, 16U, 17U, 100U}) {
    for (const int n_threads : {1, 2, 3, 8}) {
      SCOPED_TRACE(testing::Message() << n_rows << " rows, " << n_threads << " threads");
      EXPECT_EQ(count_visits(n_rows, 8, n_threads).visits, std::vector<int>(n_rows, 1));
    }
  }
}

TEST(ParallelRows, SplitsOnlyWhereEachPartIsWorthIt) {
  EXPECT_EQ(count_visits(0, 8, 4).n_calls, 0);
  EXPECT_EQ(count_visits(15, 8, 4).n_calls, 1);
  EXPECT_EQ(count_visits(16, 8, 4).n_calls, 2);
  EXPECT_EQ(count_visits(1000, 8, 4).n_calls, 4);
  EXPECT_EQ(count_visits(1000, 8, 1).n_calls, 1);
  EXPECT_EQ(count_visits(3, 0, 2).n_calls, 2);  // 0 counts as 1
}

}  // namespace
}  // namespace spanqa

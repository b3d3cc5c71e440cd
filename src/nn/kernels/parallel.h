// Work on rows, spread over the OpenMP threads of a workspace.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstddef>

namespace spanqa {

/// Calls `work(begin, end)` on disjoint ranges that cover [0, n_rows), one range per thread; on the calling thread
/// alone when `n_threads` is 1 or there are fewer than 2 x `min_rows` rows.
template <typename Work>
void parallel_rows(std::size_t n_rows, std::size_t min_rows, int n_threads, const Work& work) {
  const std::size_t n_parts =
      std::min(static_cast<std::size_t>(n_threads), n_rows / std::max<std::size_t>(min_rows, 1));
  if (n_parts <= 1) {
    if (n_rows > 0) work(std::size_t{0}, n_rows);
    return;
  }
#pragma omp parallel for num_threads(static_cast<int>(n_parts)) schedule(static, 1)
  for (std::size_t part = 0; part < n_parts; ++part) work(n_rows * part / n_parts, n_rows * (part + 1) / n_parts);
}

}  // namespace spanqa

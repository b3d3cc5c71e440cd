#include "train/batches.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "data/random.h"

namespace spanqa {
namespace {

constexpr std::size_t kBatchesOfChunk = 50;  // as the Hugging Face sampler that groups by length

/// Fisher and Yates: std::shuffle differs between standard libraries.
template <typename T>
void shuffle(std::vector<T>& items, SplitMix64& random) {
  for (std::size_t i = items.size(); i > 1; --i) {
    std::swap(items[i - 1], items[static_cast<std::size_t>(random.below(i))]);
  }
}

/// Windows of a chunk; with kTokens as many as fill its batches on the average.
std::size_t chunk_size(std::span<const std::uint32_t> lengths, const BatchOptions& options) {
  const std::size_t n = lengths.size();
  if (options.size >= n && options.kind == BatchKind::kWindows) return n;
  if (options.kind == BatchKind::kWindows) return std::min(options.size * kBatchesOfChunk, n);
  const auto n_tokens = std::accumulate(lengths.begin(), lengths.end(), std::uint64_t{0});
  const std::uint64_t n_batches = std::max<std::uint64_t>(n_tokens / options.size, 1);
  return std::clamp<std::size_t>(kBatchesOfChunk * n / n_batches, 1, n);
}

void sort_chunks(std::vector<std::uint32_t>& order, std::span<const std::uint32_t> lengths, std::size_t size) {
  for (std::size_t begin = 0; begin < order.size(); begin += size) {
    const auto first = order.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = order.begin() + static_cast<std::ptrdiff_t>(std::min(begin + size, order.size()));
    std::stable_sort(first, last, [lengths](std::uint32_t a, std::uint32_t b) { return lengths[a] > lengths[b]; });
  }
}

Batches cut(std::span<const std::uint32_t> order, std::span<const std::uint32_t> lengths, const BatchOptions& options) {
  Batches batches;
  std::size_t taken = options.size;  // windows or tokens of the last batch
  for (const std::uint32_t window : order) {
    const std::size_t cost = options.kind == BatchKind::kWindows ? 1 : lengths[window];
    if (batches.empty() || taken + cost > options.size) {
      batches.emplace_back();
      taken = 0;
    }
    batches.back().push_back(window);
    taken += cost;
  }
  return batches;
}

}  // namespace

BatchOptions batch_options(const TrainOptions& options, std::size_t epoch) {
  return {.kind = options.batch_kind,
          .size = options.batch_size,
          .group_by_length = options.group_by_length,
          .seed = options.seed,
          .epoch = epoch};
}

Batches plan_epoch(std::span<const std::uint32_t> lengths, const BatchOptions& options) {
  SPANQA_CHECK(options.size > 0);
  if (lengths.empty()) return {};
  SplitMix64 random(SplitMix64(options.seed).next() + options.epoch);
  std::vector<std::uint32_t> order(lengths.size());
  std::iota(order.begin(), order.end(), 0U);
  shuffle(order, random);
  if (!options.group_by_length) return cut(order, lengths, options);
  sort_chunks(order, lengths, chunk_size(lengths, options));
  Batches batches = cut(order, lengths, options);
  shuffle(batches, random);
  return batches;
}

}  // namespace spanqa

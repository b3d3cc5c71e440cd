// Which windows make a batch, and in which order the batches of an epoch come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "train/options.h"

namespace spanqa {

struct BatchOptions {
  BatchKind kind = BatchKind::kWindows;
  std::size_t size = 8;  // windows of a batch, or the most tokens of one with kTokens; at least 1
  bool group_by_length = false;
  std::uint64_t seed = 42;
  std::size_t epoch = 0;  // from 0
};

/// Those that a run with these settings has in its epoch number `epoch`.
BatchOptions batch_options(const TrainOptions& options, std::size_t epoch);

using Batches = std::vector<std::vector<std::uint32_t>>;

/// The batches of one epoch: every window once, in an order that is a function of lengths and options alone, the same
/// on every machine. `lengths` are the windows' tokens, at least 1 each (TrainingSet::lengths).
///
/// All windows are shuffled. With group_by_length, chunks of 50 batches are sorted by length before they are cut into
/// batches, and the batches are shuffled, so that a batch holds windows of nearly equal length and an epoch has no
/// order of lengths. One batch may be incomplete; none is dropped. With kTokens a batch takes windows while they fit,
/// at least one: only a window above `size` makes a batch above it, alone.
/// Cost: O(windows * log(chunk)).
Batches plan_epoch(std::span<const std::uint32_t> lengths, const BatchOptions& options);

}  // namespace spanqa

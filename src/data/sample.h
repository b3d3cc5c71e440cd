// Parts of a data set that are the same on every machine for the same seed: samples and train/held-out splits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "data/example.h"
#include "data/random.h"

namespace spanqa {

/// `size` examples of a stream of unknown length, each with equal chance: algorithm R (Vitter, "Random sampling with a
/// reservoir", 1985). The first N of a file are read_examples(path, N).
///
/// Memory: the sample. Cost: one random number an example.
class ReservoirSample {
 public:
  ReservoirSample(std::size_t size, std::uint64_t seed) : size_(size), random_(seed) {}

  void add(Example example);
  /// The sample in the order of the stream: all examples where there were no more than `size`. The object is used up.
  std::vector<Example> take();

 private:
  std::size_t size_;
  SplitMix64 random_;
  std::size_t n_seen_ = 0;
  std::vector<std::pair<std::size_t, Example>> sample_;  // with the number in the stream
};

/// Splits by context: all questions of one text are on one side, so nothing held out was read in training.
///
/// Two passes: add() every example, plan() once, then ask is_held_out() for each of them again. What is held out
/// depends on the seed and the set of contexts alone, not on their order. Memory: 16 bytes and a hash node for each
/// distinct context; contexts are told apart by 64-bit keys.
class ContextSplit {
 public:
  explicit ContextSplit(std::uint64_t seed) : seed_(seed) {}

  void add(const Example& example);
  /// Holds out contexts until they carry `share` (0 to 1) of the questions, as nearly as whole contexts allow. With two
  /// contexts or more and 0 < share < 1 neither side is empty.
  void plan(double share);
  bool is_held_out(const Example& example) const;

  std::size_t n_held_out() const { return n_held_out_; }  // questions
  std::size_t n_examples() const { return n_examples_; }

 private:
  std::uint64_t key_of(const Example& example) const;

  std::uint64_t seed_;
  std::size_t n_examples_ = 0;
  std::size_t n_held_out_ = 0;
  std::unordered_map<std::uint64_t, std::size_t> n_questions_;
  std::unordered_set<std::uint64_t> held_out_;
};

}  // namespace spanqa

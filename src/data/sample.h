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

/// What stays together in a split.
enum class SplitBy : std::uint8_t {
  kContext,  // all questions of one text, so nothing held out was read in training
  kArticle,  // all questions of one title, so not even its subject was; without a title, of one text
};

/// Splits into groups that are on one side as a whole.
///
/// Two passes: add() every example, plan() once, then ask is_held_out() for each of them again. What is held out
/// depends on the seed and the set of groups alone, not on their order. Memory: 16 bytes and a hash node for each
/// group; groups are told apart by 64-bit keys.
class GroupSplit {
 public:
  explicit GroupSplit(std::uint64_t seed, SplitBy by = SplitBy::kContext) : seed_(seed), by_(by) {}

  void add(const Example& example);
  /// Holds out groups until they carry `share` (0 to 1) of the questions, as nearly as whole groups allow. With two
  /// groups or more and 0 < share < 1 neither side is empty.
  void plan(double share);
  bool is_held_out(const Example& example) const;

  std::size_t n_held_out() const { return n_held_out_; }  // questions
  std::size_t n_examples() const { return n_examples_; }

 private:
  std::uint64_t key_of(const Example& example) const;

  std::uint64_t seed_;
  SplitBy by_;
  std::size_t n_examples_ = 0;
  std::size_t n_held_out_ = 0;
  std::unordered_map<std::uint64_t, std::size_t> n_questions_;
  std::unordered_set<std::uint64_t> held_out_;
};

}  // namespace spanqa

// The texts of a data set, so that another one can be kept apart from it: what a model is scored on must not be read in
// training, however the copies differ in spaces, quotes or case.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_set>

#include "data/example.h"

namespace spanqa {

/// Texts are told apart by their ASCII letters and digits, case aside; a text without any equals no other.
///
/// Memory: a hash node for each text, which is known by a 64-bit key.
class ContextSet {
 public:
  /// The example's context.
  void add(const Example& example);
  bool contains(const Example& example) const;
  std::size_t size() const { return keys_.size(); }

 private:
  std::unordered_set<std::uint64_t> keys_;
};

}  // namespace spanqa

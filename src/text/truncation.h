// Which tokens of one or two texts stand in which window, when they are too long together.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"

namespace spanqa {

/// Half-open range of a text's tokens.
struct TokenRange {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t size() const { return end - begin; }
  friend bool operator==(const TokenRange&, const TokenRange&) = default;
};

/// The tokens of one sequence. `second` is empty where there is no second text.
struct WindowRanges {
  TokenRange first;
  TokenRange second;
  friend bool operator==(const WindowRanges&, const WindowRanges&) = default;
};

/// The main sequence, then those that overflowed in the reference's order.
///
/// n_special is how many tokens will be added to each. Fails with kInvalidArgument where the reference raises (or
/// panics): max_length below n_special, a text too short to give up what must go, stride not below the room.
Result<std::vector<WindowRanges>> plan_truncation(std::size_t n_first, std::optional<std::size_t> n_second,
                                                  std::size_t n_special, const EncodeOptions& options);

}  // namespace spanqa

// Tables of unicode_tables.cc, as tools/make_unicode_tables.py writes them. Only unicode.cc reads them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace spanqa::unicode {

constexpr std::size_t kBlockSize = 64;

/// Canonical decomposition of one code point: kDecomposed[offset, offset + length), itself when length is 0.
struct Decomposition {
  char32_t from;
  std::uint16_t offset;
  std::uint8_t length;
  std::uint8_t order;  // rank of its canonical combining class; 0 for starters
};

/// `first`, `first + stride`, ... `last` become themselves plus `delta` in lower case.
struct LowerRun {
  char32_t first;
  char32_t last;
  std::uint8_t stride;
  std::int32_t delta;
};

// Planes 4 to 13 hold nothing and are left out: plane 14 follows plane 3.
extern const std::uint16_t kStage1[];  // block number of each kBlockSize code points
extern const std::uint8_t kBlocks[];   // flags, kBlockSize for each block
extern const std::size_t kDecompositionCount;
extern const Decomposition kDecompositions[];  // ascending by `from`
extern const char32_t kDecomposed[];
extern const std::size_t kLowerRunCount;
extern const LowerRun kLowerRuns[];  // ascending by `first`

}  // namespace spanqa::unicode

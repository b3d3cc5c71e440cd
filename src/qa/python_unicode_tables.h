// Unicode 14 tables behind python_text.h, for code points from U+0080. The .cc is made by tools/make_python_unicode.py.
#pragma once

#include <array>
#include <cstdint>

namespace spanqa::python_unicode {

/// Both ends belong to the range.
struct UnicodeRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

/// Every `step`-th code point from first to last has the lower-case form that lies `delta` away.
struct LowerRun {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  std::uint32_t step = 1;
  std::int32_t delta = 0;
};

extern const std::array<UnicodeRange, 730> kAlnum;
extern const std::array<UnicodeRange, 147> kCased;          // cased and not case-ignorable
extern const std::array<UnicodeRange, 422> kCaseIgnorable;  // skipped when a capital sigma looks at its neighbours
extern const std::array<LowerRun, 180> kLower;

}  // namespace spanqa::python_unicode

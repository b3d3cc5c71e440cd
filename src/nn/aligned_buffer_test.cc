#include "nn/aligned_buffer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <new>

namespace spanqa {
namespace {

TEST(AlignedBuffer, MemoryIsAlignedZeroAndAllOfIt) {
  for (const std::size_t n :
       {std::size_t{1}, std::size_t{17}, std::size_t{262143}, std::size_t{262144}, std::size_t{700001}}) {
    AlignedBuffer buffer;
    float* const memory = buffer.at_least(n);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 64, 0U) << n;
    EXPECT_EQ(std::count(memory, memory + n, 0.0F), static_cast<std::ptrdiff_t>(n));
    std::fill_n(memory, n, 1.0F);
    EXPECT_EQ(buffer.size(), n);
  }
}

TEST(AlignedBuffer, SmallerRequestsKeepTheMemoryAndItsContent) {
  AlignedBuffer buffer;
  float* const memory = buffer.at_least(100);
  memory[50] = 7.0F;
  EXPECT_EQ(buffer.at_least(60), memory);
  EXPECT_EQ(buffer.uninitialized(100), memory);
  EXPECT_EQ(memory[50], 7.0F);
  EXPECT_EQ(buffer.at_least(1000)[50], 0.0F);
}

TEST(AlignedBuffer, AnImpossibleSizeThrowsAndLeavesAnEmptyBuffer) {
  AlignedBuffer buffer;
  buffer.at_least(10);
  EXPECT_THROW(buffer.uninitialized(std::numeric_limits<std::size_t>::max() / 2), std::bad_alloc);
  EXPECT_EQ(buffer.size(), 0U);
  EXPECT_NE(buffer.at_least(10), nullptr);
}

}  // namespace
}  // namespace spanqa

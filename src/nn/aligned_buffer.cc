#include "nn/aligned_buffer.h"

#include <sys/mman.h>

#include <cstdlib>
#include <limits>
#include <new>

namespace spanqa {
namespace {

constexpr std::size_t kCacheLine = 64;
// Of x86-64. First touches of 4 KB pages took a third of the time that a checkpoint takes to open.
constexpr std::size_t kHugePage = std::size_t{1} << 21;

}  // namespace

float* AlignedBuffer::allocate(std::size_t n) {
  if (n > (std::numeric_limits<std::size_t>::max() - kHugePage) / sizeof(float)) throw std::bad_alloc();
  const std::size_t bytes = n * sizeof(float);
  const bool is_large = bytes >= kHugePage / 2;
  const std::size_t alignment = is_large ? kHugePage : kCacheLine;
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* const memory = std::aligned_alloc(alignment, rounded);
  if (memory == nullptr) throw std::bad_alloc();
  if (is_large) ::madvise(memory, rounded, MADV_HUGEPAGE);  // a refusal changes nothing but speed
  return static_cast<float*>(memory);
}

void AlignedBuffer::Free::operator()(float* memory) const { std::free(memory); }

}  // namespace spanqa

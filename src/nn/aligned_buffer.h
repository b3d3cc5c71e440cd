// Memory that a forward pass reuses.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>

namespace spanqa {

/// Floats at a multiple of 64 bytes (a cache line, an AVX-512 register); large blocks in huge pages where the system
/// lends them. Grows, never shrinks. Throws std::bad_alloc when there is no memory.
class AlignedBuffer {
 public:
  /// At least `n` floats. After growth they are zero (what was there is lost), otherwise they are as they were left.
  float* at_least(std::size_t n) {
    if (n > size_) std::fill_n(uninitialized(n), n, 0.0F);
    return memory_.get();
  }
  /// At least `n` floats of undefined content.
  float* uninitialized(std::size_t n) {
    if (n > size_) {
      memory_.reset();
      size_ = 0;  // should the allocation throw
      memory_.reset(allocate(n));
      size_ = n;
    }
    return memory_.get();
  }
  float* data() { return memory_.get(); }
  const float* data() const { return memory_.get(); }
  std::size_t size() const { return size_; }

 private:
  static float* allocate(std::size_t n);
  struct Free {
    void operator()(float* memory) const;
  };
  std::unique_ptr<float, Free> memory_;
  std::size_t size_ = 0;
};

}  // namespace spanqa

// The inside of a MatmulContext, for the files that run products: linear.cc and weight_gradient.cc.
#pragma once

#include <compare>
#include <cstddef>
#include <map>
#include <vector>

#include "nn/aligned_buffer.h"
#include "nn/matmul_context.h"
#include "nn/onednn.h"

namespace spanqa {

/// What a primitive is made for. A scratchpad's size depends on the threads at creation, so they are part of it.
struct ProductShape {
  std::size_t rows = 0;
  std::size_t k = 0;
  std::size_t n = 0;
  dnnl::memory::data_type type = dnnl::memory::data_type::f32;  // of both operands
  int n_threads = 1;
  auto operator<=>(const ProductShape&) const = default;
};

/// y = x W^T + b, with memory objects whose pointers are set for each call. The weights' layout is the same for all
/// layers of a shape.
struct Product {
  dnnl::memory::desc weights;
  dnnl::matmul primitive;
  dnnl::memory x;
  dnnl::memory y;
  dnnl::memory scratchpad;
};

/// d_w += d_y^T x, which several threads run at once, each with memory objects of its own.
struct GradientProduct {
  dnnl::matmul primitive;
  dnnl::memory::desc d_y;
  dnnl::memory::desc x;
  dnnl::memory::desc d_w;
  dnnl::memory::desc scratchpad;
};

struct MatmulContext::Impl {
  int n_threads;
  dnnl::stream stream;
  std::map<ProductShape, Product> products;
  std::map<ProductShape, GradientProduct> gradient_products;
  std::vector<AlignedBuffer> scratchpads;  // one for each thread that runs primitives of its own; at least one
  AlignedBuffer x_operand;                 // rows converted to a product's number format
  AlignedBuffer d_y_operand;
};

inline dnnl::memory::dim dim_of(std::size_t n) { return static_cast<dnnl::memory::dim>(n); }

/// Points `scratchpad` at enough memory in `buffer`.
inline void set_scratchpad(dnnl::memory& scratchpad, AlignedBuffer& buffer) {
  scratchpad.set_data_handle(buffer.uninitialized(scratchpad.get_desc().get_size() / sizeof(float) + 1));
}

/// OpenMP threads that a region of the calling thread gets: one inside a parallel region.
inline int team_size(int n_threads) { return omp_in_parallel() != 0 ? 1 : n_threads; }

/// Whether `work` ends without an exception of oneDNN: with shapes that were accepted, an error is a fault of ours or
/// lack of memory.
template <typename Work>
bool succeeds(const Work& work) {
  try {
    work();
    return true;
  } catch (const dnnl::error&) {
    return false;
  }
}

}  // namespace spanqa

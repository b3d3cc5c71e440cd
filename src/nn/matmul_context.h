// What the products of one workspace keep from call to call.
#pragma once

#include <memory>

namespace spanqa {

/// oneDNN primitives and scratch memory of one workspace, for products of every shape and precision, so that the steady
/// state creates and allocates nothing. Not for two calls at once.
class MatmulContext {
 public:
  /// `n_threads`: OpenMP threads of each product; 1 runs on the calling thread alone, whatever its OpenMP setting. So
  /// does every context inside an OpenMP parallel region of the caller.
  explicit MatmulContext(int n_threads = 1);
  ~MatmulContext();
  MatmulContext(MatmulContext&&) noexcept;
  MatmulContext& operator=(MatmulContext&&) noexcept;

  int n_threads() const;

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace spanqa

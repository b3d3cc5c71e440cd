// Linear layers: matmul against weights that were laid out once for oneDNN.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "nn/model_config.h"

namespace spanqa {

/// Rows beyond `rows` that input and output buffers of Linear::forward must have room for. Their content is read and
/// overwritten, and means nothing.
constexpr std::size_t kLinearSlackRows = 64;

/// oneDNN primitives and scratch memory of one workspace, so that the steady state creates and allocates nothing.
/// Not for two calls at once.
class MatmulContext {
 public:
  /// `n_threads`: OpenMP threads of each matmul; 1 runs on the calling thread alone, whatever its OpenMP setting.
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

/// One matrix of a Linear, in float32 as Hugging Face stores it: weight [n, k] row-major, bias [n] or null (zeros).
struct LinearPart {
  const float* weight = nullptr;
  const float* bias = nullptr;
  std::size_t n = 0;
};

/// y[rows, n] = x[rows, k] W^T + b.
///
/// Threads: immutable; forward() may run concurrently with different contexts.
/// Memory:  one copy of the weights in oneDNN's preferred (blocked) layout, and the bias.
class Linear {
 public:
  /// Several parts stand side by side in a row of y (fused q, k, v). The parts' memory is not needed afterwards.
  /// kUnsupported when oneDNN refuses the shape, kInvalidArgument when it is empty.
  static Result<Linear> create(std::span<const LinearPart> parts, std::size_t k);
  Linear(Linear&&) noexcept;
  Linear& operator=(Linear&&) noexcept;
  ~Linear();

  std::size_t k() const;  // width of x
  std::size_t n() const;  // width of y

  /// x: [rows, k], y: [rows, n], both with room for kLinearSlackRows more rows; they must not overlap. Zero rows are
  /// fine.
  void forward(const float* x, std::size_t rows, float* y, MatmulContext& context) const;

  /// Which oneDNN kernel runs, "brg:avx512_core".
  std::string kernel_name() const;

 private:
  struct Impl;
  explicit Linear(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

/// x[i] = activation(x[i]), in place.
void activate(Activation activation, float* x, std::size_t n);

/// Rows that feed_forward takes at once, so that the intermediate rows stay in the second-level cache.
constexpr std::size_t kFeedForwardTile = 128;

/// y = down(activation(up(x))), in tiles of rows.
/// x: [rows, up.k()], y: [rows, down.n()], both with room for kLinearSlackRows more rows; they must not overlap.
/// intermediate: room for feed_forward_scratch(up) floats, one tile.
struct FeedForward {
  const Linear& up;
  const Linear& down;
  Activation activation = Activation::kGelu;
};
std::size_t feed_forward_scratch(const Linear& up);
void feed_forward(const FeedForward& layer, const float* x, std::size_t rows, float* y, float* intermediate,
                  MatmulContext& context);

}  // namespace spanqa

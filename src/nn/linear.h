// Linear layers: matmul against weights that were laid out once for oneDNN.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "nn/matmul_context.h"
#include "nn/model_config.h"
#include "nn/precision.h"

namespace spanqa {

/// Rows beyond `rows` that input and output buffers of Linear::forward must have room for. Their content is read and
/// overwritten, and means nothing.
constexpr std::size_t kLinearSlackRows = 64;

/// One matrix of a Linear, in float32 as Hugging Face stores it: weight [n, k] row-major, bias [n] or null (zeros).
struct LinearPart {
  const float* weight = nullptr;
  const float* bias = nullptr;
  std::size_t n = 0;
};

/// y[rows, n] = x[rows, k] W^T + b.
///
/// x, y and b are float32; with another precision the weights are kept rounded, and x is rounded on the way, a tile of
/// rows at a time, into memory of the context.
///
/// Threads: forward() may run concurrently with different contexts, also from inside an OpenMP parallel region; the
///          assign functions need the object for themselves.
/// Memory:  one copy of the weights in the layout that their product prefers, and the bias.
class Linear {
 public:
  /// Several parts stand side by side in a row of y (fused q, k, v). The parts' memory is not needed afterwards.
  /// kUnsupported when the shape is one that oneDNN refuses, or with kInt8 k is above kInt8MaxK; kInvalidArgument when
  /// it is empty.
  static Result<Linear> create(std::span<const LinearPart> parts, std::size_t k,
                               Precision precision = Precision::kFloat32);

  /// The product of the way back, d_x[rows, k] = d_y[rows, n] W, of a layer with weight [n, k] row-major: k() of this
  /// object is the layer's n, n() its k. There is no bias. Errors as create(); kUnsupported for kInt8.
  static Result<Linear> create_transposed(const float* weight, std::size_t n, std::size_t k,
                                          Precision precision = Precision::kFloat32);
  Linear(Linear&&) noexcept;
  Linear& operator=(Linear&&) noexcept;
  ~Linear();

  std::size_t k() const;  // width of x
  std::size_t n() const;  // width of y
  Precision precision() const;

  /// New values for an object of create(), whose parts had the same widths together, or of create_transposed(), with
  /// the same shape. On `n_threads` OpenMP threads. Not with kInt8.
  /// Cost: near that of reading the new values and writing the old ones' place. Allocates at the first call, and when
  /// `n_threads` changes; parts that do not lie one after another in memory, and rounding on a CPU without fast
  /// bfloat16, cost a copy more, in memory that is kept.
  void assign(std::span<const LinearPart> parts, int n_threads = 1);
  void assign_transposed(const float* weight, int n_threads = 1);

  /// y = activation(x W^T + b), or without one. x: [rows, k], y: [rows, n], both with room for kLinearSlackRows more
  /// rows; they must not overlap. Zero rows are fine.
  void forward(const float* x, std::size_t rows, float* y, MatmulContext& context,
               std::optional<Activation> activation = std::nullopt) const;

  /// Which kernel runs: oneDNN's name for it, "brg:avx512_core", or "int8:vnni".
  std::string kernel_name() const;

 private:
  struct Impl;
  explicit Linear(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
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

#include "nn/int8_layer.h"

#include <algorithm>

#include "nn/kernels/int8_rows.h"
#include "nn/kernels/parallel.h"

namespace spanqa {
namespace {

// Rows that are quantised and multiplied together. At K = 3072 their bytes and a panel of weights fill half of a
// second-level cache of 1 MB.
constexpr std::size_t kTileRows = 128;
// Rows whose sums are made and finished in one go: with 64 columns 6 KB, which stay in the first-level cache.
constexpr std::size_t kSumRows = 24;
// Below it a thread's share of the rows would use too little of each panel that it loads; panels are shared instead.
constexpr std::size_t kMinRowsPerThread = 24;

std::size_t round_up(std::size_t n, std::size_t step) { return (n + step - 1) / step * step; }

}  // namespace

struct Int8Layer::Tile {
  const float* x = nullptr;
  std::size_t n = 0;
  std::optional<Activation> activation;
  float* y = nullptr;
  Int8RowsOut bytes;
};

Int8Layer::Int8Layer(const Int8Matrix& weight, const float* bias)
    : weights_(weight.values, weight.n, weight.k),
      scales_(weight.scales, weight.scales + weight.n),
      bias_(bias, bias + weight.n) {
  scales_.resize(weights_.n_panels() * kInt8Panel);
  bias_.resize(scales_.size());
}

void Int8Layer::quantise(const Tile& tile, Range rows) const {
  const Int8RowsOut out{.values = tile.bytes.values + rows.begin * tile.bytes.stride,
                        .stride = tile.bytes.stride,
                        .scales = tile.bytes.scales + rows.begin};
  quantise_rows(tile.x + rows.begin * k(), rows.end - rows.begin, k(), out);
}

void Int8Layer::multiply(const Tile& tile, Range rows, Range panels) const {
  alignas(64) std::int32_t sums[kSumRows * kInt8Panel];
  for (std::size_t panel = panels.begin; panel < panels.end; ++panel) {
    const std::size_t column = panel * kInt8Panel;
    const Int8Columns columns{.scales = scales_.data() + column,
                              .weight_sums = weights_.column_sums(panel),
                              .bias = bias_.data() + column,
                              .n = std::min(kInt8Panel, n() - column)};
    for (std::size_t row = rows.begin; row < rows.end; row += kSumRows) {
      const std::size_t n_rows = std::min(kSumRows, rows.end - row);
      int8_product({.values = tile.bytes.values + row * tile.bytes.stride, .n = n_rows, .stride = tile.bytes.stride},
                   weights_, panel, sums);
      finish_sums({.values = sums, .rows = tile.bytes.scales + row, .n = n_rows}, columns, tile.activation,
                  tile.y + row * n() + column, n());
    }
  }
}

void Int8Layer::run(const Tile& tile, int n_threads) const {
  if (tile.n >= static_cast<std::size_t>(n_threads) * kMinRowsPerThread) {
    return parallel_rows(tile.n, kMinRowsPerThread, n_threads, [&](std::size_t begin, std::size_t end) {
      quantise(tile, {begin, end});
      multiply(tile, {begin, end}, {0, weights_.n_panels()});
    });
  }
  quantise(tile, {0, tile.n});
  parallel_rows(weights_.n_panels(), 1, n_threads,
                [&](std::size_t begin, std::size_t end) { multiply(tile, {0, tile.n}, {begin, end}); });
}

void Int8Layer::forward(const float* x, std::size_t rows, std::optional<Activation> activation, float* y,
                        AlignedBuffer& scratch, int n_threads) const {
  constexpr std::size_t kScaleFloats = kTileRows * sizeof(RowScale) / sizeof(float);
  const std::size_t stride = round_up(k(), 64);  // rows begin at cache lines
  const std::size_t size = kScaleFloats + kTileRows * stride / sizeof(float);
  float* const memory = scratch.at_least(size);
  const Int8RowsOut bytes{.values = reinterpret_cast<std::uint8_t*>(memory + kScaleFloats),
                          .stride = stride,
                          .scales = reinterpret_cast<RowScale*>(memory)};
  const std::size_t n_tiles = (rows + kTileRows - 1) / kTileRows;
  for (std::size_t i = 0; i < n_tiles; ++i) {
    const std::size_t begin = rows * i / n_tiles;
    run({.x = x + begin * k(),
         .n = rows * (i + 1) / n_tiles - begin,
         .activation = activation,
         .y = y + begin * n(),
         .bytes = bytes},
        n_threads);
  }
}

}  // namespace spanqa

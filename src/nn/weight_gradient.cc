#include "nn/weight_gradient.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "nn/matmul_context_impl.h"
#include "nn/matmul_operand.h"

namespace spanqa {
namespace {

// Converted rows that are multiplied at once, so that they stay in the second-level cache.
constexpr std::size_t kChunkRows = 512;
// The last chunk is filled up with rows of zeros to a multiple of it, which bounds the number of primitives per shape.
constexpr std::size_t kRowBucket = 32;
// A tile is so many rows of d_w, or a multiple.
constexpr std::size_t kTileStep = 32;
constexpr std::size_t kMaxTile = 384;
// What packing x costs every tile, as rows of d_w (measured, 384 x 384 to 3072 x 768).
constexpr std::size_t kTileOverhead = 8;
// Rows that one thread converts before it asks for more.
constexpr std::size_t kConvertRows = 32;

std::size_t divide_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

// The width that lets `n_threads` finish `n` rows of d_w first.
std::size_t choose_tile(std::size_t n, std::size_t n_threads) {
  std::size_t best = kTileStep;
  std::size_t best_cost = std::numeric_limits<std::size_t>::max();
  for (std::size_t tile = kMaxTile; tile >= kTileStep; tile -= kTileStep) {
    const std::size_t cost = divide_up(divide_up(n, tile), n_threads) * (tile + kTileOverhead);
    if (cost < best_cost) {
      best = tile;
      best_cost = cost;
    }
  }
  return best;
}

// Calls `work(item, thread)` for every item, on whichever thread is free.
template <typename Work>
void for_each_item(std::size_t n_items, int n_threads, const Work& work) {
  if (n_threads <= 1 || n_items <= 1) {
    for (std::size_t item = 0; item < n_items; ++item) work(item, std::size_t{0});
    return;
  }
#pragma omp parallel for num_threads(n_threads) schedule(dynamic, 1)
  for (std::size_t item = 0; item < n_items; ++item) work(item, static_cast<std::size_t>(omp_get_thread_num()));
}

dnnl::memory::desc matrix(std::size_t rows, std::size_t columns, dnnl::memory::data_type type,
                          dnnl::memory::format_tag tag) {
  return {{dim_of(rows), dim_of(columns)}, type, tag};
}

// A primitive, and never dnnl_sgemm: oneDNN 2.6.3's AVX-512 kernels of that keep numbers below a stack pointer that
// they move, so a signal that comes meanwhile writes its frame over the caller's memory.
GradientProduct describe(const ProductShape& shape) {
  const std::lock_guard lock(creation_mutex());
  using Tag = dnnl::memory::format_tag;
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  dnnl::post_ops add;
  add.append_sum(1.0F);
  attributes.set_post_ops(add);
  const dnnl::matmul::desc product(matrix(shape.n, shape.rows, shape.type, Tag::ba),
                                   matrix(shape.rows, shape.k, shape.type, Tag::ab),
                                   matrix(shape.n, shape.k, dnnl::memory::data_type::f32, Tag::ab));
  const dnnl::matmul::primitive_desc description(product, attributes, cpu_engine());
  return {dnnl::matmul(description), description.src_desc(), description.weights_desc(), description.dst_desc(),
          description.scratchpad_desc()};
}

// One call, in tiles of d_w's rows. Exceptions of oneDNN must not leave the threads of a parallel region.
class Accumulation {
 public:
  Accumulation(const WeightGradient& gradient, Arithmetic arithmetic, MatmulContext::Impl& context)
      : gradient_(gradient),
        arithmetic_(arithmetic),
        context_(context),
        n_threads_(team_size(context.n_threads)),
        tile_(choose_tile(gradient.n, static_cast<std::size_t>(n_threads_))) {}

  bool run() {
    for (std::size_t row = 0; row < gradient_.rows; row += kChunkRows) add_chunk(row);
    return !has_failed_;
  }

 private:
  std::size_t tile_width(std::size_t tile) const { return std::min(tile_, gradient_.n - tile * tile_); }
  float* tile_output(std::size_t tile) const { return gradient_.d_w + tile * tile_ * gradient_.k; }

  template <typename AddTile>
  void for_each_tile(const AddTile& add_tile) {
    for_each_item(divide_up(gradient_.n, tile_), n_threads_, [&](std::size_t tile, std::size_t thread) {
      if (!add_tile(tile, thread)) has_failed_ = true;
    });
  }

  void add_chunk(std::size_t row) {
    const std::size_t rows = std::min(kChunkRows, gradient_.rows - row);
    const std::size_t bucket = divide_up(rows, kRowBucket) * kRowBucket;
    convert(row, rows, bucket);
    multiply(bucket);
  }

  // Rows [row, row + rows) as operands, then zeros up to `bucket` rows: x as it is, d_y in tiles of columns that follow
  // one another, since oneDNN's fast kernels want rows without gaps.
  void convert(std::size_t row, std::size_t rows, std::size_t bucket) {
    const std::size_t size = operand_size(arithmetic_);
    const std::size_t n = gradient_.n;
    const std::size_t k = gradient_.k;
    std::byte* const x = operand_memory(context_.x_operand, k);
    std::byte* const d_y = operand_memory(context_.d_y_operand, n);
    const auto convert_row = [&](std::size_t r) {
      to_operand(arithmetic_, gradient_.x + (row + r) * k, k, x + r * k * size);
      for (std::size_t column = 0; column < n; column += tile_) {
        const std::size_t width = std::min(tile_, n - column);
        to_operand(arithmetic_, gradient_.d_y + (row + r) * n + column, width,
                   d_y + (column * bucket + r * width) * size);
      }
    };
    for_each_item(divide_up(rows, kConvertRows), n_threads_, [&](std::size_t block, std::size_t) {
      const std::size_t end = std::min(rows, (block + 1) * kConvertRows);
      for (std::size_t r = block * kConvertRows; r < end; ++r) convert_row(r);
    });
    const std::size_t missing = bucket - rows;
    std::memset(x + rows * k * size, 0, missing * k * size);
    for (std::size_t column = 0; column < n; column += tile_) {
      const std::size_t width = std::min(tile_, n - column);
      std::memset(d_y + (column * bucket + rows * width) * size, 0, missing * width * size);
    }
  }

  std::byte* operand_memory(AlignedBuffer& buffer, std::size_t width) const {
    const std::size_t bytes = kChunkRows * width * operand_size(arithmetic_);
    return reinterpret_cast<std::byte*>(buffer.uninitialized(bytes / sizeof(float) + 1));
  }

  const GradientProduct& find_product(std::size_t rows, std::size_t width) {
    using Type = dnnl::memory::data_type;
    const Type type = arithmetic_ == Arithmetic::kBFloat16 ? Type::bf16 : Type::f32;
    const ProductShape shape{.rows = rows, .k = gradient_.k, .n = width, .type = type, .n_threads = 1};
    GradientProduct& product = context_.gradient_products[shape];
    if (!product.primitive) product = describe(shape);
    return product;
  }

  void multiply(std::size_t rows) {
    const std::size_t last = divide_up(gradient_.n, tile_) - 1;
    const GradientProduct& product = find_product(rows, tile_width(0));
    const GradientProduct& last_product = find_product(rows, tile_width(last));
    std::byte* const x = operand_memory(context_.x_operand, gradient_.k);
    std::byte* const d_y = operand_memory(context_.d_y_operand, gradient_.n);
    for_each_tile([&](std::size_t tile, std::size_t thread) {
      return succeeds([&] {
        execute(tile == last ? last_product : product, x, d_y + tile * tile_ * rows * operand_size(arithmetic_),
                tile_output(tile), context_.scratchpads[thread]);
      });
    });
  }

  static void execute(const GradientProduct& product, void* x, void* d_y, float* d_w, AlignedBuffer& buffer) {
    dnnl::stream stream(cpu_engine());
    dnnl::memory scratchpad(product.scratchpad, cpu_engine(), nullptr);
    set_scratchpad(scratchpad, buffer);
    product.primitive.execute(stream, {{DNNL_ARG_SRC, dnnl::memory(product.d_y, cpu_engine(), d_y)},
                                       {DNNL_ARG_WEIGHTS, dnnl::memory(product.x, cpu_engine(), x)},
                                       {DNNL_ARG_DST, dnnl::memory(product.d_w, cpu_engine(), d_w)},
                                       {DNNL_ARG_SCRATCHPAD, scratchpad}});
    stream.wait();
  }

  const WeightGradient& gradient_;
  Arithmetic arithmetic_;
  MatmulContext::Impl& context_;
  int n_threads_;
  std::size_t tile_;
  std::atomic<bool> has_failed_ = false;
};

}  // namespace

void add_weight_gradient(const WeightGradient& gradient, Precision precision, MatmulContext& context) {
  if (gradient.rows == 0 || gradient.n == 0 || gradient.k == 0) return;
  const OmpThreads one_thread(1);  // each tile on the thread that takes it
  Accumulation accumulation(gradient, arithmetic_of(precision), context.impl());
  bool has_run = false;
  SPANQA_CHECK(succeeds([&] { has_run = accumulation.run(); }) && has_run);
}

}  // namespace spanqa

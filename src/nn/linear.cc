#include "nn/linear.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "nn/aligned_buffer.h"
#include "nn/kernels/elementwise.h"
#include "nn/kernels/parallel.h"
#include "nn/onednn.h"

namespace spanqa {
namespace {

// A product runs over tiles of so many rows, which bounds the number of primitives per shape, and keeps oneDNN 2.6 off
// row counts from 256 on, where some shapes (K 1536, N 384) run on one thread only.
constexpr std::size_t kTileRows = 128;
// The last tile is rounded up to a multiple of it.
constexpr std::size_t kRowBucket = 16;
// Below it, waking another thread for an activation costs more than it saves.
constexpr std::size_t kMinRowsPerThread = 8;
static_assert(kRowBucket <= kLinearSlackRows);

constexpr auto kFloat = dnnl::memory::data_type::f32;
constexpr auto kRowMajor = dnnl::memory::format_tag::ab;

dnnl::memory::dim dim_of(std::size_t n) { return static_cast<dnnl::memory::dim>(n); }

dnnl::memory::desc rows_desc(std::size_t rows, std::size_t width) {
  return {{dim_of(rows), dim_of(width)}, kFloat, kRowMajor};
}

// The product of `rows` rows; `weights` may leave the layout to oneDNN.
dnnl::matmul::primitive_desc describe(std::size_t rows, std::size_t k, std::size_t n,
                                      const dnnl::memory::desc& weights) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const dnnl::matmul::desc product(rows_desc(rows, k), weights, rows_desc(1, n), rows_desc(rows, n));
  return {product, attributes, cpu_engine()};
}

// Exceptions of oneDNN end here: with shapes that create() accepted, an error is a fault of ours or lack of memory.
template <typename Work>
bool succeeds(const Work& work) {
  try {
    work();
    return true;
  } catch (const dnnl::error&) {
    return false;
  }
}

// What a primitive is made for, with the weights' layout, which is the same for all layers of a shape.
struct Shape {
  std::size_t k;
  std::size_t n;
  std::size_t rows;
  auto operator<=>(const Shape&) const = default;
};

// A primitive with memory objects whose pointers are set for each call.
struct Product {
  dnnl::memory::desc weights;
  dnnl::matmul primitive;
  dnnl::memory x;
  dnnl::memory y;
  dnnl::memory scratchpad;
};

}  // namespace

struct MatmulContext::Impl {
  int n_threads;
  dnnl::stream stream;
  std::map<Shape, Product> products;
  AlignedBuffer scratchpad;

  Product& product(const Shape& shape, const dnnl::memory::desc& weights);
};

Product& MatmulContext::Impl::product(const Shape& shape, const dnnl::memory::desc& weights) {
  Product& product = products[shape];
  if (product.primitive && product.weights == weights) return product;
  const dnnl::matmul::primitive_desc description = describe(shape.rows, shape.k, shape.n, weights);
  product.primitive = dnnl::matmul(description);
  product.weights = weights;
  product.x = dnnl::memory(description.src_desc(), cpu_engine(), nullptr);
  product.y = dnnl::memory(description.dst_desc(), cpu_engine(), nullptr);
  product.scratchpad = dnnl::memory(description.scratchpad_desc(), cpu_engine(), nullptr);
  return product;
}

MatmulContext::MatmulContext(int n_threads)
    : impl_(new Impl{.n_threads = std::max(n_threads, 1),
                     .stream = dnnl::stream(cpu_engine()),
                     .products = {},
                     .scratchpad = {}}) {}
MatmulContext::~MatmulContext() = default;
MatmulContext::MatmulContext(MatmulContext&&) noexcept = default;
MatmulContext& MatmulContext::operator=(MatmulContext&&) noexcept = default;
int MatmulContext::n_threads() const { return impl_->n_threads; }

struct Linear::Impl {
  std::size_t k = 0;
  std::size_t n = 0;
  dnnl::memory weights;
  dnnl::memory bias;
  std::string kernel_name;

  void load(std::span<const LinearPart> parts);
  void run(const float* x, std::size_t rows, float* y, MatmulContext::Impl& context) const;
};

void Linear::Impl::load(std::span<const LinearPart> parts) {
  AlignedBuffer side_by_side;
  const OmpThreads one_thread(1);
  bias = dnnl::memory(rows_desc(1, n), cpu_engine());
  float* next_bias = static_cast<float*>(bias.get_data_handle());
  float* const all = side_by_side.uninitialized(n * k);
  float* next_row = all;
  for (const LinearPart& part : parts) {
    next_row = std::copy_n(part.weight, part.n * k, next_row);
    next_bias = part.bias == nullptr ? std::fill_n(next_bias, part.n, 0.0F) : std::copy_n(part.bias, part.n, next_bias);
  }
  const dnnl::memory::desc any({dim_of(k), dim_of(n)}, kFloat, dnnl::memory::format_tag::any);
  const dnnl::matmul::primitive_desc description = describe(kTileRows, k, n, any);
  kernel_name = description.impl_info_str();
  weights = dnnl::memory(description.weights_desc(), cpu_engine());
  dnnl::memory stored({{dim_of(k), dim_of(n)}, kFloat, dnnl::memory::format_tag::ba}, cpu_engine(), all);
  dnnl::stream stream(cpu_engine());
  dnnl::reorder(stored, weights).execute(stream, stored, weights);
  stream.wait();
}

void Linear::Impl::run(const float* x, std::size_t rows, float* y, MatmulContext::Impl& context) const {
  Product& product = context.product({.k = k, .n = n, .rows = rows}, weights.get_desc());
  product.x.set_data_handle(const_cast<float*>(x));
  product.y.set_data_handle(y);
  const std::size_t scratchpad_floats = product.scratchpad.get_desc().get_size() / sizeof(float) + 1;
  product.scratchpad.set_data_handle(context.scratchpad.uninitialized(scratchpad_floats));
  product.primitive.execute(context.stream, {{DNNL_ARG_SRC, product.x},
                                             {DNNL_ARG_WEIGHTS, weights},
                                             {DNNL_ARG_BIAS, bias},
                                             {DNNL_ARG_DST, product.y},
                                             {DNNL_ARG_SCRATCHPAD, product.scratchpad}});
}

Linear::Linear(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Linear::Linear(Linear&&) noexcept = default;
Linear& Linear::operator=(Linear&&) noexcept = default;
Linear::~Linear() = default;
std::size_t Linear::k() const { return impl_->k; }
std::size_t Linear::n() const { return impl_->n; }
std::string Linear::kernel_name() const { return impl_->kernel_name; }

Result<Linear> Linear::create(std::span<const LinearPart> parts, std::size_t k) {
  auto impl = std::make_unique<Impl>();
  impl->k = k;
  for (const LinearPart& part : parts) impl->n += part.n;
  if (k == 0 || impl->n == 0) return fail(ErrorCode::kInvalidArgument, "a linear layer has no weights");
  try {
    impl->load(parts);
  } catch (const dnnl::error& error) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("oneDNN refuses a linear layer of {} x {} numbers: {}", impl->n, k, error.what()));
  }
  return Linear(std::unique_ptr<const Impl>(std::move(impl)));
}

void Linear::forward(const float* x, std::size_t rows, float* y, MatmulContext& context) const {
  const OmpThreads threads(context.n_threads());
  const bool is_done = succeeds([&] {
    for (std::size_t row = 0; row < rows; row += kTileRows) {
      const std::size_t left = std::min(kTileRows, rows - row);
      const std::size_t bucket = (left + kRowBucket - 1) / kRowBucket * kRowBucket;
      impl_->run(x + row * impl_->k, bucket, y + row * impl_->n, context.impl());
    }
    context.impl().stream.wait();
  });
  SPANQA_CHECK(is_done);
}

void activate(Activation activation, float* x, std::size_t n) {
  switch (activation) {
    case Activation::kGelu:
      return gelu(x, n);
    case Activation::kGeluTanh:
      return gelu_tanh(x, n);
    case Activation::kRelu:
      return relu(x, n);
  }
}

std::size_t feed_forward_scratch(const Linear& up) { return (kFeedForwardTile + kLinearSlackRows) * up.n(); }

void feed_forward(const FeedForward& layer, const float* x, std::size_t rows, float* y, float* intermediate,
                  MatmulContext& context) {
  const std::size_t width = layer.up.n();
  for (std::size_t row = 0; row < rows; row += kFeedForwardTile) {
    const std::size_t n_rows = std::min(kFeedForwardTile, rows - row);
    layer.up.forward(x + row * layer.up.k(), n_rows, intermediate, context);
    parallel_rows(n_rows, kMinRowsPerThread, context.n_threads(), [&](std::size_t begin, std::size_t end) {
      activate(layer.activation, intermediate + begin * width, (end - begin) * width);
    });
    layer.down.forward(intermediate, n_rows, y + row * layer.down.n(), context);
  }
}

}  // namespace spanqa

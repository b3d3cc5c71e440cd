#include "nn/linear.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "nn/aligned_buffer.h"
#include "nn/int8_layer.h"
#include "nn/kernels/elementwise.h"
#include "nn/kernels/int8_rows.h"
#include "nn/kernels/parallel.h"
#include "nn/matmul_context_impl.h"
#include "nn/matmul_operand.h"
#include "nn/onednn.h"

namespace spanqa {
namespace {

// A product runs over tiles of so many rows, which bounds the number of primitives per shape, and keeps oneDNN 2.6 off
// row counts from 256 on, where some shapes (K 1536, N 384) run on one thread only.
constexpr std::size_t kTileRows = 128;
// The last tile is rounded up to a multiple of it.
constexpr std::size_t kRowBucket = 16;
// Below it, waking another thread for work on rows costs more than it saves.
constexpr std::size_t kMinRowsPerThread = 8;
static_assert(kRowBucket <= kLinearSlackRows);

constexpr auto kFloat = dnnl::memory::data_type::f32;
using Tag = dnnl::memory::format_tag;

dnnl::memory::data_type type_of(Arithmetic arithmetic) {
  return arithmetic == Arithmetic::kBFloat16 ? dnnl::memory::data_type::bf16 : kFloat;
}

dnnl::memory::desc matrix(std::size_t rows, std::size_t columns, dnnl::memory::data_type type, Tag tag) {
  return {{dim_of(rows), dim_of(columns)}, type, tag};
}

// The product of a shape; `weights` may leave the layout to oneDNN.
dnnl::matmul::primitive_desc describe(const ProductShape& shape, const dnnl::memory::desc& weights) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const dnnl::matmul::desc product(matrix(shape.rows, shape.k, shape.type, Tag::ab), weights,
                                   matrix(1, shape.n, kFloat, Tag::ab), matrix(shape.rows, shape.n, kFloat, Tag::ab));
  return {product, attributes, cpu_engine()};
}

Product& find_product(MatmulContext::Impl& context, const ProductShape& shape, const dnnl::memory::desc& weights) {
  Product& product = context.products[shape];
  if (product.primitive && product.weights == weights) return product;
  const std::lock_guard lock(creation_mutex());
  const dnnl::matmul::primitive_desc description = describe(shape, weights);
  product.primitive = dnnl::matmul(description);
  product.weights = weights;
  product.x = dnnl::memory(description.src_desc(), cpu_engine(), nullptr);
  product.y = dnnl::memory(description.dst_desc(), cpu_engine(), nullptr);
  product.scratchpad = dnnl::memory(description.scratchpad_desc(), cpu_engine(), nullptr);
  return product;
}

// Converts rows of `width` numbers, spread over threads.
void convert_rows(Arithmetic arithmetic, const float* src, std::size_t rows, std::size_t width, void* dst,
                  int n_threads) {
  auto* const bytes = static_cast<std::byte*>(dst);
  parallel_rows(rows, kMinRowsPerThread, n_threads, [&](std::size_t begin, std::size_t end) {
    to_operand(arithmetic, src + begin * width, (end - begin) * width,
               bytes + begin * width * operand_size(arithmetic));
  });
}

void activate_rows(Activation activation, std::size_t rows, std::size_t width, float* y, int n_threads) {
  parallel_rows(rows, kMinRowsPerThread, n_threads, [&](std::size_t begin, std::size_t end) {
    activate(activation, y + begin * width, (end - begin) * width);
  });
}

bool lie_one_after_another(std::span<const LinearPart> parts, std::size_t k) {
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (parts[i].weight != parts[i - 1].weight + parts[i - 1].n * k) return false;
  }
  return true;
}

std::size_t total_width(std::span<const LinearPart> parts) {
  std::size_t n = 0;
  for (const LinearPart& part : parts) n += part.n;
  return n;
}

}  // namespace

struct Linear::Impl {
  struct Form {
    std::size_t k = 0;
    std::size_t n = 0;
    Precision precision = Precision::kFloat32;
    Tag stored = Tag::ba;  // how callers store the weights, seen as [k, n]: `ba` is [n, k] row-major
  };
  Form form;
  Arithmetic arithmetic = Arithmetic::kFloat32;
  dnnl::memory weights;
  dnnl::memory bias;
  std::string kernel_name;
  std::optional<Int8Layer> int8;  // with Precision::kInt8, instead of what oneDNN needs

  // How new values come in.
  dnnl::memory source;
  dnnl::reorder reorder;
  int reorder_threads = 0;
  AlignedBuffer gathered;

  static Result<Linear> create(const Form& form, std::span<const LinearPart> parts);
  void create_int8(std::span<const LinearPart> parts);
  void create_onednn(std::span<const LinearPart> parts);
  void assign(std::span<const LinearPart> parts, int n_threads);
  void choose_layout();
  void load(std::span<const LinearPart> parts, int n_threads, AlignedBuffer& scratch);
  void load_weights(const float* values, int n_threads);
  ProductShape shape(std::size_t rows, int n_threads) const;
  const void* operand(const float* x, std::size_t rows, MatmulContext::Impl& context) const;
  void run(const void* x, std::size_t rows, float* y, MatmulContext::Impl& context) const;
};

ProductShape Linear::Impl::shape(std::size_t rows, int n_threads) const {
  return {.rows = rows, .k = form.k, .n = form.n, .type = type_of(arithmetic), .n_threads = n_threads};
}

void Linear::Impl::choose_layout() {
  const OmpThreads one_thread(1);
  const std::lock_guard lock(creation_mutex());
  arithmetic = arithmetic_of(form.precision);
  const dnnl::matmul::primitive_desc description =
      describe(shape(kTileRows, 1), matrix(form.k, form.n, type_of(arithmetic), Tag::any));
  kernel_name = description.impl_info_str();
  weights = dnnl::memory(description.weights_desc(), cpu_engine());
  bias = dnnl::memory(matrix(1, form.n, kFloat, Tag::ab), cpu_engine());
}

// `scratch` takes the parts where the layout's conversion cannot read them as they lie.
void Linear::Impl::load(std::span<const LinearPart> parts, int n_threads, AlignedBuffer& scratch) {
  float* next_bias = static_cast<float*>(bias.get_data_handle());
  for (const LinearPart& part : parts) {
    next_bias = part.bias == nullptr ? std::fill_n(next_bias, part.n, 0.0F) : std::copy_n(part.bias, part.n, next_bias);
  }
  const bool is_rounded = arithmetic == Arithmetic::kRoundedFloat32;
  if (!is_rounded && lie_one_after_another(parts, form.k)) return load_weights(parts.front().weight, n_threads);
  float* const all = scratch.uninitialized(form.n * form.k);
  float* next = all;
  for (const LinearPart& part : parts) {
    convert_rows(is_rounded ? arithmetic : Arithmetic::kFloat32, part.weight, part.n, form.k, next, n_threads);
    next += part.n * form.k;
  }
  load_weights(all, n_threads);
}

void Linear::Impl::load_weights(const float* values, int n_threads) {
  const OmpThreads threads(n_threads);
  if (reorder_threads != n_threads) {
    source = dnnl::memory(matrix(form.k, form.n, kFloat, form.stored), cpu_engine(), nullptr);
    const std::lock_guard lock(creation_mutex());
    reorder = dnnl::reorder(source, weights);
    reorder_threads = n_threads;
  }
  source.set_data_handle(const_cast<float*>(values));
  dnnl::stream stream(cpu_engine());
  reorder.execute(stream, source, weights);
  stream.wait();
}

const void* Linear::Impl::operand(const float* x, std::size_t rows, MatmulContext::Impl& context) const {
  if (arithmetic == Arithmetic::kFloat32) return x;
  const std::size_t bytes = kTileRows * form.k * operand_size(arithmetic);
  void* const converted = context.x_operand.uninitialized(bytes / sizeof(float) + 1);
  convert_rows(arithmetic, x, rows, form.k, converted, team_size(context.n_threads));
  return converted;
}

void Linear::Impl::run(const void* x, std::size_t rows, float* y, MatmulContext::Impl& context) const {
  Product& product = find_product(context, shape(rows, team_size(context.n_threads)), weights.get_desc());
  product.x.set_data_handle(const_cast<void*>(x));
  product.y.set_data_handle(y);
  set_scratchpad(product.scratchpad, context.scratchpads.front());
  product.primitive.execute(context.stream, {{DNNL_ARG_SRC, product.x},
                                             {DNNL_ARG_WEIGHTS, weights},
                                             {DNNL_ARG_BIAS, bias},
                                             {DNNL_ARG_DST, product.y},
                                             {DNNL_ARG_SCRATCHPAD, product.scratchpad}});
}

Linear::Linear(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Linear::Linear(Linear&&) noexcept = default;
Linear& Linear::operator=(Linear&&) noexcept = default;
Linear::~Linear() = default;
std::size_t Linear::k() const { return impl_->form.k; }
std::size_t Linear::n() const { return impl_->form.n; }
Precision Linear::precision() const { return impl_->form.precision; }
std::string Linear::kernel_name() const { return impl_->kernel_name; }

Result<Linear> Linear::Impl::create(const Form& form, std::span<const LinearPart> parts) {
  if (form.k == 0 || form.n == 0) return fail(ErrorCode::kInvalidArgument, "a linear layer has no weights");
  const bool is_int8 = form.precision == Precision::kInt8;
  if (is_int8 && (form.stored != Tag::ba || form.k > kInt8MaxK)) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("a linear layer of {} x {} numbers cannot be computed in int8", form.n, form.k));
  }
  auto impl = std::make_unique<Impl>();
  impl->form = form;
  try {
    if (is_int8) {
      impl->create_int8(parts);
    } else {
      impl->create_onednn(parts);
    }
  } catch (const dnnl::error& error) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("oneDNN refuses a linear layer of {} x {} numbers: {}", form.n, form.k, error.what()));
  }
  return Linear(std::move(impl));
}

void Linear::Impl::create_onednn(std::span<const LinearPart> parts) {
  AlignedBuffer scratch;
  choose_layout();
  load(parts, 1, scratch);
}

void Linear::Impl::create_int8(std::span<const LinearPart> parts) {
  std::vector<std::int8_t> values(form.n * form.k);
  std::vector<float> scales(form.n);
  std::vector<float> biases(form.n);
  std::size_t row = 0;
  for (const LinearPart& part : parts) {
    quantise_weights(part.weight, part.n, form.k, values.data() + row * form.k, scales.data() + row);
    if (part.bias != nullptr) std::copy_n(part.bias, part.n, biases.data() + row);
    row += part.n;
  }
  int8.emplace(Int8Matrix{.values = values.data(), .scales = scales.data(), .n = form.n, .k = form.k}, biases.data());
  kernel_name = int8_kernel_name();
}

void Linear::Impl::assign(std::span<const LinearPart> parts, int n_threads) {
  SPANQA_CHECK(total_width(parts) == form.n && !int8);
  SPANQA_CHECK(succeeds([&] { load(parts, team_size(std::max(n_threads, 1)), gathered); }));
}

Result<Linear> Linear::create(std::span<const LinearPart> parts, std::size_t k, Precision precision) {
  return Impl::create({.k = k, .n = total_width(parts), .precision = precision, .stored = Tag::ba}, parts);
}

Result<Linear> Linear::create_transposed(const float* weight, std::size_t n, std::size_t k, Precision precision) {
  const LinearPart part{.weight = weight, .bias = nullptr, .n = k};
  return Impl::create({.k = n, .n = k, .precision = precision, .stored = Tag::ab}, {&part, 1});
}

void Linear::assign(std::span<const LinearPart> parts, int n_threads) {
  SPANQA_CHECK(impl_->form.stored == Tag::ba);
  impl_->assign(parts, n_threads);
}

void Linear::assign_transposed(const float* weight, int n_threads) {
  SPANQA_CHECK(impl_->form.stored == Tag::ab);
  const LinearPart part{.weight = weight, .bias = nullptr, .n = n()};
  impl_->assign({&part, 1}, n_threads);
}

void Linear::forward(const float* x, std::size_t rows, float* y, MatmulContext& context,
                     std::optional<Activation> activation) const {
  if (impl_->int8) {
    AlignedBuffer& scratch = context.impl().x_operand;
    return impl_->int8->forward(x, rows, activation, y, scratch, team_size(context.n_threads()));
  }
  const OmpThreads threads(context.n_threads());
  const bool is_done = succeeds([&] {
    for (std::size_t row = 0; row < rows; row += kTileRows) {
      const std::size_t n_rows = std::min(kTileRows, rows - row);
      const std::size_t bucket = (n_rows + kRowBucket - 1) / kRowBucket * kRowBucket;
      const void* const operand = impl_->operand(x + row * k(), n_rows, context.impl());
      float* const tile = y + row * n();
      impl_->run(operand, bucket, tile, context.impl());
      if (activation) {
        context.impl().stream.wait();
        activate_rows(*activation, n_rows, n(), tile, context.n_threads());
      }
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
  for (std::size_t row = 0; row < rows; row += kFeedForwardTile) {
    const std::size_t n_rows = std::min(kFeedForwardTile, rows - row);
    layer.up.forward(x + row * layer.up.k(), n_rows, intermediate, context, layer.activation);
    layer.down.forward(intermediate, n_rows, y + row * layer.down.n(), context);
  }
}

}  // namespace spanqa

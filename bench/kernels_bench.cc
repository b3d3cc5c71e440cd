// Cost of each kernel of the encoder, in MiniLM's shape (hidden 384, feed-forward 1536, 12 heads of 32), on one thread.
// A kernel with a `_ref` twin is first compared with it, and its benchmark gives up where they differ. `time_per_token`
// is of one layer; what attention, activation and normalisation cost is to be held against the sum of the four linear
// layers (bench_linear) and their speed against bench_matmul_peak.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "nn/aligned_buffer.h"
#include "nn/kernels/attention.h"
#include "nn/kernels/dropout.h"
#include "nn/kernels/elementwise.h"
#include "nn/kernels/isa.h"
#include "nn/kernels/training_elementwise.h"
#include "nn/linear.h"
#include "nn/matmul_peak.h"

namespace spanqa {
namespace {

constexpr std::size_t kHidden = 384;
constexpr std::size_t kIntermediate = 1536;
constexpr std::size_t kHeads = 12;

std::vector<float> random_floats(std::size_t n, float spread = 1.0F) {
  std::mt19937 generator(12345);
  std::normal_distribution<float> distribution(0.0F, spread);
  std::vector<float> values(n);
  for (float& value : values) value = distribution(generator);
  return values;
}

bool close_to(const float* a, const float* b, std::size_t n, float tolerance) {
  for (std::size_t i = 0; i < n; ++i) {
    if (!(std::abs(a[i] - b[i]) <= tolerance)) return false;
  }
  return true;
}

std::size_t argument(const benchmark::State& state) { return static_cast<std::size_t>(state.range(0)); }

void count_tokens(benchmark::State& state, std::size_t n_tokens) {
  state.counters["time_per_token"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(n_tokens),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void count_flops(benchmark::State& state, double flops) {
  state.counters["flops"] = benchmark::Counter(static_cast<double>(state.iterations()) * flops,
                                               benchmark::Counter::kIsRate, benchmark::Counter::kIs1000);
}

using InPlace = void (*)(float*, std::size_t);

void bench_activation(benchmark::State& state, InPlace fast, InPlace ref) {
  const std::vector<float> x = random_floats(argument(state) * kIntermediate);
  std::vector<float> a = x;
  std::vector<float> b = x;
  fast(a.data(), a.size());
  ref(b.data(), b.size());
  if (!close_to(a.data(), b.data(), a.size(), 2e-6F)) return state.SkipWithError("differs from the formula");
  for (auto _ : state) {
    fast(a.data(), a.size());  // of what it has made itself: the cost does not depend on the numbers
    benchmark::ClobberMemory();
  }
  count_tokens(state, argument(state));
}
BENCHMARK_CAPTURE(bench_activation, gelu, gelu, gelu_ref)->Arg(128)->Arg(1024);
BENCHMARK_CAPTURE(bench_activation, gelu_tanh, gelu_tanh, gelu_tanh_ref)->Arg(128);
BENCHMARK_CAPTURE(bench_activation, relu, relu, relu_ref)->Arg(128);

// Both normalisations of a layer.
void bench_add_layer_norm(benchmark::State& state) {
  const std::size_t rows = argument(state);
  const std::vector<float> x = random_floats(rows * kHidden);
  const std::vector<float> gamma = random_floats(kHidden);
  const LayerNormWeights weights{.gamma = gamma.data(), .beta = gamma.data(), .width = kHidden};
  std::vector<float> out(x.size());
  std::vector<float> ref(x.size());
  add_layer_norm(x.data(), gamma.data(), weights, 1, out.data());
  add_layer_norm_ref(x.data(), gamma.data(), weights, 1, ref.data());
  if (!close_to(out.data(), ref.data(), kHidden, 1e-4F)) return state.SkipWithError("differs from the formula");
  for (auto _ : state) {
    add_layer_norm(x.data(), x.data(), weights, rows, out.data());
    add_layer_norm(x.data(), out.data(), weights, rows, out.data());
    benchmark::ClobberMemory();
  }
  count_tokens(state, rows);
}
BENCHMARK(bench_add_layer_norm)->Arg(128)->Arg(1024);

// One dropout of the hidden state.
void bench_dropout(benchmark::State& state) {
  const std::size_t rows = argument(state);
  const Dropout drop = make_dropout(0.1F, 1, 2);
  const std::vector<float> x = random_floats(rows * kHidden);
  std::vector<float> out(x.size());
  std::vector<float> ref(x.size());
  dropout(drop, 0, rows, kHidden, x.data(), out.data());
  dropout_ref(drop, 0, rows, kHidden, x.data(), ref.data());
  if (out != ref) return state.SkipWithError("differs from the definition");
  for (auto _ : state) {
    dropout(drop, 0, rows, kHidden, x.data(), out.data());
    benchmark::ClobberMemory();
  }
  count_tokens(state, rows);
}
BENCHMARK(bench_dropout)->Arg(128);

// Buffers of one normalisation with dropout and residual.
struct NormBuffers {
  explicit NormBuffers(std::size_t rows)
      : x(random_floats(rows * kHidden)),
        gamma(random_floats(kHidden)),
        out(x.size()),
        normalised(x.size()),
        inverse_deviation(rows) {}
  LayerNormWeights weights() const { return {.gamma = gamma.data(), .beta = gamma.data(), .width = kHidden}; }
  LayerNormTape tape() { return {.normalised = normalised.data(), .inverse_deviation = inverse_deviation.data()}; }
  std::vector<float> x;
  std::vector<float> gamma;
  std::vector<float> out;
  std::vector<float> normalised;
  std::vector<float> inverse_deviation;
};

void bench_add_layer_norm_train(benchmark::State& state, float p) {
  const std::size_t rows = argument(state);
  const Dropout drop = make_dropout(p, 1, 2);
  NormBuffers b(rows);
  NormBuffers ref(rows);
  add_layer_norm_train(b.x.data(), b.x.data(), {.dropout = drop}, b.weights(), rows, b.out.data(), b.tape());
  add_layer_norm_train_ref(b.x.data(), b.x.data(), {.dropout = drop}, b.weights(), rows, ref.out.data(), ref.tape());
  if (!close_to(b.out.data(), ref.out.data(), b.out.size(), 1e-4F)) {
    return state.SkipWithError("differs from the formula");
  }
  for (auto _ : state) {
    add_layer_norm_train(b.x.data(), b.x.data(), {.dropout = drop}, b.weights(), rows, b.out.data(), b.tape());
    benchmark::ClobberMemory();
  }
  count_tokens(state, rows);
}
BENCHMARK_CAPTURE(bench_add_layer_norm_train, no_dropout, 0.0F)->Arg(128);
BENCHMARK_CAPTURE(bench_add_layer_norm_train, dropout, 0.1F)->Arg(128);

void bench_layer_norm_backward(benchmark::State& state, float p) {
  const std::size_t rows = argument(state);
  const Dropout drop = make_dropout(p, 1, 2);
  NormBuffers b(rows);
  std::vector<float> d_x(b.x.size());
  std::vector<float> ref(b.x.size());
  add_layer_norm_train(b.x.data(), b.x.data(), {.dropout = drop}, b.weights(), rows, b.out.data(), b.tape());
  const auto run = [&](decltype(&layer_norm_backward) function) {
    function(b.x.data(), b.tape(), b.weights(), {.dropout = drop}, rows, b.out.data(), d_x.data());
  };
  run(layer_norm_backward_ref);
  ref = d_x;
  run(layer_norm_backward);
  if (!close_to(d_x.data(), ref.data(), ref.size(), 1e-4F)) return state.SkipWithError("differs from the formula");
  for (auto _ : state) {
    run(layer_norm_backward);
    benchmark::ClobberMemory();
  }
  count_tokens(state, rows);
}
BENCHMARK_CAPTURE(bench_layer_norm_backward, no_dropout, 0.0F)->Arg(128);
BENCHMARK_CAPTURE(bench_layer_norm_backward, dropout, 0.1F)->Arg(128);

// Gradients of gamma and beta, and of the bias of the wide layer.
void bench_column_sums(benchmark::State& state) {
  const std::size_t rows = argument(state);
  const std::vector<float> a = random_floats(rows * kIntermediate);
  std::vector<float> sums(kIntermediate);
  for (auto _ : state) {
    add_column_sums({.first = a.data(), .stride = kIntermediate}, rows, kIntermediate, sums.data());
    benchmark::ClobberMemory();
  }
  count_tokens(state, rows);
}
BENCHMARK(bench_column_sums)->Arg(128)->Arg(1408);

void bench_column_products(benchmark::State& state) {
  const std::size_t rows = argument(state);
  const std::vector<float> a = random_floats(rows * kHidden);
  const ColumnsView columns{.first = a.data(), .stride = kHidden};
  std::vector<float> sums(kHidden);
  for (auto _ : state) {
    add_column_products(columns, columns, rows, kHidden, sums.data());
    benchmark::ClobberMemory();
  }
  count_tokens(state, rows);
}
BENCHMARK(bench_column_products)->Arg(128)->Arg(1408);

void bench_activation_backward(benchmark::State& state, Activation activation) {
  const std::vector<float> x = random_floats(argument(state) * kIntermediate);
  std::vector<float> value = x;
  std::vector<float> d(x.size(), 1.0F);
  std::vector<float> ref_value = x;
  std::vector<float> ref_d = d;
  activation_backward(activation, value.data(), d.data(), x.size());
  activation_backward_ref(activation, ref_value.data(), ref_d.data(), x.size());
  if (!close_to(d.data(), ref_d.data(), x.size(), 2e-6F)) return state.SkipWithError("differs from the formula");
  for (auto _ : state) {
    activation_backward(activation, value.data(), d.data(), x.size());
    benchmark::ClobberMemory();
    if (std::abs(d[0]) < 1e-20F) std::fill(d.begin(), d.end(), 1.0F);  // before it fades into slow numbers
  }
  count_tokens(state, argument(state));
}
BENCHMARK_CAPTURE(bench_activation_backward, gelu, Activation::kGelu)->Arg(128);
BENCHMARK_CAPTURE(bench_activation_backward, gelu_tanh, Activation::kGeluTanh)->Arg(128);
BENCHMARK_CAPTURE(bench_activation_backward, relu, Activation::kRelu)->Arg(128);

// Per row of 384 numbers: in the cache, and of the whole model's size.
void bench_adamw(benchmark::State& state) {
  const std::size_t n = argument(state) * kHidden;
  const AdamWStep step{.learning_rate = 1e-5, .weight_decay = 0.01, .bias_correction1 = 0.5, .bias_correction2 = 0.1};
  const std::vector<float> gradient = random_floats(n);
  std::vector<float> p = gradient;
  std::vector<float> m(n);
  std::vector<float> v(n);
  for (auto _ : state) {
    adamw_update(step, gradient.data(), n, p.data(), m.data(), v.data());
    benchmark::ClobberMemory();
  }
  count_tokens(state, argument(state));
}
BENCHMARK(bench_adamw)->Arg(16)->Arg(58000);

void bench_sum_of_squares(benchmark::State& state) {
  const std::vector<float> x = random_floats(argument(state) * kHidden);
  for (auto _ : state) benchmark::DoNotOptimize(sum_of_squares(x.data(), x.size()));
  count_tokens(state, argument(state));
}
BENCHMARK(bench_sum_of_squares)->Arg(16)->Arg(58000);

void bench_to_bfloat16(benchmark::State& state) {
  const std::vector<float> x = random_floats(kHidden);
  std::vector<std::uint16_t> out(kHidden);
  for (auto _ : state) {
    to_bfloat16(x.data(), kHidden, out.data());
    benchmark::ClobberMemory();
  }
  count_tokens(state, 1);
}
BENCHMARK(bench_to_bfloat16);

// About 1408 tokens of sequences of `range(0)`.
void bench_attention(benchmark::State& state, std::size_t head_size) {
  const std::size_t length = argument(state);
  const std::size_t n_heads = kHeads * 32 / head_size;
  std::vector<std::uint32_t> offsets = {0};
  while (offsets.back() + length <= std::max<std::size_t>(1408, length)) {
    offsets.push_back(offsets.back() + static_cast<std::uint32_t>(length));
  }
  const std::vector<float> qkv = random_floats(3 * kHidden * offsets.back());
  const AttentionInput input{
      .qkv = qkv.data(), .row_stride = 3 * kHidden, .offsets = offsets, .n_heads = n_heads, .head_size = head_size};
  std::vector<float> out(offsets.back() * kHidden);
  std::vector<float> ref(out.size());
  AttentionScratch scratch;
  attention(input, out.data(), scratch, 1);
  AttentionInput first = input;
  first.offsets = first.offsets.subspan(0, 2);
  attention_ref(first, ref.data());
  if (!close_to(out.data(), ref.data(), length * kHidden, 1e-5F))
    return state.SkipWithError("differs from the formula");
  for (auto _ : state) {
    attention(input, out.data(), scratch, 1);
    benchmark::ClobberMemory();
  }
  count_tokens(state, offsets.back());
  count_flops(state, 4.0 * static_cast<double>(length) * static_cast<double>(offsets.back() * kHidden));
}
BENCHMARK_CAPTURE(bench_attention, heads_of_32, 32)->Arg(20)->Arg(64)->Arg(176)->Arg(384)->Arg(512);
BENCHMARK_CAPTURE(bench_attention, heads_of_64, 64)->Arg(176)->Arg(512);

void bench_to_float32(benchmark::State& state, DType type) {
  std::vector<float> src = random_floats(kHidden);
  std::vector<float> row(kHidden);
  std::vector<float> ref(kHidden);
  to_float32(src.data(), type, kHidden, row.data());
  to_float32_ref(src.data(), type, kHidden, ref.data());
  if (std::memcmp(row.data(), ref.data(), kHidden * sizeof(float)) != 0) {
    return state.SkipWithError("differs from the formula");
  }
  for (auto _ : state) {
    to_float32(src.data(), type, kHidden, row.data());
    add_row(src.data(), type, kHidden, row.data());
    benchmark::ClobberMemory();
  }
  count_tokens(state, 1);
}
BENCHMARK_CAPTURE(bench_to_float32, float32, DType::kFloat32);
BENCHMARK_CAPTURE(bench_to_float32, float16, DType::kFloat16);
BENCHMARK_CAPTURE(bench_to_float32, bfloat16, DType::kBFloat16);

Linear random_linear(std::size_t k, std::size_t n) {
  const std::vector<float> weight = random_floats(k * n, 0.05F);
  const LinearPart part{.weight = weight.data(), .bias = nullptr, .n = n};
  return Linear::create({&part, 1}, k).value();
}

// Row-padded buffers of a layer.
struct Buffers {
  explicit Buffers(std::size_t rows) : n_rows(rows + kLinearSlackRows) {}
  float* get(AlignedBuffer& buffer, std::size_t width) const {
    float* const memory = buffer.uninitialized(n_rows * width);
    std::fill_n(memory, n_rows * width, 0.5F);
    return memory;
  }
  std::size_t n_rows;
};

void bench_linear(benchmark::State& state, std::size_t k, std::size_t n) {
  const std::size_t rows = argument(state);
  const Linear linear = random_linear(k, n);
  AlignedBuffer x;
  AlignedBuffer y;
  float* const in = Buffers(rows).get(x, k);
  float* const out = Buffers(rows).get(y, n);
  MatmulContext context(1);
  linear.forward(in, rows, out, context);
  for (auto _ : state) linear.forward(in, rows, out, context);
  state.SetLabel(linear.kernel_name());
  count_tokens(state, rows);
  count_flops(state, 2.0 * static_cast<double>(k * n * rows));
}
BENCHMARK_CAPTURE(bench_linear, qkv, kHidden, 3 * kHidden)->Arg(16)->Arg(176)->Arg(1408);
BENCHMARK_CAPTURE(bench_linear, attention_out, kHidden, kHidden)->Arg(1408);
BENCHMARK_CAPTURE(bench_linear, up, kHidden, kIntermediate)->Arg(1408);
BENCHMARK_CAPTURE(bench_linear, down, kIntermediate, kHidden)->Arg(1408);

void bench_feed_forward(benchmark::State& state) {
  const std::size_t rows = argument(state);
  const Linear up = random_linear(kHidden, kIntermediate);
  const Linear down = random_linear(kIntermediate, kHidden);
  AlignedBuffer x;
  AlignedBuffer y;
  AlignedBuffer middle;
  float* const in = Buffers(rows).get(x, kHidden);
  float* const out = Buffers(rows).get(y, kHidden);
  float* const intermediate = middle.at_least(feed_forward_scratch(up));
  MatmulContext context(1);
  feed_forward({.up = up, .down = down}, in, rows, out, intermediate, context);
  for (auto _ : state) feed_forward({.up = up, .down = down}, in, rows, out, intermediate, context);
  count_tokens(state, rows);
  count_flops(state, 4.0 * static_cast<double>(kHidden * kIntermediate * rows));
}
BENCHMARK(bench_feed_forward)->Arg(176)->Arg(1408);

void bench_matmul_peak(benchmark::State& state) {
  double best = 0.0;
  for (auto _ : state) best = std::max(best, bare_matmul_gflops(static_cast<int>(state.range(0))));
  state.counters["gflops"] = best;
}
BENCHMARK(bench_matmul_peak)->Arg(1)->Arg(2)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace spanqa

int main(int argc, char** argv) {
  benchmark::AddCustomContext("kernels", spanqa::kernel_target_name());
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

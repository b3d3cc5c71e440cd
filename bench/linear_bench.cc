// Linear layers as a trainer uses them: forward, back, gradient of the weights and new values, for the shapes of MiniLM
// (384, 1536) and DistilBERT (768, 3072), in both precisions on one and two threads. Each product is compared with its
// formula at some places before it is timed. Hold the figures against bench_matmul_peak.
//   build/release/bench/linear_bench --benchmark_filter='forward/.*bfloat16'
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "nn/aligned_buffer.h"
#include "nn/linear.h"
#include "nn/matmul_peak.h"
#include "nn/weight_gradient.h"

namespace spanqa {
namespace {

constexpr std::size_t kRows = 2816;  // 16 windows of 176 tokens

struct Shape {
  const char* name;
  std::size_t n;
  std::size_t k;
};
constexpr Shape kShapes[] = {{"minilm_qkv", 1152, 384},    {"minilm_out", 384, 384},      {"minilm_up", 1536, 384},
                             {"minilm_down", 384, 1536},   {"distilbert_qkv", 2304, 768}, {"distilbert_out", 768, 768},
                             {"distilbert_up", 3072, 768}, {"distilbert_down", 768, 3072}};

struct Setting {
  Shape shape;
  Precision precision;
  int n_threads;
};

// Small whole numbers, which bfloat16 holds and whose sums are exact.
const float* fill(AlignedBuffer& buffer, std::size_t n) {
  std::mt19937 generator(12345);
  std::uniform_int_distribution<int> distribution(-4, 4);
  float* const numbers = buffer.uninitialized(n);
  for (std::size_t i = 0; i < n; ++i) numbers[i] = static_cast<float>(distribution(generator));
  return numbers;
}

void count_flops(benchmark::State& state, const Shape& shape) {
  const double flops = 2.0 * static_cast<double>(shape.n * shape.k) * static_cast<double>(kRows);
  state.counters["flops"] = benchmark::Counter(static_cast<double>(state.iterations()) * flops,
                                               benchmark::Counter::kIsRate, benchmark::Counter::kIs1000);
}

// Sum of a[i * a_step] * b[i * b_step].
struct Strided {
  const float* values;
  std::size_t step;
};
float dot(Strided a, Strided b, std::size_t n) {
  float sum = 0.0F;
  for (std::size_t i = 0; i < n; ++i) sum += a.values[i * a.step] * b.values[i * b.step];
  return sum;
}

void bench_forward(benchmark::State& state, const Setting& setting) {
  const auto [name, n, k] = setting.shape;
  AlignedBuffer weights;
  AlignedBuffer xs;
  AlignedBuffer ys;
  const float* const weight = fill(weights, n * k);
  const float* const x = fill(xs, (kRows + kLinearSlackRows) * k);
  float* const y = ys.at_least((kRows + kLinearSlackRows) * n);
  const LinearPart part{.weight = weight, .bias = nullptr, .n = n};
  const Linear linear = Linear::create({&part, 1}, k, setting.precision).value();
  MatmulContext context(setting.n_threads);
  linear.forward(x, kRows, y, context);
  for (std::size_t i = 0; i < kRows * n; i += 1013) {
    if (y[i] != dot({x + i / n * k, 1}, {weight + i % n * k, 1}, k)) return state.SkipWithError("differs");
  }
  for (auto _ : state) linear.forward(x, kRows, y, context);
  state.SetLabel(linear.kernel_name());
  count_flops(state, setting.shape);
}

void bench_back(benchmark::State& state, const Setting& setting) {
  const auto [name, n, k] = setting.shape;
  AlignedBuffer weights;
  AlignedBuffer d_ys;
  AlignedBuffer d_xs;
  const float* const weight = fill(weights, n * k);
  const float* const d_y = fill(d_ys, (kRows + kLinearSlackRows) * n);
  float* const d_x = d_xs.at_least((kRows + kLinearSlackRows) * k);
  const Linear linear = Linear::create_transposed(weight, n, k, setting.precision).value();
  MatmulContext context(setting.n_threads);
  linear.forward(d_y, kRows, d_x, context);
  for (std::size_t i = 0; i < kRows * k; i += 1013) {
    if (d_x[i] != dot({d_y + i / k * n, 1}, {weight + i % k, k}, n)) return state.SkipWithError("differs");
  }
  for (auto _ : state) linear.forward(d_y, kRows, d_x, context);
  count_flops(state, setting.shape);
}

void bench_weight_gradient(benchmark::State& state, const Setting& setting) {
  const auto [name, n, k] = setting.shape;
  AlignedBuffer xs;
  AlignedBuffer d_ys;
  AlignedBuffer d_ws;
  const WeightGradient gradient{.x = fill(xs, kRows * k),
                                .d_y = fill(d_ys, kRows * n),
                                .rows = kRows,
                                .n = n,
                                .k = k,
                                .d_w = d_ws.at_least(n * k)};
  MatmulContext context(setting.n_threads);
  add_weight_gradient(gradient, setting.precision, context);
  for (std::size_t i = 0; i < n * k; i += 1013) {
    if (gradient.d_w[i] != dot({gradient.d_y + i / k, n}, {gradient.x + i % k, k}, kRows))
      return state.SkipWithError("differs");
  }
  for (auto _ : state) add_weight_gradient(gradient, setting.precision, context);
  count_flops(state, setting.shape);
}

// New values for a layer and its way back; bytes are those of the values.
void bench_assign(benchmark::State& state, const Setting& setting) {
  const auto [name, n, k] = setting.shape;
  AlignedBuffer weights;
  const float* const weight = fill(weights, n * k);
  const LinearPart part{.weight = weight, .bias = nullptr, .n = n};
  Linear linear = Linear::create({&part, 1}, k, setting.precision).value();
  Linear back = Linear::create_transposed(weight, n, k, setting.precision).value();
  for (auto _ : state) {
    linear.assign({&part, 1}, setting.n_threads);
    back.assign_transposed(weight, setting.n_threads);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(static_cast<std::size_t>(state.iterations()) * 2 * n * k * 4));
}

void bench_matmul_peak(benchmark::State& state, const Setting& setting) {
  double best = 0.0;
  for (auto _ : state) best = std::max(best, bare_matmul_gflops(setting.n_threads, setting.precision));
  state.counters["flops"] = benchmark::Counter(best * 1e9, benchmark::Counter::kDefaults, benchmark::Counter::kIs1000);
}

struct Work {
  const char* name;
  void (*run)(benchmark::State&, const Setting&);
};
constexpr Work kWorks[] = {{"forward", bench_forward},
                           {"back", bench_back},
                           {"weight_gradient", bench_weight_gradient},
                           {"assign", bench_assign}};

void add_benchmarks(Precision precision, int n_threads) {
  const std::string end = fmt::format("/{}/threads:{}", precision_name(precision), n_threads);
  const Setting no_shape{{}, precision, n_threads};
  benchmark::RegisterBenchmark(("matmul_peak" + end).c_str(), bench_matmul_peak, no_shape)->Iterations(1);
  for (const auto& [name, run] : kWorks) {
    for (const Shape& shape : kShapes) {
      benchmark::RegisterBenchmark(fmt::format("{}/{}{}", name, shape.name, end).c_str(), run,
                                   Setting{shape, precision, n_threads})
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
    }
  }
}

}  // namespace
}  // namespace spanqa

int main(int argc, char** argv) {
  for (const spanqa::Precision precision : {spanqa::Precision::kFloat32, spanqa::Precision::kBFloat16}) {
    for (const int n_threads : {1, 2}) spanqa::add_benchmarks(precision, n_threads);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

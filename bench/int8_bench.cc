// int8 products at the encoder's shapes, as `ops` (two for each multiply-add), beside oneDNN's u8 x s8 -> s32 matmul on
// weights in its own layout:
//   sums     int8_product alone, into memory that stays in the cache
//   layer    Int8Layer: float32 in and out, quantisation, scales and bias included
//   gelu     the same with GELU
//   onednn   the sums alone, by oneDNN
// Each is compared with its formula at some places before it is timed. On one thread CPU time counts, on more the
// clock.
//   build/release/bench/int8_bench --benchmark_filter='layer/.*threads:1'
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <random>
#include <unordered_map>
#include <vector>

#include "nn/aligned_buffer.h"
#include "nn/int8_layer.h"
#include "nn/kernels/int8_rows.h"
#include "nn/onednn.h"

namespace spanqa {
namespace {

struct Shape {
  std::size_t k;
  std::size_t n;
};
constexpr Shape kShapes[] = {{384, 384}, {384, 1152}, {384, 1536}, {1536, 384}, {768, 768}, {768, 3072}, {3072, 768}};
constexpr std::size_t kRows[] = {128, 512, 2048, 8192};

struct Setting {
  Shape shape;
  std::size_t rows;
  int n_threads;
};

// Rows and weights of random bytes; as numbers they are those bytes less 128, and the bytes themselves.
struct Operands {
  explicit Operands(const Setting& s) : x(s.rows * s.shape.k), bytes(x.size()), weight(s.shape.n * s.shape.k) {
    std::mt19937 generator(12345);
    for (std::size_t i = 0; i < x.size(); ++i) {
      bytes[i] = static_cast<std::uint8_t>(generator());
      x[i] = static_cast<float>(bytes[i]) - 128.0F;
    }
    for (std::size_t row = 0; row < s.rows; ++row) {  // so that every row's scale is 1
      x[row * s.shape.k] = -128.0F;
      x[row * s.shape.k + 1] = 127.0F;
    }
    for (std::int8_t& w : weight) w = static_cast<std::int8_t>(generator());
  }
  std::int32_t sum(const Setting& s, std::size_t row, std::size_t column) const {
    std::int32_t total = 0;
    for (std::size_t i = 0; i < s.shape.k; ++i) total += bytes[row * s.shape.k + i] * weight[column * s.shape.k + i];
    return total;
  }
  float product(const Setting& s, std::size_t row, std::size_t column) const {
    float total = 0.0F;
    for (std::size_t i = 0; i < s.shape.k; ++i) {
      total += x[row * s.shape.k + i] * static_cast<float>(weight[column * s.shape.k + i]);
    }
    return total;
  }
  std::vector<float> x;
  std::vector<std::uint8_t> bytes;
  std::vector<std::int8_t> weight;
};

void count_ops(benchmark::State& state, const Setting& s) {
  const double ops = 2.0 * static_cast<double>(s.shape.n * s.shape.k) * static_cast<double>(s.rows);
  state.counters["ops"] = benchmark::Counter(static_cast<double>(state.iterations()) * ops, benchmark::Counter::kIsRate,
                                             benchmark::Counter::kIs1000);
}

void bench_sums(benchmark::State& state, const Setting& s) {
  if (s.n_threads != 1) return state.SkipWithError("on one thread only");
  constexpr std::size_t kSumRows = 24;
  const Operands operands(s);
  const Int8Weights weights(operands.weight.data(), s.shape.n, s.shape.k);
  AlignedBuffer memory;
  auto* const sums = reinterpret_cast<std::int32_t*>(memory.at_least(kSumRows * kInt8Panel));
  for (auto _ : state) {
    for (std::size_t panel = 0; panel < weights.n_panels(); ++panel) {
      for (std::size_t row = 0; row < s.rows; row += kSumRows) {
        const std::size_t n_rows = std::min(kSumRows, s.rows - row);
        int8_product({.values = operands.bytes.data() + row * s.shape.k, .n = n_rows, .stride = s.shape.k}, weights,
                     panel, sums);
      }
    }
  }
  if (sums[0] != operands.sum(s, (s.rows - 1) / kSumRows * kSumRows, (weights.n_panels() - 1) * kInt8Panel)) {
    return state.SkipWithError("differs from the formula");
  }
  state.SetLabel(int8_kernel_name());
  count_ops(state, s);
}

void bench_layer_with(benchmark::State& state, const Setting& s, std::optional<Activation> activation) {
  const Operands operands(s);
  const std::vector<float> scales(s.shape.n, activation ? 1e-6F : 1.0F);
  const std::vector<float> bias(s.shape.n, 0.0F);
  const Int8Layer layer({.values = operands.weight.data(), .scales = scales.data(), .n = s.shape.n, .k = s.shape.k},
                        bias.data());
  std::vector<float> y(s.rows * s.shape.n);
  AlignedBuffer scratch;
  layer.forward(operands.x.data(), s.rows, std::nullopt, y.data(), scratch, s.n_threads);
  for (std::size_t i = 0; i < y.size(); i += 100003) {
    const float expected = operands.product(s, i / s.shape.n, i % s.shape.n) * scales[0];
    if (std::abs(y[i] - expected) > 1e-5F * std::abs(expected)) return state.SkipWithError("differs from the formula");
  }
  for (auto _ : state) {
    layer.forward(operands.x.data(), s.rows, activation, y.data(), scratch, s.n_threads);
    benchmark::ClobberMemory();
  }
  state.SetLabel(int8_kernel_name());
  count_ops(state, s);
}

void bench_layer(benchmark::State& state, const Setting& s) { bench_layer_with(state, s, std::nullopt); }
void bench_gelu(benchmark::State& state, const Setting& s) { bench_layer_with(state, s, Activation::kGelu); }

void bench_onednn(benchmark::State& state, const Setting& s) {
  using Tag = dnnl::memory::format_tag;
  using Type = dnnl::memory::data_type;
  const OmpThreads threads(s.n_threads);
  const dnnl::engine& engine = cpu_engine();
  dnnl::stream stream(engine);
  const auto dim = [](std::size_t n) { return static_cast<dnnl::memory::dim>(n); };
  const dnnl::memory::dims weight_dims = {dim(s.shape.k), dim(s.shape.n)};
  const dnnl::matmul::primitive_desc description(
      dnnl::matmul::desc({{dim(s.rows), dim(s.shape.k)}, Type::u8, Tag::ab}, {weight_dims, Type::s8, Tag::any},
                         {{dim(s.rows), dim(s.shape.n)}, Type::s32, Tag::ab}),
      engine);
  Operands operands(s);
  std::vector<std::int32_t> y(s.rows * s.shape.n);
  dnnl::memory stored({weight_dims, Type::s8, Tag::ba}, engine, operands.weight.data());
  dnnl::memory weights(description.weights_desc(), engine);
  dnnl::reorder(stored, weights).execute(stream, stored, weights);
  const std::unordered_map<int, dnnl::memory> arguments = {
      {DNNL_ARG_SRC, dnnl::memory(description.src_desc(), engine, operands.bytes.data())},
      {DNNL_ARG_WEIGHTS, weights},
      {DNNL_ARG_DST, dnnl::memory(description.dst_desc(), engine, y.data())}};
  const dnnl::matmul product(description);
  const auto run = [&] {
    product.execute(stream, arguments);
    stream.wait();
  };
  run();
  for (std::size_t i = 0; i < y.size(); i += 100003) {
    if (y[i] != operands.sum(s, i / s.shape.n, i % s.shape.n)) return state.SkipWithError("differs from the formula");
  }
  for (auto _ : state) run();
  state.SetLabel(description.impl_info_str());
  count_ops(state, s);
}

struct Work {
  const char* name;
  void (*run)(benchmark::State&, const Setting&);
};
constexpr Work kWorks[] = {
    {"sums", bench_sums}, {"layer", bench_layer}, {"gelu", bench_gelu}, {"onednn", bench_onednn}};

void add_benchmarks(const Setting& setting) {
  for (const auto& [name, run] : kWorks) {
    auto* const added =
        benchmark::RegisterBenchmark(fmt::format("{}/k:{}/n:{}/rows:{}/threads:{}", name, setting.shape.k,
                                                 setting.shape.n, setting.rows, setting.n_threads)
                                         .c_str(),
                                     run, setting);
    added->Unit(benchmark::kMillisecond);
    if (setting.n_threads > 1) added->UseRealTime();
  }
}

}  // namespace
}  // namespace spanqa

int main(int argc, char** argv) {
  for (const spanqa::Shape& shape : spanqa::kShapes) {
    for (const std::size_t rows : spanqa::kRows) {
      for (const int n_threads : {1, 2}) spanqa::add_benchmarks({shape, rows, n_threads});
    }
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

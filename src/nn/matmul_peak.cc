#include "nn/matmul_peak.h"

#include <algorithm>
#include <chrono>

#include "nn/aligned_buffer.h"
#include "nn/onednn.h"

namespace spanqa {
namespace {

constexpr dnnl::memory::dim kM = 2048;
constexpr dnnl::memory::dim kK = 384;
constexpr dnnl::memory::dim kN = 1536;
constexpr int kRuns = 5;
constexpr double kRunSeconds = 0.2;

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Calls `work` for kRunSeconds; calls a second.
template <typename Work>
double calls_per_second(const Work& work) {
  const double begin = seconds_now();
  double elapsed = 0.0;
  int n_calls = 0;
  while (elapsed < kRunSeconds) {
    work();
    ++n_calls;
    elapsed = seconds_now() - begin;
  }
  return n_calls / elapsed;
}

double measure(dnnl::memory::data_type operand) {
  const dnnl::engine& engine = cpu_engine();
  using Tag = dnnl::memory::format_tag;
  std::unique_lock lock(creation_mutex());
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const dnnl::matmul::primitive_desc description(
      dnnl::matmul::desc({{kM, kK}, operand, Tag::ab}, {{kK, kN}, operand, Tag::any},
                         {{kM, kN}, dnnl::memory::data_type::f32, Tag::ab}),
      attributes, engine);
  AlignedBuffer x;
  AlignedBuffer weights;
  AlignedBuffer y;
  AlignedBuffer scratchpad;
  const auto memory_of = [&](const dnnl::memory::desc& desc, AlignedBuffer& buffer) {
    const std::size_t n = desc.get_size() / sizeof(float) + 1;
    return dnnl::memory(desc, engine, std::fill_n(buffer.uninitialized(n), n, 0.5F) - n);
  };
  const std::unordered_map<int, dnnl::memory> arguments = {
      {DNNL_ARG_SRC, memory_of(description.src_desc(), x)},
      {DNNL_ARG_WEIGHTS, memory_of(description.weights_desc(), weights)},
      {DNNL_ARG_DST, memory_of(description.dst_desc(), y)},
      {DNNL_ARG_SCRATCHPAD, memory_of(description.scratchpad_desc(), scratchpad)}};
  const dnnl::matmul product(description);
  lock.unlock();
  dnnl::stream stream(engine);
  const auto run = [&] {
    product.execute(stream, arguments);
    stream.wait();
  };
  run();
  double best = 0.0;
  for (int i = 0; i < kRuns; ++i) best = std::max(best, calls_per_second(run));
  return best * 2.0 * static_cast<double>(kM * kK * kN) * 1e-9;
}

}  // namespace

double bare_matmul_gflops(int n_threads, Precision precision) {
  try {
    const OmpThreads threads(std::max(n_threads, 1));
    const bool is_half = precision == Precision::kBFloat16;
    return measure(is_half ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32);
  } catch (const dnnl::error&) {
    return 0.0;
  }
}

}  // namespace spanqa

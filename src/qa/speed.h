// How fast a reader is on this machine, in figures that can be compared: shares of the processor's own matmul speed.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

#include "base/result.h"
#include "qa/reader.h"

namespace spanqa {

struct SpeedOptions {
  int n_threads = 0;                          // 0: all usable cores
  std::size_t limit = 0;                      // questions of the file used; 0: all
  int rounds = 3;                             // bare matmul and encoder are measured in turn this often; medians count
  std::size_t n_lone = 200;                   // questions asked one at a time, for latency
  bool encode = true;                         // false: only load, tokenise and bare matmul
  Precision precision = Precision::kFloat32;  // of the encoder; the bare matmul stays float32
};

/// Seconds are wall clock. FLOPs of the model: forward_flops(), real tokens only.
struct SpeedReport {
  std::string cpu;
  std::string kernels;  // Highway target: "AVX3_ZEN4"
  std::string matmul;   // QaModel::matmul_kernel: "brg:avx512_core"
  int n_threads = 0;
  double open_seconds = 0.0;  // Reader::open with files in the page cache
  std::size_t n_questions = 0;
  std::size_t n_windows = 0;
  std::size_t n_tokens = 0;
  double tokenize_seconds = 0.0;        // every question with its context, one thread, nothing reused
  double tokenize_reuse_seconds = 0.0;  // the same with contexts tokenised once, windows laid out and packed
  double bare_matmul_gflops = 0.0;      // float32, M 2048, K 384, N 1536, n_threads; median of the rounds
  double encoder_seconds = 0.0;         // all windows once, packed batches made beforehand; median of the rounds
  double encoder_gflops = 0.0;
  double share_of_matmul = 0.0;  // encoder_gflops / bare_matmul_gflops, per round, median
  double windows_per_second = 0.0;
  double tokens_per_second = 0.0;
  double lone_p50_ms = 0.0;  // text to answer, all threads inside one question
  double lone_p99_ms = 0.0;
  double peak_memory_mb = 0.0;

  std::string to_json() const;
};

/// Called before each part with its name.
using SpeedProgress = std::function<void(const std::string& part)>;

/// Measures on the questions of `data` (any format ExampleReader reads).
Result<SpeedReport> measure_speed(const std::filesystem::path& model, const std::filesystem::path& data,
                                  const SpeedOptions& options, const SpeedProgress& progress = {});

}  // namespace spanqa

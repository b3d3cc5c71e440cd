#include "qa/speed.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "base/cpu.h"
#include "data/example_reader.h"
#include "nn/kernels/isa.h"
#include "nn/matmul_peak.h"

namespace spanqa {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0.0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1) + 0.5)];
}

double median(std::vector<double> values) { return quantile(std::move(values), 0.5); }

/// Every window of the examples, packed into batches of about `budget` tokens.
Result<std::vector<PackedBatch>> pack(const Reader& reader, const std::vector<Example>& examples, std::size_t budget) {
  const WindowOptions windows = reader.effective({});
  std::vector<PackedBatch> batches;
  const std::string* context_text = nullptr;
  TokenizedText context;
  for (const Example& example : examples) {
    const TokenizedText question = reader.tokenizer().tokenize(example.question);
    if (context_text != example.context.get()) context = reader.tokenizer().tokenize(*example.context);
    context_text = example.context.get();
    SPANQA_ASSIGN(const WindowPlan plan, plan_windows(question.size(), context.size(), windows));
    for (const Window& window : plan.windows) {
      if (batches.empty() || batches.back().n_tokens() + plan.n_tokens(window) > budget) batches.emplace_back();
      append_window(plan, window, question, context, reader.tokenizer().specials(), batches.back());
    }
  }
  return batches;
}

/// Tokenises question and context of every example afresh; returns the number of tokens so that the work is not
/// removed.
std::size_t tokenize_all(const Tokenizer& tokenizer, const std::vector<Example>& examples) {
  std::size_t n = 0;
  for (const Example& example : examples) {
    n += tokenizer.tokenize(example.question).size() + tokenizer.tokenize(*example.context).size();
  }
  return n;
}

Result<double> encode_all(const QaModel& model, const std::vector<PackedBatch>& batches,
                          std::vector<Workspace>& workspaces) {
  std::atomic<std::size_t> next = 0;
  Status fault;
  std::mutex fault_mutex;
  const auto start = Clock::now();
  {
    std::vector<std::jthread> threads;
    for (Workspace& workspace : workspaces) {
      threads.emplace_back([&model, &batches, &next, &fault, &fault_mutex, &workspace] {
        SpanLogits logits;
        for (std::size_t i = next++; i < batches.size(); i = next++) {
          if (Status done = model.forward(batches[i], workspace, logits); !done) {
            const std::lock_guard lock(fault_mutex);
            fault = std::move(done);
          }
        }
      });
    }
  }
  SPANQA_TRY(fault);
  return seconds_since(start);
}

Status measure_encoder(const Reader& reader, const std::vector<PackedBatch>& batches, const SpeedOptions& options,
                       SpeedReport& report) {
  double flops = 0.0;
  for (const PackedBatch& batch : batches) {
    for (std::size_t i = 0; i < batch.n_sequences(); ++i) {
      flops += forward_flops(reader.model().config(), batch.offsets[i + 1] - batch.offsets[i]);
    }
  }
  std::vector<Workspace> workspaces;
  for (int i = 0; i < report.n_threads; ++i) workspaces.emplace_back(1);
  // One round unmeasured for a few batches: primitives are made, buffers grow.
  const std::vector<PackedBatch> warm_up(
      batches.begin(), batches.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(8, batches.size())));
  SPANQA_TRY(encode_all(reader.model(), warm_up, workspaces));
  std::vector<double> seconds;
  std::vector<double> bare;
  std::vector<double> shares;
  for (int round = 0; round < options.rounds; ++round) {
    const double before = bare_matmul_gflops(report.n_threads);
    SPANQA_ASSIGN(const double elapsed, encode_all(reader.model(), batches, workspaces));
    const double after = bare_matmul_gflops(report.n_threads);
    bare.push_back(std::max(before, after));
    seconds.push_back(elapsed);
    shares.push_back(flops / elapsed / 1e9 / bare.back());
  }
  report.bare_matmul_gflops = median(bare);
  report.encoder_seconds = median(seconds);
  report.share_of_matmul = median(shares);
  report.encoder_gflops = flops / report.encoder_seconds / 1e9;
  report.windows_per_second = static_cast<double>(report.n_windows) / report.encoder_seconds;
  report.tokens_per_second = static_cast<double>(report.n_tokens) / report.encoder_seconds;
  return {};
}

Status measure_lone(const Reader& reader, const std::vector<Example>& examples, const SpeedOptions& options,
                    SpeedReport& report) {
  std::vector<double> milliseconds;
  const std::size_t n = std::min(options.n_lone, examples.size());
  if (n == 0) return {};
  const std::size_t stride = examples.size() / n;
  for (std::size_t i = 0; i < n + 10; ++i) {
    const Example& example = examples[i % n * stride];
    const auto start = Clock::now();
    SPANQA_TRY(reader.ask(example.question, *example.context));
    if (i >= 10) milliseconds.push_back(1000.0 * seconds_since(start));  // the first ten warm up
  }
  report.lone_p50_ms = quantile(milliseconds, 0.5);
  report.lone_p99_ms = quantile(milliseconds, 0.99);
  return {};
}

}  // namespace

Result<SpeedReport> measure_speed(const std::filesystem::path& model, const std::filesystem::path& data,
                                  const SpeedOptions& options, const SpeedProgress& progress) {
  const auto part = [&](const char* name) {
    if (progress) progress(name);
  };
  if (options.rounds < 1) return fail(ErrorCode::kInvalidArgument, "bench: at least one round is needed");
  SpeedReport report;
  report.cpu = cpu_info().model;
  report.kernels = kernel_target_name();
  report.n_threads = options.n_threads > 0 ? options.n_threads : usable_cores();

  part("reading questions");
  SPANQA_ASSIGN(const std::vector<Example> examples, read_examples(data, options.limit));
  part("opening the model");
  // Caches off: every lone question pays for its own context.
  const ReaderOptions reader_options{
      .n_threads = report.n_threads, .context_cache_bytes = 0, .precision = options.precision};
  SPANQA_TRY(Reader::open(model, reader_options));  // the files are in the page cache after this
  const auto open_start = Clock::now();
  SPANQA_ASSIGN(const auto reader, Reader::open(model, reader_options));
  report.open_seconds = seconds_since(open_start);
  report.matmul = reader->model().matmul_kernel();
  report.n_questions = examples.size();

  part("tokenising");
  std::vector<double> plain;
  std::vector<double> reuse;
  std::vector<PackedBatch> batches;
  for (int round = 0; round < options.rounds; ++round) {
    auto start = Clock::now();
    const std::size_t n = tokenize_all(reader->tokenizer(), examples);
    if (n > 0) plain.push_back(seconds_since(start));
    start = Clock::now();
    SPANQA_ASSIGN(batches, pack(*reader, examples, kPackedBatchTokens));
    reuse.push_back(seconds_since(start));
  }
  report.tokenize_seconds = median(plain);
  report.tokenize_reuse_seconds = median(reuse);
  for (const PackedBatch& batch : batches) {
    report.n_windows += batch.n_sequences();
    report.n_tokens += batch.n_tokens();
  }
  if (options.encode) {
    part("encoding all windows");
    SPANQA_TRY(measure_encoder(*reader, batches, options, report));
    part("asking one question at a time");
    SPANQA_TRY(measure_lone(*reader, examples, options, report));
  } else {
    report.bare_matmul_gflops = bare_matmul_gflops(report.n_threads);
  }
  report.peak_memory_mb = static_cast<double>(peak_memory_bytes()) / 1e6;
  return report;
}

std::string SpeedReport::to_json() const {
  nlohmann::ordered_json json;
  json["cpu"] = cpu;
  json["kernels"] = kernels;
  json["matmul"] = matmul;
  json["threads"] = n_threads;
  json["open_seconds"] = open_seconds;
  json["questions"] = n_questions;
  json["windows"] = n_windows;
  json["tokens"] = n_tokens;
  json["tokenize_seconds"] = tokenize_seconds;
  json["tokenize_reuse_seconds"] = tokenize_reuse_seconds;
  json["bare_matmul_gflops"] = bare_matmul_gflops;
  json["encoder_seconds"] = encoder_seconds;
  json["encoder_gflops"] = encoder_gflops;
  json["share_of_matmul"] = share_of_matmul;
  json["windows_per_second"] = windows_per_second;
  json["tokens_per_second"] = tokens_per_second;
  json["lone_p50_ms"] = lone_p50_ms;
  json["lone_p99_ms"] = lone_p99_ms;
  json["peak_memory_mb"] = peak_memory_mb;
  return json.dump(2);
}

}  // namespace spanqa

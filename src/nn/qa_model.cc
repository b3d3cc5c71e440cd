#include "nn/qa_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "base/check.h"
#include "nn/checkpoint.h"
#include "nn/encoder.h"
#include "nn/family_names.h"
#include "nn/kernels/parallel.h"

namespace spanqa {
namespace {

constexpr const char* kHeadWeight = "qa_outputs.weight";
constexpr const char* kHeadBias = "qa_outputs.bias";
constexpr std::size_t kMinRowsPerThread = 256;  // a row of the head is two dot products

constexpr std::size_t kLanes = 16;

/// a . b; sums in lanes, because the order of one float sum is the compiler's to keep and would bar vectors.
float dot(const float* a, const float* b, std::size_t n) {
  std::array<float, kLanes> sums = {};
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  }
  for (; i < n; ++i) sums[0] += a[i] * b[i];
  float sum = 0.0F;
  for (const float part : sums) sum += part;
  return sum;
}

/// The answer head: logit = hidden . row + bias; row 0 is the start's, row 1 the end's.
class SpanHead {
 public:
  static Result<SpanHead> load(const Checkpoint& checkpoint, std::size_t width);

  /// hidden: [n_rows, width]
  void forward(const float* hidden, std::size_t n_rows, int n_threads, SpanLogits& logits) const {
    logits.start.resize(n_rows);
    logits.end.resize(n_rows);
    const std::size_t width = weight_.size() / 2;
    parallel_rows(n_rows, kMinRowsPerThread, n_threads, [&](std::size_t begin, std::size_t end) {
      for (std::size_t row = begin; row < end; ++row) {
        logits.start[row] = dot(hidden + row * width, weight_.data(), width) + bias_[0];
        logits.end[row] = dot(hidden + row * width, weight_.data() + width, width) + bias_[1];
      }
    });
  }

 private:
  std::vector<float> weight_;  // [2, width]
  std::array<float, 2> bias_ = {};
};

Result<SpanHead> SpanHead::load(const Checkpoint& checkpoint, std::size_t width) {
  if (!checkpoint.contains(kHeadWeight) && !checkpoint.contains(kHeadBias)) {
    return fail(ErrorCode::kMismatch,
                fmt::format("{}: holds an encoder without an answer head (no {}), so its answers would be random; "
                            "fine-tune it for question answering first",
                            checkpoint.path().string(), kHeadWeight));
  }
  SpanHead head;
  head.weight_.resize(2 * width);
  SPANQA_TRY(checkpoint.read(kHeadWeight, {2, width}, head.weight_));
  SPANQA_TRY(checkpoint.read(kHeadBias, {2}, head.bias_));
  return head;
}

Status check_layers(const Checkpoint& checkpoint, const ModelConfig& config) {
  const std::size_t n_stored = checkpoint.n_layers(family_names(config.family).layer);
  if (n_stored <= static_cast<std::size_t>(config.n_layers)) return {};
  return fail(
      ErrorCode::kMismatch,
      fmt::format("{}: holds {} layers, config.json asks for {}, and a part of a model answers wrongly; one of the "
                  "two files is not this model's",
                  checkpoint.path().string(), n_stored, config.n_layers));
}

/// A damaged weight shows here or nowhere: whatever decoders make of such logits looks like an answer.
Status check_finite(const SpanLogits& logits, const std::filesystem::path& weights) {
  const auto is_finite = [](float logit) { return std::isfinite(logit); };
  if (std::ranges::all_of(logits.start, is_finite) && std::ranges::all_of(logits.end, is_finite)) return {};
  return fail(
      ErrorCode::kModelFault,
      fmt::format("{}: the model answers with infinite numbers or NaN: its weights are damaged, or too large for "
                  "the precision that is computed in; get the file again, or train the model anew",
                  weights.string()));
}

}  // namespace

struct Workspace::Impl {
  explicit Impl(int threads) : n_threads(threads), encoder(threads) {}
  int n_threads;
  EncoderWorkspace encoder;
};

Workspace::Workspace(int n_threads) : impl_(std::make_unique<Impl>(n_threads)) { SPANQA_CHECK(n_threads >= 1); }
Workspace::~Workspace() = default;
Workspace::Workspace(Workspace&&) noexcept = default;
Workspace& Workspace::operator=(Workspace&&) noexcept = default;
int Workspace::n_threads() const { return impl_->n_threads; }

struct QaModel::Impl {
  ModelConfig config;
  Checkpoint checkpoint;  // keeps the mapping that the embeddings read from
  Encoder encoder;
  SpanHead head;
  std::string weight_type;
};

QaModel::QaModel(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
QaModel::~QaModel() = default;

Result<std::shared_ptr<const QaModel>> QaModel::open(const std::filesystem::path& folder, Precision precision) {
  SPANQA_ASSIGN(const ModelConfig config, read_model_config(folder));
  SPANQA_ASSIGN(Checkpoint checkpoint, Checkpoint::open(folder, encoder_prefix(config.family)));
  // The head first: a folder without one is the commonest mistake, and loading layers takes time.
  SPANQA_ASSIGN(SpanHead head, SpanHead::load(checkpoint, static_cast<std::size_t>(config.hidden_size)));
  SPANQA_TRY(check_layers(checkpoint, config));
  if (precision == Precision::kBFloat16 && !has_fast_bfloat16()) precision = Precision::kFloat32;
  SPANQA_ASSIGN(Encoder encoder, Encoder::load(checkpoint, config, precision));
  std::string weight_type = dtype_name(encoder.embeddings().dtype());
  return std::shared_ptr<const QaModel>(new QaModel(std::make_unique<const Impl>(
      Impl{config, std::move(checkpoint), std::move(encoder), std::move(head), std::move(weight_type)})));
}

const ModelConfig& QaModel::config() const { return impl_->config; }
const std::string& QaModel::weight_type() const { return impl_->weight_type; }
Precision QaModel::precision() const { return impl_->encoder.layers().front().up().precision(); }
std::string QaModel::matmul_kernel() const { return impl_->encoder.layers().front().up().kernel_name(); }

std::uint64_t QaModel::n_parameters() const {
  const auto count = [](int n) { return static_cast<std::uint64_t>(n); };
  const ModelConfig& config = impl_->config;
  const std::uint64_t h = count(config.hidden_size);
  const std::uint64_t i = count(config.intermediate_size);
  const std::uint64_t embeddings =
      (count(config.vocab_size) + count(config.max_positions) + count(config.type_vocab_size)) * h + 2 * h;
  const std::uint64_t attention = 4 * (h * h + h) + 2 * h;
  const std::uint64_t feed_forward = 2 * h * i + i + h + 2 * h;
  return embeddings + count(config.n_layers) * (attention + feed_forward) + 2 * h + 2;
}

Status QaModel::forward(const PackedBatch& batch, Workspace& workspace, SpanLogits& logits) const {
  SPANQA_TRY(check_batch(batch, impl_->config));
  const float* const hidden = impl_->encoder.forward(batch, workspace.impl().encoder);
  impl_->head.forward(hidden, batch.n_tokens(), workspace.n_threads(), logits);
  return check_finite(logits, impl_->checkpoint.path());
}

double forward_flops(const ModelConfig& config, std::size_t n_tokens) {
  const double h = config.hidden_size;
  const double i = config.intermediate_size;
  const double n = static_cast<double>(n_tokens);
  return config.n_layers * (n * (8.0 * h * h + 4.0 * h * i) + 4.0 * n * n * h);
}

}  // namespace spanqa

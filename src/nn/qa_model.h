// A transformer encoder with an answer head: from packed token ids to a start and an end logit for each token.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"
#include "nn/model_config.h"
#include "nn/packed_batch.h"
#include "nn/precision.h"

namespace spanqa {

/// Buffers and oneDNN primitives that one thread of work reuses from call to call, so that the steady state allocates
/// nothing. Not for two forward passes at once: give each concurrent caller its own.
class Workspace {
 public:
  /// `n_threads`: OpenMP threads that kernels of a forward pass with this workspace use (1: all on the calling thread).
  explicit Workspace(int n_threads = 1);
  ~Workspace();
  Workspace(Workspace&&) noexcept;
  Workspace& operator=(Workspace&&) noexcept;

  int n_threads() const;

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// A question-answering model from a Hugging Face folder (`config.json`, `model.safetensors` or its shards).
///
/// Threads: immutable after open(); forward() may run concurrently with different workspaces.
/// Memory:  the weight file stays mapped; copies of the linear layers are kept in the numbers they are multiplied in,
///          the embeddings are read from the mapping row by row whatever their type.
class QaModel {
 public:
  /// Fails with a message that says what to do when the folder has only pytorch_model.bin, lacks the answer head, names
  /// an unknown activation or position embedding, or its tensors do not fit config.json: layers that it does not ask
  /// for included, since the first few of a model's layers answer, and wrongly.
  /// `precision`: of the linear layers' products, whatever the weights are stored in. Where bfloat16 is not fast it is
  /// read as float32, which it cannot outrun there.
  static Result<std::shared_ptr<const QaModel>> open(const std::filesystem::path& folder,
                                                     Precision precision = Precision::kFloat32);
  ~QaModel();
  QaModel(const QaModel&) = delete;
  QaModel& operator=(const QaModel&) = delete;

  const ModelConfig& config() const;
  /// Number of parameters in the encoder and the head, embeddings included.
  std::uint64_t n_parameters() const;
  /// Type the weights are stored in: "float32", "float16", "bfloat16".
  const std::string& weight_type() const;
  /// What the linear layers multiply in.
  Precision precision() const;
  /// Where they do, as Linear::kernel_name ("brg:avx512_core", "int8:vnni"), for `info` and `bench`.
  std::string matmul_kernel() const;

  /// Fills `logits` (resized to the batch). A sequence's logits do not depend on its neighbours in the batch beyond
  /// float rounding. Fails with kInvalidArgument when an id, type or length is outside what the model has, and with
  /// kModelFault, naming the weights, when a logit is infinite or NaN.
  Status forward(const PackedBatch& batch, Workspace& workspace, SpanLogits& logits) const;

 private:
  struct Impl;
  explicit QaModel(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

/// Floating-point operations of one sequence of `n_tokens` (matmuls and attention, two per multiply-add):
/// layers x (L x (8 h^2 + 4 h i) + 4 L^2 h).
double forward_flops(const ModelConfig& config, std::size_t n_tokens);

}  // namespace spanqa

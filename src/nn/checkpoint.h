// A model's stored tensors under today's names, whatever names the checkpoint gave them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "nn/safetensors.h"

namespace spanqa {

/// Finds tensors by the name that transformers writes today ("bert.embeddings.LayerNorm.weight"). Also found: names
/// without the encoder's prefix ("embeddings...", as a bare encoder is saved), behind "module." (DataParallel), and
/// with `gamma` and `beta` for a normalisation's weight and bias (TensorFlow's). What nobody asks for (cls.*, pooler,
/// position_ids) is never looked at.
///
/// Threads: immutable. The views stay valid for the life of the object and of its moved-to heir.
class Checkpoint {
 public:
  /// `prefix`: the encoder's, with the point ("bert.").
  static Result<Checkpoint> open(const std::filesystem::path& folder, std::string_view prefix);

  bool contains(std::string_view name) const { return find(name) != nullptr; }
  /// A tensor that must be there with this shape: kMismatch, with names and shapes, otherwise; kUnsupported when it is
  /// stored as anything but float32, float16 or bfloat16.
  Result<TensorView> get(std::string_view name, std::initializer_list<std::size_t> shape) const;
  /// The same, converted to float32; `values` has room for exactly the product of `shape`.
  Status read(std::string_view name, std::initializer_list<std::size_t> shape, std::span<float> values) const;
  /// One more than the highest number that tensors' names have behind `layer` ("encoder.layer"); 0: none has one.
  std::size_t n_layers(std::string_view layer) const;
  const std::filesystem::path& path() const { return file_.path(); }

 private:
  Checkpoint(TensorFile file, std::string_view prefix);
  const TensorView* find(std::string_view name) const;

  TensorFile file_;
  std::string prefix_;
  std::map<std::string, TensorView, std::less<>> by_name_;
};

}  // namespace spanqa

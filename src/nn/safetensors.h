// Weight files in the safetensors format: 8 bytes of header length, a JSON header, then the tensors' bytes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "nn/dtype.h"

namespace spanqa {

/// A tensor as it lies in a file, row-major and little-endian; the bytes need not be aligned to its type.
struct TensorView {
  std::string type;                  // as the file names it: "F32", "F16", "BF16", "I64"
  std::vector<std::size_t> shape;    // empty: a scalar
  std::span<const std::byte> bytes;  // product(shape) * size of the type
  std::size_t n_elements() const;    // 1 for a scalar
  Result<DType> dtype() const;       // kUnsupported when spanqa does not compute with the type
};

/// Names in alphabetical order.
using TensorMap = std::map<std::string, TensorView, std::less<>>;

/// "[2, 384]".
std::string shape_text(std::span<const std::size_t> shape);

/// Reads the header of one file's `bytes` and checks everything in it: each tensor lies within the file, its size is
/// that of its shape and type, and the tensors cover the data without gap or overlap, as the format demands.
/// The views point into `bytes`. `name` stands in front of the message of an error (kCorrupt).
Result<TensorMap> parse_safetensors(std::span<const std::byte> bytes, std::string_view name);

/// Reads the text of model.safetensors.index.json: file names by tensor name. Each is the name of a file in the folder
/// of the index, nothing else: a path could reach other files. `name` stands in front of the message of an error
/// (kCorrupt).
Result<std::map<std::string, std::string>> parse_weight_index(std::string_view text, std::string_view name);

/// The tensors of one file, or of all shards of a model, mapped for as long as the object lives.
///
/// Threads: immutable. Cost of opening: the header only; pages are read when a tensor is.
class TensorFile {
 public:
  static Result<TensorFile> open(const std::filesystem::path& path);
  /// Opens `folder`/model.safetensors, else every shard that model.safetensors.index.json names. Where only PyTorch's
  /// pickled weights are there, the error says how to convert them.
  static Result<TensorFile> open_folder(const std::filesystem::path& folder);

  const TensorMap& tensors() const& { return tensors_; }
  const TensorMap& tensors() const&& = delete;  // the views would outlive the mapping
  /// nullptr when there is no such tensor.
  const TensorView* find(std::string_view name) const&;
  const TensorView* find(std::string_view name) const&& = delete;
  /// The file, or the index of the shards.
  const std::filesystem::path& path() const { return path_; }

 private:
  static Result<TensorFile> open_shards(const std::filesystem::path& index);

  std::filesystem::path path_;
  std::vector<std::shared_ptr<const MappedFile>> files_;
  TensorMap tensors_;
};

/// A tensor to be written; the bytes are borrowed until write_safetensors returns.
struct NamedTensor {
  std::string name;
  DType dtype = DType::kFloat32;
  std::vector<std::size_t> shape;
  std::span<const std::byte> bytes;
};

/// Writes a complete file or none (AtomicFile): float32 tensors, then the narrower ones, so that all are aligned.
/// Names must differ and each tensor's bytes must fit its shape: anything else is a bug of the caller (SPANQA_CHECK).
/// The Python stack insists on `metadata` {"format": "pt"}, the default.
Status write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                         const std::map<std::string, std::string>& metadata = {{"format", "pt"}});

}  // namespace spanqa

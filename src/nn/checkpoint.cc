#include "nn/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

#include "base/check.h"
#include "nn/kernels/elementwise.h"

namespace spanqa {
namespace {

constexpr std::string_view kModule = "module.";

struct Ending {
  std::string_view old_name;
  std::string_view name;
};
constexpr Ending kOldEndings[] = {{".gamma", ".weight"}, {".beta", ".bias"}};

std::string current_name(std::string_view stored) {
  while (stored.starts_with(kModule)) stored.remove_prefix(kModule.size());
  for (const Ending& ending : kOldEndings) {
    if (!stored.ends_with(ending.old_name)) continue;
    stored.remove_suffix(ending.old_name.size());
    return fmt::format("{}{}", stored, ending.name);
  }
  return std::string(stored);
}

}  // namespace

Checkpoint::Checkpoint(TensorFile file, std::string_view prefix) : file_(std::move(file)), prefix_(prefix) {
  for (const auto& [name, tensor] : file_.tensors()) by_name_.emplace(current_name(name), tensor);
}

Result<Checkpoint> Checkpoint::open(const std::filesystem::path& folder, std::string_view prefix) {
  SPANQA_ASSIGN(TensorFile file, TensorFile::open_folder(folder));
  return Checkpoint(std::move(file), prefix);
}

const TensorView* Checkpoint::find(std::string_view name) const {
  auto found = by_name_.find(name);
  if (found == by_name_.end() && name.starts_with(prefix_)) found = by_name_.find(name.substr(prefix_.size()));
  return found == by_name_.end() ? nullptr : &found->second;
}

std::size_t Checkpoint::n_layers(std::string_view layer) const {
  std::size_t n = 0;
  for (const auto& [stored, tensor] : by_name_) {
    std::string_view name = stored;
    if (name.starts_with(prefix_)) name.remove_prefix(prefix_.size());
    if (!name.starts_with(layer)) continue;
    name.remove_prefix(std::min(name.size(), layer.size() + 1));
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc{}) n = std::max(n, std::size_t{number} + 1);
  }
  return n;
}

Result<TensorView> Checkpoint::get(std::string_view name, std::initializer_list<std::size_t> shape) const {
  const TensorView* const tensor = find(name);
  if (tensor == nullptr) {
    return fail(ErrorCode::kMismatch,
                fmt::format("{}: tensor {} is missing; config.json asks for it, so one of the two "
                            "files is not this model's or incomplete",
                            path().string(), name));
  }
  if (!std::equal(shape.begin(), shape.end(), tensor->shape.begin(), tensor->shape.end())) {
    return fail(ErrorCode::kMismatch,
                fmt::format("{}: tensor {} is {}, config.json asks for {}", path().string(), name,
                            shape_text(tensor->shape), shape_text({shape.begin(), shape.size()})));
  }
  if (const auto type = tensor->dtype(); !type) {
    return fail(type.error().code, fmt::format("{}: tensor {} {}", path().string(), name, type.error().message));
  }
  return *tensor;
}

Status Checkpoint::read(std::string_view name, std::initializer_list<std::size_t> shape,
                        std::span<float> values) const {
  SPANQA_ASSIGN(const TensorView tensor, get(name, shape));
  SPANQA_ASSIGN(const DType type, tensor.dtype());
  SPANQA_CHECK(values.size() == tensor.n_elements());
  to_float32(tensor.bytes.data(), type, values.size(), values.data());
  return {};
}

}  // namespace spanqa

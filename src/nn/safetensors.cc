#include "nn/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/json_text.h"

namespace spanqa {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLengthBytes = 8;
// The reference reader's own limit: a larger header is a damaged length, not a model.
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;
constexpr std::uint64_t kMaxIndexBytes = 100'000'000;
constexpr const char* kWeightFile = "model.safetensors";
constexpr const char* kIndexFile = "model.safetensors.index.json";

struct StoredType {
  std::string_view name;
  std::size_t bytes;
  std::optional<DType> dtype;  // what spanqa can compute with
};
constexpr std::array kStoredTypes = {StoredType{"F32", 4, DType::kFloat32},   StoredType{"F16", 2, DType::kFloat16},
                                     StoredType{"BF16", 2, DType::kBFloat16}, StoredType{"F64", 8, std::nullopt},
                                     StoredType{"I64", 8, std::nullopt},      StoredType{"U64", 8, std::nullopt},
                                     StoredType{"I32", 4, std::nullopt},      StoredType{"U32", 4, std::nullopt},
                                     StoredType{"I16", 2, std::nullopt},      StoredType{"U16", 2, std::nullopt},
                                     StoredType{"I8", 1, std::nullopt},       StoredType{"U8", 1, std::nullopt},
                                     StoredType{"BOOL", 1, std::nullopt},     StoredType{"F8_E4M3", 1, std::nullopt},
                                     StoredType{"F8_E5M2", 1, std::nullopt}};

const StoredType* find_type(std::string_view name) {
  const auto* const found =
      std::find_if(kStoredTypes.begin(), kStoredTypes.end(), [&](const StoredType& type) { return type.name == name; });
  return found == kStoredTypes.end() ? nullptr : found;
}

const StoredType& type_of(DType dtype) {
  const auto* const found = std::find_if(kStoredTypes.begin(), kStoredTypes.end(),
                                         [&](const StoredType& type) { return type.dtype == dtype; });
  SPANQA_CHECK(found != kStoredTypes.end());
  return *found;
}

/// nullopt where the product does not fit.
std::optional<std::uint64_t> checked_product(std::span<const std::size_t> shape, std::uint64_t factor) {
  std::uint64_t product = factor;
  for (const std::size_t n : shape) {
    if (__builtin_mul_overflow(product, std::uint64_t{n}, &product)) return std::nullopt;
  }
  return product;
}

/// The member `key` of a JSON object as a list of counts, or nullopt.
std::optional<std::vector<std::size_t>> counts_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) return std::nullopt;
  std::vector<std::size_t> counts;
  counts.reserve(found->size());
  for (const Json& value : *found) {
    if (!value.is_number_unsigned()) return std::nullopt;
    counts.push_back(value.get<std::size_t>());
  }
  return counts;
}

/// One entry of the header; `data` is everything after it.
Result<TensorView> parse_tensor(const Json& entry, std::span<const std::byte> data) {
  const auto bad = [](std::string message) { return fail(ErrorCode::kCorrupt, std::move(message)); };
  const auto type = entry.is_object() ? entry.find("dtype") : entry.end();
  if (!entry.is_object() || type == entry.end() || !type->is_string()) return bad("has no dtype");
  auto shape = counts_of(entry, "shape");
  const auto offsets = counts_of(entry, "data_offsets");
  if (!shape) return bad("has no shape (a list of counts)");
  if (!offsets || offsets->size() != 2) return bad("has no data_offsets (two counts)");

  TensorView tensor{.type = type->get<std::string>(), .shape = *std::move(shape), .bytes = {}};
  const StoredType* const stored = find_type(tensor.type);
  if (stored == nullptr) return bad(fmt::format("has the unknown dtype {}", json_string(tensor.type)));
  const std::uint64_t begin = (*offsets)[0];
  const std::uint64_t end = (*offsets)[1];
  if (begin > end || end > data.size()) {
    return bad(fmt::format("claims bytes {} to {} of the {} that follow the header; the file is cut short or damaged",
                           begin, end, data.size()));
  }
  const auto expected = checked_product(tensor.shape, stored->bytes);
  if (expected != end - begin) {
    return bad(fmt::format("has {} bytes, but {} {} does not", end - begin, tensor.type, shape_text(tensor.shape)));
  }
  tensor.bytes = data.subspan(begin, end - begin);
  return tensor;
}

/// Gap-free and disjoint, as the format demands: what no tensor claims may be anything.
Status check_coverage(const TensorMap& tensors, std::span<const std::byte> data) {
  std::vector<std::pair<std::span<const std::byte>, std::string_view>> parts;
  parts.reserve(tensors.size());
  for (const auto& [name, tensor] : tensors) parts.emplace_back(tensor.bytes, name);
  const auto order = [](const std::span<const std::byte>& s) { return std::pair(s.data(), s.size()); };
  std::sort(parts.begin(), parts.end(), [&](const auto& a, const auto& b) { return order(a.first) < order(b.first); });
  const std::byte* expected = data.data();
  for (const auto& [bytes, name] : parts) {
    if (bytes.data() != expected) {
      return fail(
          ErrorCode::kCorrupt,
          fmt::format("tensor {} {}", json_string(name),
                      bytes.data() < expected ? "overlaps another one" : "stands after bytes that no tensor claims"));
    }
    expected += bytes.size();
  }
  if (expected != data.data() + data.size()) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("{} bytes at the end belong to no tensor", data.data() + data.size() - expected));
  }
  return {};
}

Result<TensorMap> parse_header(std::string_view header, std::span<const std::byte> data) {
  const Json json = Json::parse(header, nullptr, false);
  if (!json.is_object()) return fail(ErrorCode::kCorrupt, "the header is not a JSON object");
  TensorMap tensors;
  for (const auto& [name, entry] : json.items()) {
    if (name == "__metadata__") continue;
    auto tensor = parse_tensor(entry, data);
    if (!tensor)
      return fail(tensor.error().code, fmt::format("tensor {} {}", json_string(name), tensor.error().message));
    tensors.emplace(name, *std::move(tensor));
  }
  SPANQA_TRY(check_coverage(tensors, data));
  return tensors;
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::uint64_t read_length(std::span<const std::byte> bytes) {
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) length |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  return length;
}

}  // namespace

std::string shape_text(std::span<const std::size_t> shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

std::size_t TensorView::n_elements() const {
  const StoredType* const stored = find_type(type);
  return stored == nullptr ? 0 : bytes.size() / stored->bytes;
}

Result<DType> TensorView::dtype() const {
  const StoredType* const stored = find_type(type);
  if (stored == nullptr || !stored->dtype) {
    return fail(ErrorCode::kUnsupported, fmt::format("is stored as {}; known are F32, F16 and BF16", type));
  }
  return *stored->dtype;
}

Result<TensorMap> parse_safetensors(std::span<const std::byte> bytes, std::string_view name) {
  const auto bad = [&](std::string_view what) { return fail(ErrorCode::kCorrupt, fmt::format("{}: {}", name, what)); };
  if (bytes.size() < kLengthBytes) return bad("too short for a safetensors file");
  const std::uint64_t length = read_length(bytes);
  if (length > kMaxHeaderBytes || length > bytes.size() - kLengthBytes) {
    return bad(fmt::format("its header claims {} bytes, the file has {}; it is cut short or no safetensors file",
                           length, bytes.size()));
  }
  auto tensors = parse_header(as_text(bytes.subspan(kLengthBytes, length)), bytes.subspan(kLengthBytes + length));
  if (!tensors) return bad(tensors.error().message);
  return tensors;
}

Result<std::map<std::string, std::string>> parse_weight_index(std::string_view text, std::string_view name) {
  const auto bad = [&](std::string_view what) { return fail(ErrorCode::kCorrupt, fmt::format("{}: {}", name, what)); };
  const Json json = Json::parse(text, nullptr, false);
  const auto weight_map = json.is_object() ? json.find("weight_map") : json.end();
  if (!json.is_object() || weight_map == json.end() || !weight_map->is_object()) {
    return bad("holds no weight_map (a JSON object from tensor to file)");
  }
  std::map<std::string, std::string> shards;
  for (const auto& [tensor, shard] : weight_map->items()) {
    if (!shard.is_string()) return bad(fmt::format("tensor {} names no file", json_string(tensor)));
    const std::filesystem::path file = shard.get<std::string>();
    // A shard lies beside its index; anything else is an attempt to read other files.
    if (file.empty() || file != file.filename() || file == ".." || file == ".") {
      return bad(fmt::format("tensor {} names {}, which is not a file of the same folder", json_string(tensor),
                             json_string(file.string())));
    }
    shards.emplace(tensor, file.string());
  }
  return shards;
}

const TensorView* TensorFile::find(std::string_view name) const& {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

Result<TensorFile> TensorFile::open(const std::filesystem::path& path) {
  TensorFile file;
  file.path_ = path;
  SPANQA_ASSIGN(auto mapped, MappedFile::open(path));
  SPANQA_ASSIGN(file.tensors_, parse_safetensors(mapped->bytes(), path.string()));
  file.files_.push_back(std::move(mapped));
  return file;
}

Result<TensorFile> TensorFile::open_shards(const std::filesystem::path& index) {
  SPANQA_ASSIGN(const std::string text, read_file(index, kMaxIndexBytes));
  SPANQA_ASSIGN(const auto weight_map, parse_weight_index(text, index.string()));
  std::map<std::string, TensorFile> shards;
  TensorFile all;
  all.path_ = index;
  for (const auto& [name, shard] : weight_map) {
    auto found = shards.find(shard);
    if (found == shards.end()) {
      auto opened = open(index.parent_path() / shard);
      if (!opened) {
        return fail(opened.error().code, fmt::format("{} (a shard that {} names)", opened.error().message, kIndexFile));
      }
      all.files_.push_back(opened->files_.front());
      found = shards.emplace(shard, *std::move(opened)).first;
    }
    const TensorView* const tensor = found->second.find(name);
    if (tensor == nullptr) {
      return fail(ErrorCode::kCorrupt, fmt::format("{}: tensor {} is not in {}, where it should be", index.string(),
                                                   json_string(name), shard));
    }
    all.tensors_.emplace(name, *tensor);
  }
  return all;
}

Result<TensorFile> TensorFile::open_folder(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (std::filesystem::exists(folder / kWeightFile, ignored)) return open(folder / kWeightFile);
  if (std::filesystem::exists(folder / kIndexFile, ignored)) return open_shards(folder / kIndexFile);
  for (const char* const pickled : {"pytorch_model.bin", "pytorch_model.bin.index.json"}) {
    if (!std::filesystem::exists(folder / pickled, ignored)) continue;
    return fail(
        ErrorCode::kUnsupported,
        fmt::format("{}: has {}, but no {}; pickled weights can run code and are not read. Convert them once in "
                    "Python: model = AutoModelForQuestionAnswering.from_pretrained({}); "
                    "model.save_pretrained({}, safe_serialization=True)",
                    folder.string(), pickled, kWeightFile, json_string(folder.string()), json_string(folder.string())));
  }
  return fail(ErrorCode::kNotFound, fmt::format("{}: holds neither {} nor {}; is this the folder of a model?",
                                                folder.string(), kWeightFile, kIndexFile));
}

Status write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                         const std::map<std::string, std::string>& metadata) {
  // Wide types first keeps every tensor aligned to its own size.
  std::vector<const NamedTensor*> order;
  for (const std::size_t bytes : {4U, 2U}) {
    for (const NamedTensor& tensor : tensors) {
      if (dtype_size(tensor.dtype) == bytes) order.push_back(&tensor);
    }
  }

  std::string header = R"({"__metadata__":{)";
  std::string_view separator;
  for (const auto& [key, value] : metadata) {
    header += fmt::format("{}{}:{}", std::exchange(separator, ","), json_string(key), json_string(value));
  }
  header += "}";
  std::set<std::string_view> names;
  std::size_t offset = 0;
  for (const NamedTensor* const tensor : order) {
    const StoredType& type = type_of(tensor->dtype);
    SPANQA_CHECK(checked_product(tensor->shape, type.bytes) == tensor->bytes.size());
    SPANQA_CHECK(tensor->name != "__metadata__" && names.insert(tensor->name).second);
    header += fmt::format(R"(,{}:{{"dtype":"{}","shape":{},"data_offsets":[{},{}]}})", json_string(tensor->name),
                          type.name, shape_text(tensor->shape), offset, offset + tensor->bytes.size());
    offset += tensor->bytes.size();
  }
  header += "}";
  header.append((kLengthBytes - header.size() % kLengthBytes) % kLengthBytes, ' ');

  SPANQA_ASSIGN(AtomicFile file, AtomicFile::create(path));
  std::string length;
  for (std::size_t i = 0; i < kLengthBytes; ++i) length.push_back(static_cast<char>(header.size() >> (8 * i) & 0xFF));
  SPANQA_TRY(file.write(length));
  SPANQA_TRY(file.write(header));
  for (const NamedTensor* const tensor : order) SPANQA_TRY(file.write(as_text(tensor->bytes)));
  return file.commit();
}

}  // namespace spanqa

#include "train/checkpoint.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <system_error>

#include "base/check.h"
#include "base/file.h"
#include "nn/float16.h"
#include "nn/safetensors.h"
#include "train/checksum.h"
#include "train/hugging_face_files.h"
#include "train/options_json.h"

namespace spanqa {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFolderPrefix = "checkpoint-";
constexpr std::string_view kPartialSuffix = ".partial";
constexpr const char* kConfigFile = "config.json";
constexpr const char* kWeightFile = "model.safetensors";
constexpr const char* kOptimizerFile = "optimizer.safetensors";
constexpr const char* kArgsFile = "training_args.json";
constexpr const char* kTrainerStateFile = "trainer_state.json";
constexpr const char* kStateFile = "training_state.json";
constexpr std::array kTokenizerFiles = {"tokenizer.json", "tokenizer_config.json", "vocab.txt",
                                        "special_tokens_map.json", "added_tokens.json"};
constexpr std::uint64_t kMaxStateBytes = std::uint64_t{1} << 30;

std::string folder_name(std::size_t step) { return fmt::format("{}{}", kFolderPrefix, step); }
fs::path partial_path(const fs::path& output, std::size_t step) {
  return output / fmt::format(".{}{}", folder_name(step), kPartialSuffix);
}

/// The number of "checkpoint-N".
std::optional<std::size_t> step_of(std::string_view name) {
  if (!name.starts_with(kFolderPrefix)) return std::nullopt;
  name.remove_prefix(kFolderPrefix.size());
  std::size_t step = 0;
  const auto parsed = std::from_chars(name.data(), name.data() + name.size(), step);
  if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) return std::nullopt;
  return step;
}

bool is_partial(std::string_view name) {
  if (!name.starts_with('.') || !name.ends_with(kPartialSuffix)) return false;
  return step_of(name.substr(1, name.size() - 1 - kPartialSuffix.size())).has_value();
}

/// A name that AtomicFile gives while it writes.
bool is_temporary(std::string_view name) {
  constexpr std::string_view kEnding = ".tmp-XXXXXX";
  constexpr std::size_t kFixed = 5;
  return name.size() > kEnding.size() &&
         name.substr(name.size() - kEnding.size()).starts_with(kEnding.substr(0, kFixed));
}

tl::unexpected<Error> io_error(const fs::path& path, std::string_view what, const std::error_code& error) {
  return fail(ErrorCode::kIo, fmt::format("{}: cannot {}: {}", path.string(), what, error.message()));
}
std::error_code last_error() { return {errno, std::generic_category()}; }

Status make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return io_error(folder, "create the folder", error);
  return {};
}

Status remove_folder(const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (error) return io_error(folder, "remove", error);
  return {};
}

/// Makes the names in a folder last through a loss of power.
Status sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return io_error(folder, "open", last_error());
  const bool is_synced = ::fsync(descriptor) == 0;
  const std::error_code error = last_error();
  ::close(descriptor);
  // Some file systems cannot sync folders (EINVAL); then nobody can do more.
  if (!is_synced && error.value() != EINVAL) return io_error(folder, "sync", error);
  return {};
}

/// Gives `partial` the name `target`. A folder that has it changes places with `partial` and is removed.
Status put_in_place(const fs::path& partial, const fs::path& target) {
  std::error_code error;
  if (fs::exists(target, error)) {
    if (::renameat2(AT_FDCWD, partial.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) {
      return remove_folder(partial);
    }
    SPANQA_TRY(remove_folder(target));  // a file system that cannot exchange
  }
  if (::rename(partial.c_str(), target.c_str()) != 0) return io_error(target, "rename a folder to", last_error());
  return {};
}

std::span<const std::byte> tensor_bytes(std::span<const float> array, const Parameter& parameter) {
  return std::as_bytes(array.subspan(parameter.offset, parameter.size));
}

void append_tensors(std::vector<NamedTensor>& tensors, const ParameterLayout& layout, std::span<const float> array,
                    std::string_view prefix) {
  SPANQA_CHECK(array.size() == layout.n_floats());
  for (const Parameter& parameter : layout.parameters()) {
    tensors.push_back({.name = std::string(prefix) + parameter.name,
                       .dtype = DType::kFloat32,
                       .shape = parameter.shape,
                       .bytes = tensor_bytes(array, parameter)});
  }
}

Status copy_tokenizer(const fs::path& base, const fs::path& folder) {
  for (const char* const name : kTokenizerFiles) {
    const auto text = read_file(base / name);
    if (!text && text.error().code == ErrorCode::kNotFound) continue;
    if (!text) return tl::unexpected<Error>(text.error());
    SPANQA_TRY(write_file(folder / name, *text));
  }
  return {};
}

Status write_config(const fs::path& base, const fs::path& folder, DType dtype) {
  SPANQA_ASSIGN(const std::string text, read_file(base / kConfigFile, kMaxStateBytes));
  SPANQA_ASSIGN(const std::string config, answering_config_json(text, dtype, (base / kConfigFile).string()));
  return write_file(folder / kConfigFile, config);
}

/// Weights as float16; `storage` keeps their bytes.
Result<std::vector<NamedTensor>> narrow_tensors(const ModelContents& contents, std::vector<std::uint16_t>& storage) {
  storage.resize(contents.layout.n_floats());
  std::vector<NamedTensor> tensors;
  for (const Parameter& parameter : contents.layout.parameters()) {
    const std::span<const float> values = contents.weights.subspan(parameter.offset, parameter.size);
    const std::span<std::uint16_t> narrow = std::span(storage).subspan(parameter.offset, parameter.size);
    if (const std::size_t n = to_float16(values, narrow.data()); n < values.size()) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("tensor {} holds {}, which float16 cannot hold; export the model as float32",
                              parameter.name, values[n]));
    }
    tensors.push_back({parameter.name, DType::kFloat16, parameter.shape, std::as_bytes(narrow)});
  }
  return tensors;
}

Status write_weights(const fs::path& path, const ModelContents& contents, DType dtype) {
  SPANQA_CHECK(contents.weights.size() == contents.layout.n_floats());
  if (dtype == DType::kFloat16) {
    std::vector<std::uint16_t> storage;
    auto tensors = narrow_tensors(contents, storage);
    if (!tensors) return fail(tensors.error().code, fmt::format("{}: {}", path.string(), tensors.error().message));
    return write_safetensors(path, *tensors);
  }
  std::vector<NamedTensor> tensors;
  append_tensors(tensors, contents.layout, contents.weights, "");
  return write_safetensors(path, tensors);
}

Status write_model(const fs::path& folder, const ModelContents& contents, DType dtype) {
  SPANQA_TRY(write_weights(folder / kWeightFile, contents, dtype));
  SPANQA_TRY(write_config(contents.base, folder, dtype));
  return copy_tokenizer(contents.base, folder);
}

Result<FileSum> sum_of(const fs::path& path) {
  SPANQA_ASSIGN(const auto file, MappedFile::open(path));
  return FileSum{.n_bytes = file->bytes().size(), .checksum = checksum64(file->bytes())};
}

/// Sums of all files that lie in the folder.
Result<std::map<std::string, FileSum>> sums_of(const fs::path& folder) {
  std::map<std::string, FileSum> sums;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    SPANQA_ASSIGN(const FileSum sum, sum_of(entry->path()));
    sums.emplace(entry->path().filename().string(), sum);
  }
  if (error) return io_error(folder, "list", error);
  return sums;
}

Status write_folder(const fs::path& folder, const CheckpointContents& contents) {
  SPANQA_TRY(remove_folder(folder));
  SPANQA_TRY(make_folder(folder));
  SPANQA_TRY(write_model(folder, {contents.base, contents.layout, contents.weights}, DType::kFloat32));
  std::vector<NamedTensor> moments;
  append_tensors(moments, contents.layout, contents.first_moments, "m.");
  append_tensors(moments, contents.layout, contents.second_moments, "v.");
  SPANQA_TRY(write_safetensors(folder / kOptimizerFile, moments));
  SPANQA_TRY(write_file(folder / kArgsFile, training_args_json(contents.options)));
  SPANQA_TRY(write_file(folder / kTrainerStateFile, trainer_state_json(contents.run, contents.options)));
  TrainingState state{
      .run = contents.run, .options = contents.options, .n_optimizer_steps = contents.n_optimizer_steps, .files = {}};
  SPANQA_ASSIGN(state.files, sums_of(folder));
  SPANQA_ASSIGN(const std::string json, training_state_json(state));
  SPANQA_TRY(write_file(folder / kStateFile, json));
  return sync_folder(folder);
}

/// Whether the file is what was written.
Status check_file(const fs::path& path, const FileSum& expected) {
  SPANQA_ASSIGN(const FileSum sum, sum_of(path));
  if (sum == expected) return {};
  const std::string what = sum.n_bytes == expected.n_bytes
                               ? "its bytes are not those that were written"
                               : fmt::format("has {} bytes, {} were written", sum.n_bytes, expected.n_bytes);
  return fail(ErrorCode::kCorrupt, fmt::format("{}: {}; it is damaged or was changed", path.string(), what));
}

Result<TrainingState> open_whole(const fs::path& folder) {
  const fs::path path = folder / kStateFile;
  SPANQA_ASSIGN(const std::string json, read_file(path, kMaxStateBytes));
  SPANQA_ASSIGN(TrainingState state, parse_training_state(json, path.string()));
  for (const char* const name : {kConfigFile, kWeightFile, kOptimizerFile, kTrainerStateFile}) {
    if (state.files.contains(name)) continue;
    return fail(ErrorCode::kCorrupt, fmt::format("{}: does not list {}", path.string(), name));
  }
  for (const auto& [name, sum] : state.files) SPANQA_TRY(check_file(folder / name, sum));
  SPANQA_ASSIGN(const std::string trainer_state, read_file(folder / kTrainerStateFile, kMaxStateBytes));
  SPANQA_ASSIGN(state.run.log, parse_log_history(trainer_state, (folder / kTrainerStateFile).string()));
  return state;
}

/// What to do about a checkpoint that cannot be used.
std::string advice_for(const fs::path& folder) {
  std::vector<CheckpointFolder> others = list_checkpoints(folder.parent_path());
  const auto step = step_of(folder.filename().string());
  for (auto other = others.rbegin(); other != others.rend(); ++other) {
    if (other->path.filename() == folder.filename() || (step && other->step > *step)) continue;
    if (open_whole(other->path)) {
      return fmt::format("{} is whole: remove {} and --resume continues from there", other->path.string(),
                         folder.string());
    }
  }
  return "no older checkpoint beside it is whole: start the run anew";
}

Status read_array(const TensorFile& file, const ParameterLayout& layout, std::string_view prefix,
                  std::span<float> array) {
  SPANQA_CHECK(array.size() == layout.n_floats());
  std::fill(array.begin(), array.end(), 0.0F);
  for (const Parameter& parameter : layout.parameters()) {
    const std::string name = std::string(prefix) + parameter.name;
    const TensorView* const tensor = file.find(name);
    if (tensor == nullptr || tensor->type != "F32" || tensor->shape != parameter.shape) {
      return fail(ErrorCode::kMismatch, fmt::format("{}: holds no float32 tensor {} {}", file.path().string(), name,
                                                    shape_text(parameter.shape)));
    }
    std::memcpy(array.data() + parameter.offset, tensor->bytes.data(), tensor->bytes.size());
  }
  return {};
}

}  // namespace

Result<fs::path> write_checkpoint(const fs::path& output, const CheckpointContents& contents) {
  const std::size_t step = contents.run.step;
  const fs::path partial = partial_path(output, step);
  fs::path target = output / folder_name(step);
  Status status = write_folder(partial, contents);
  if (status) status = put_in_place(partial, target);
  if (status) status = sync_folder(output);
  if (status) return target;
  const Status removed = remove_folder(partial);
  const auto last = last_checkpoint(output);
  return fail(
      status.error().code,
      fmt::format(
          "{}; checkpoint {} was not written{}. Mend that (is the disk full?) and {}", status.error().message, step,
          removed ? "" : fmt::format(", and {} is to be removed by hand", partial.string()),
          last ? fmt::format("resume from {}, which is whole", last->string()) : std::string("start the run anew")));
}

Status remove_unfinished(const fs::path& output) {
  std::error_code error;
  std::vector<fs::path> unfinished;
  for (const fs::path& folder : {output, output / kModelFolder}) {
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      if (is_partial(name) || is_temporary(name)) unfinished.push_back(entry->path());
    }
  }
  for (const fs::path& path : unfinished) SPANQA_TRY(remove_folder(path));
  return {};
}

std::vector<CheckpointFolder> list_checkpoints(const fs::path& output) {
  std::vector<CheckpointFolder> folders;
  std::error_code error;
  std::error_code ignored;
  for (fs::directory_iterator entry(output, error), end; !error && entry != end; entry.increment(error)) {
    const auto step = step_of(entry->path().filename().string());
    if (step && entry->is_directory(ignored)) folders.push_back({*step, entry->path()});
  }
  std::sort(folders.begin(), folders.end(), [](const auto& a, const auto& b) { return a.step < b.step; });
  return folders;
}

std::optional<fs::path> last_checkpoint(const fs::path& output) {
  const std::vector<CheckpointFolder> folders = list_checkpoints(output);
  if (folders.empty()) return std::nullopt;
  return folders.back().path;
}

Status rotate_checkpoints(const fs::path& output, const CheckpointsToKeep& keep) {
  const std::vector<CheckpointFolder> folders = list_checkpoints(output);
  if (keep.limit == 0 || folders.size() <= keep.limit) return {};
  for (std::size_t i = 0; i < folders.size() - keep.limit; ++i) {
    const CheckpointFolder& folder = folders[i];
    if (folder.step == keep.newest || folder.step == keep.best) continue;
    const fs::path doomed = partial_path(output, folder.step);
    if (::rename(folder.path.c_str(), doomed.c_str()) != 0) return io_error(folder.path, "remove", last_error());
    SPANQA_TRY(remove_folder(doomed));
  }
  return {};
}

Result<TrainingState> open_checkpoint(const fs::path& given) {
  const fs::path folder = given.has_filename() ? given : given.parent_path();  // "checkpoint-5/"
  auto state = open_whole(folder);
  if (state) return state;
  return fail(state.error().code, fmt::format("{}; {}", state.error().message, advice_for(folder)));
}

Status check_resumable(const TrainingState& stored, const TrainOptions& now, const fs::path& folder) {
  std::string list;
  for (const OptionDifference& difference : compare_options(stored.options, now)) {
    if (may_change_on_resume(difference.key)) continue;
    list +=
        fmt::format("{}{} was {} and is now {}", list.empty() ? "" : "; ", difference.key, difference.a, difference.b);
  }
  if (list.empty()) return {};
  return fail(ErrorCode::kMismatch,
              fmt::format("{}: a run can only be resumed with the settings it began with, but {}. Leave them as they "
                          "were, or start a new run with this folder as its model",
                          folder.string(), list));
}

Status read_checkpoint_weights(const fs::path& folder, const ParameterLayout& layout, std::span<float> weights) {
  SPANQA_ASSIGN(const TensorFile file, TensorFile::open(folder / kWeightFile));
  return read_array(file, layout, "", weights);
}

Status read_checkpoint_moments(const fs::path& folder, const ParameterLayout& layout, const Moments& moments) {
  SPANQA_ASSIGN(const TensorFile file, TensorFile::open(folder / kOptimizerFile));
  SPANQA_TRY(read_array(file, layout, "m.", moments.first));
  return read_array(file, layout, "v.", moments.second);
}

Status export_model(const fs::path& folder, const ModelContents& contents, DType dtype) {
  if (dtype == DType::kBFloat16) {
    return fail(ErrorCode::kUnsupported, "a model is exported as float32 or float16, not as bfloat16");
  }
  SPANQA_TRY(make_folder(folder));
  SPANQA_TRY(write_model(folder, contents, dtype));
  return sync_folder(folder);
}

}  // namespace spanqa

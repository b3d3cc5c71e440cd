// A run's checkpoints: folders `OUTPUT/checkpoint-STEP` that are whole or absent.
//
// Such a folder is a model of the Hugging Face kind, which any reader opens: config.json, model.safetensors, the files
// of the tokenizer. Beside them stand training_args.json and trainer_state.json in the Trainer's shape, and for a
// resumed run optimizer.safetensors (moments under "m.NAME" and "v.NAME") and training_state.json, which holds the
// settings, the counters and the checksums of all other files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "nn/dtype.h"
#include "nn/parameters.h"
#include "train/options.h"
#include "train/run_state.h"

namespace spanqa {

/// What goes into a checkpoint; everything is borrowed. Arrays are laid out by `layout`.
struct CheckpointContents {
  const TrainOptions& options;
  const RunState& run;
  const std::filesystem::path& base;  // the folder that config.json and the tokenizer are taken from
  const ParameterLayout& layout;
  std::span<const float> weights;
  std::span<const float> first_moments;
  std::span<const float> second_moments;
  std::uint64_t n_optimizer_steps = 0;
};

/// Writes `output`/checkpoint-STEP and returns it. The folder is made beside as `.checkpoint-STEP.partial`, every file
/// synced, then renamed; one of that name is replaced. On any failure the partial folder is removed, what was there
/// before is intact, and the message says which file failed and what to do.
Result<std::filesystem::path> write_checkpoint(const std::filesystem::path& output, const CheckpointContents& contents);

/// OUTPUT/model: where the best model goes.
constexpr const char* kModelFolder = "model";

/// Removes what a killed run left half written or half removed: checkpoints, and files here and in kModelFolder. For
/// the start of a run, while no other is at work there; nothing to remove is no error.
Status remove_unfinished(const std::filesystem::path& output);

struct CheckpointFolder {
  std::size_t step = 0;
  std::filesystem::path path;
};
/// By rising step. Empty also when `output` is not there.
std::vector<CheckpointFolder> list_checkpoints(const std::filesystem::path& output);
/// That of the highest step; nullopt when there is none.
std::optional<std::filesystem::path> last_checkpoint(const std::filesystem::path& output);

/// Which checkpoints are to be kept.
struct CheckpointsToKeep {
  std::size_t limit = 0;                 // so many of the highest steps; 0: all
  std::size_t newest = 0;                // step of the one just written, whatever others are there
  std::optional<std::size_t> best = {};  // step of the best one
};
/// Removes all others; a removal that is cut short leaves no checkpoint that is not whole.
Status rotate_checkpoints(const std::filesystem::path& output, const CheckpointsToKeep& keep);

/// Reads training_state.json and the log, and checks every file of the folder against its checksum. The message names
/// the damaged file, and how to go on from the next older checkpoint beside it that is whole, if there is one.
Result<TrainingState> open_checkpoint(const std::filesystem::path& folder);

/// kMismatch unless a run with the settings `now` continues that of `stored` to the same bytes; names each setting that
/// differs and both values.
Status check_resumable(const TrainingState& stored, const TrainOptions& now, const std::filesystem::path& folder);

/// The weights of a checkpoint; `weights` has the layout's length, gaps are set to zero. kMismatch, naming the tensor,
/// when the file does not hold every tensor of the layout.
Status read_checkpoint_weights(const std::filesystem::path& folder, const ParameterLayout& layout,
                               std::span<float> weights);

struct Moments {
  std::span<float> first;
  std::span<float> second;
};
/// The optimiser's moments, likewise.
Status read_checkpoint_moments(const std::filesystem::path& folder, const ParameterLayout& layout,
                               const Moments& moments);

/// What makes a model folder.
struct ModelContents {
  const std::filesystem::path& base;  // the folder that config.json and the tokenizer are taken from
  const ParameterLayout& layout;
  std::span<const float> weights;
};
/// Writes a model without anything of its training: config.json, model.safetensors, the tokenizer's files. Each file is
/// whole or absent; others in the folder stay. kInvalidArgument, naming the tensor, for a number that float16 cannot
/// hold; kUnsupported for bfloat16.
Status export_model(const std::filesystem::path& folder, const ModelContents& contents, DType dtype);

}  // namespace spanqa

#include "cli/model_folder.h"

#include <fmt/format.h>

#include <iterator>
#include <system_error>

namespace spanqa::cli {

Status check_model_folder(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (std::filesystem::is_directory(folder, ignored)) return {};
  if (std::filesystem::exists(folder, ignored)) {
    return fail(
        ErrorCode::kNotFound,
        fmt::format("{}: is no folder; --model names the folder that holds config.json, model.safetensors and the "
                    "tokenizer's files",
                    folder.string()));
  }
  const auto depth = std::distance(folder.begin(), folder.end());
  if (folder.is_relative() && depth <= 2 && !folder.string().starts_with('.')) {
    return fail(
        ErrorCode::kNotFound,
        fmt::format("{}: there is no such folder; if it is a model of the Hugging Face hub, download its config.json, "
                    "model.safetensors and tokenizer files from https://huggingface.co/{} into a folder and name that "
                    "with --model",
                    folder.string(), folder.string()));
  }
  return fail(
      ErrorCode::kNotFound,
      fmt::format("{}: there is no such folder; --model names one that holds config.json, model.safetensors and "
                  "the tokenizer's files",
                  folder.string()));
}

}  // namespace spanqa::cli

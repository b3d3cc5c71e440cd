// The folder that --model names.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace spanqa::cli {

/// That `folder` is there: else kNotFound, with what to do where it may be the name of a model on the hub.
Status check_model_folder(const std::filesystem::path& folder);

}  // namespace spanqa::cli

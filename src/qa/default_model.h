// Which model answers when the caller names none.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace spanqa {

/// The model folder that a file named DEFAULT names: `models/DEFAULT` holds one line, the name of a folder beside it.
///
/// Looked for in this order: the folder in the environment variable SPANQA_MODELS, `models` in the current folder,
/// `models` in any folder above the running program (a checkout), `../share/spanqa/models` beside it (an installation).
/// Fails with kNotFound, naming the places and how to name a model; and at a DEFAULT that cannot be read, instead of
/// going on to another model.
Result<std::filesystem::path> find_default_model();

}  // namespace spanqa

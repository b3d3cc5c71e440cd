// What a validation file must hold, asked before an epoch is trained rather than after it.
#pragma once

#include <cstddef>
#include <filesystem>

#include "base/result.h"
#include "qa/windows.h"
#include "text/tokenizer.h"

namespace spanqa {

/// Reads the first `limit` questions of `file` (0: all) as an evaluation will, and returns their number. `windows` are
/// the options in force for the model. Fails, naming the question, with what evaluate() would fail with: a file that
/// cannot be read or holds no question, a question without golds, empty, or too long for its windows.
/// Cost: reading and tokenising, no model.
Result<std::size_t> check_validation(const std::filesystem::path& file, std::size_t limit, const Tokenizer& tokenizer,
                                     const WindowOptions& windows);

}  // namespace spanqa

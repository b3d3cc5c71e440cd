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
/// cannot be read or holds no question, a question that is empty, too long for its windows, or cannot be scored by the
/// rules of v2.0 (with `squad_v2`) or those that the file names (check_golds of qa/evaluate.h).
/// Cost: reading and tokenising, no model.
Result<std::size_t> check_validation(const std::filesystem::path& file, std::size_t limit, const Tokenizer& tokenizer,
                                     const WindowOptions& windows, bool squad_v2);

}  // namespace spanqa

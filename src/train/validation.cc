#include "train/validation.h"

#include <fmt/format.h>

#include <memory>
#include <string>

#include "data/example_reader.h"
#include "qa/evaluate.h"

namespace spanqa {
namespace {

Status check_texts(const Example& example, std::size_t n_context, const Tokenizer& tokenizer,
                   const WindowOptions& windows) {
  if (example.question.empty()) return fail(ErrorCode::kInvalidArgument, "its question is empty");
  if (example.context->empty()) return fail(ErrorCode::kInvalidArgument, "its context is empty");
  SPANQA_TRY(plan_windows(tokenizer.tokenize(example.question).size(), n_context, windows));
  return {};
}

}  // namespace

Result<std::size_t> check_validation(const std::filesystem::path& file, std::size_t limit, const Tokenizer& tokenizer,
                                     const WindowOptions& windows, bool squad_v2) {
  SPANQA_ASSIGN(const auto examples, ExampleReader::open(file));
  const bool version_2 = squad_v2 || is_version_2(examples->version());
  std::shared_ptr<const std::string> context;
  std::size_t n_context = 0;
  std::size_t n = 0;
  for (; limit == 0 || n < limit; ++n) {
    SPANQA_ASSIGN(const std::optional<Example> example, examples->next());
    if (!example) break;
    if (example->context != context) {  // the next question of a paragraph needs no second look at it
      context = example->context;
      n_context = tokenizer.tokenize(*context).size();
    }
    Status status = check_golds(*example, version_2, examples->version());
    if (status) status = check_texts(*example, n_context, tokenizer, windows);
    if (!status) {
      return fail(status.error().code, fmt::format("{}: {}; a model cannot be scored on it: mend the file, or name "
                                                   "another for the validation",
                                                   example->where, status.error().message));
    }
  }
  if (n == 0) return fail(ErrorCode::kCorrupt, fmt::format("{}: holds no question", file.string()));
  return n;
}

}  // namespace spanqa

#include "cli/example_input.h"

#include <fmt/format.h>

#include <optional>

#include "cli/data_format_flag.h"
#include "cli/interrupt.h"
#include "cli/layout.h"
#include "cli/terminal.h"

namespace spanqa::cli {

void ExampleInput::add_to(CLI::App& command, const std::string& description) {
  CLI::Option* input = command.add_option("input", path, description);
  if (path.empty()) {
    input->required();
  } else {
    input->capture_default_str();
  }
  add_data_format(command, format);
}

Result<std::unique_ptr<ExampleReader>> ExampleInput::open() const {
  if (path != "-")
    return ExampleReader::open(path, {.format = data_format_of(format), .cancelled = InterruptGuard::check});
  if (format != "auto" && format != "jsonl") {
    return fail(ErrorCode::kInvalidArgument, "standard input is read as JSONL; give a file for --format " + format);
  }
  return ExampleReader::from_jsonl(interruptible_input(), name());
}

Status for_each_example(ExampleReader& examples, const std::string& label,
                        const std::function<Status(Example&)>& take) {
  const InterruptGuard guard;
  ProgressBar bar(label);
  for (std::size_t n = 0;; ++n) {
    auto example = examples.next();
    SPANQA_TRY(InterruptGuard::check());
    SPANQA_TRY(example);
    if (!*example) return {};
    SPANQA_TRY(take(**example));
    if (n % 256 == 0) bar.update(examples.progress(), with_commas(n) + " questions");
  }
}

}  // namespace spanqa::cli

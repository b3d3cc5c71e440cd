#include "cli/example_output.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "cli/data_format_flag.h"

namespace spanqa::cli {
void ExampleOutput::add_to(CLI::App& command) {
  command.add_option("-o,--output", path, "Where it goes; - for standard output")->capture_default_str();
  command.add_option("--to", format, "Format; default: by the output's extension, JSONL for standard output")
      ->check(CLI::IsMember({"squad", "json", "jsonl", "csv"}));
  command.add_option("--squad-version", version, "\"version\" of a SQuAD file; default: the input's, else v2.0");
}

Status check_outputs(const std::string& path, const std::string& other, const std::vector<std::string>& inputs) {
  SPANQA_TRY(check_not_input(path, inputs));
  SPANQA_TRY(check_not_input(other, inputs));
  std::error_code ignored;
  const auto whole = [&](const std::string& name) { return std::filesystem::weakly_canonical(name, ignored); };
  if (path != other && whole(path) != whole(other)) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{}: two outputs cannot go to the same place; name another file for one of them", other));
}

Status ExampleSink::open() {
  ExampleWriterOptions options;
  options.format = data_format_of(output_->format);
  if (!input_->version().empty()) options.version = input_->version();
  if (!output_->version.empty()) options.version = output_->version;
  if (output_->path == "-") {
    SPANQA_ASSIGN(Output output, Output::open("-"));
    standard_output_.emplace(std::move(output));
    writer_.emplace(
        ExampleWriter::to_sink([this](std::string_view bytes) { return standard_output_->write(bytes); }, options));
    return {};
  }
  SPANQA_ASSIGN(ExampleWriter writer, ExampleWriter::create(output_->path, options));
  writer_.emplace(std::move(writer));
  return {};
}

Status ExampleSink::write(const Example& example) {
  if (!writer_) SPANQA_TRY(open());
  return writer_->write(example);
}

Status ExampleSink::finish() {
  if (!writer_) SPANQA_TRY(open());
  SPANQA_TRY(writer_->finish());
  return standard_output_ ? standard_output_->finish() : Status();
}

}  // namespace spanqa::cli

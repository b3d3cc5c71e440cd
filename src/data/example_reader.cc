#include "data/example_reader.h"

#include <utility>

#include "data/internal/input.h"
#include "data/internal/readers.h"

namespace spanqa {

const char* data_format_name(DataFormat format) {
  switch (format) {
    case DataFormat::kSquad:
      return "squad";
    case DataFormat::kJson:
      return "json";
    case DataFormat::kJsonl:
      return "jsonl";
    case DataFormat::kCsv:
      return "csv";
    case DataFormat::kAuto:
      break;
  }
  return "auto";
}

Result<std::unique_ptr<ExampleReader>> ExampleReader::open(const std::filesystem::path& path,
                                                           const ExampleReaderOptions& options) {
  SPANQA_ASSIGN(Input input, Input::open(path, options.cancelled));
  return open_input(std::move(input), options);
}

Result<std::unique_ptr<ExampleReader>> open_input(Input input, const ExampleReaderOptions& options) {
  SPANQA_TRY(input.fill_head(kHeadBytes));
  SPANQA_TRY(refuse_foreign(input.available(), input.name()));
  DataFormat format = options.format;
  if (format == DataFormat::kAuto) {
    SPANQA_ASSIGN(format, detect_format(input.available(), input.name()));
    if (format == DataFormat::kJson) return open_json(std::move(input), options);
  }
  switch (format) {
    case DataFormat::kJsonl:
      return make_jsonl_reader(std::move(input), options);
    case DataFormat::kCsv:
      return open_csv(std::move(input), options);
    default:
      return open_json(std::move(input), options);
  }
}

std::unique_ptr<ExampleReader> ExampleReader::from_jsonl(std::istream& stream, std::string name,
                                                         const ExampleReaderOptions& options) {
  return make_jsonl_reader(Input::wrap(stream, std::move(name)), options);
}

Result<std::vector<Example>> read_examples(const std::filesystem::path& path, std::size_t limit,
                                           const ExampleReaderOptions& options) {
  SPANQA_ASSIGN(const std::unique_ptr<ExampleReader> reader, ExampleReader::open(path, options));
  std::vector<Example> examples;
  while (limit == 0 || examples.size() < limit) {
    SPANQA_ASSIGN(std::optional<Example> example, reader->next());
    if (!example) break;
    examples.push_back(std::move(*example));
  }
  return examples;
}

}  // namespace spanqa

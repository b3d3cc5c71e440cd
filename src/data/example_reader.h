// The one way in for examples: SQuAD v1.1 and v2.0, flat JSON, JSONL and CSV, as a stream.
#pragma once

#include <cstdint>
#include <filesystem>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/example.h"

namespace spanqa {

enum class DataFormat : std::uint8_t {
  kAuto,   // by extension and first bytes
  kSquad,  // nested: {"data": [{"title", "paragraphs": [{"context", "qas": [{"id", "question", "answers"}]}]}]}
  kJson,  // flat rows: [{"id", "question", "context", "answers": {"text": [], "answer_start": []}}] or {"data": [rows]}
  kJsonl,  // one flat row a line
  kCsv,    // header id,question,context,answer_text,answer_start (or answers as JSON); RFC 4180
};
/// "squad", "json", "jsonl", "csv".
const char* data_format_name(DataFormat format);

struct ExampleReaderOptions {
  DataFormat format = DataFormat::kAuto;
  /// Rows without id get "row-1", "row-2", …; without this they are an error.
  bool number_missing_ids = true;
};

/// Examples of one file, in order.
///
/// Errors name the file and the line or id, and what was expected there. After an error the stream is over.
/// Memory: JSONL and CSV one row at a time; nested and flat JSON once the file's size, and one paragraph at a time.
class ExampleReader {
 public:
  virtual ~ExampleReader() = default;
  /// The next example; nullopt at the end.
  virtual Result<std::optional<Example>> next() = 0;
  virtual DataFormat format() const = 0;
  /// Value of "version" in a SQuAD file ("1.1", "v2.0"); empty elsewhere, and before the first next().
  virtual const std::string& version() const = 0;
  /// Share of the file read, 0 to 1, for progress bars.
  virtual double progress() const = 0;

  static Result<std::unique_ptr<ExampleReader>> open(const std::filesystem::path& path,
                                                     const ExampleReaderOptions& options = {});
  /// Reads JSONL from an open stream (standard input). `name` stands in messages. The stream must outlive the reader.
  static std::unique_ptr<ExampleReader> from_jsonl(std::istream& stream, std::string name,
                                                   const ExampleReaderOptions& options = {});
};

/// All examples of a file in memory, at most `limit` of them (0: all).
Result<std::vector<Example>> read_examples(const std::filesystem::path& path, std::size_t limit = 0,
                                           const ExampleReaderOptions& options = {});

}  // namespace spanqa

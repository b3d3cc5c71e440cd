// The one way in for examples: SQuAD v1.1 and v2.0, flat JSON, JSONL and CSV, as a stream.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/example.h"

namespace spanqa {

enum class DataFormat : std::uint8_t {
  kAuto,   // by first bytes, then by extension
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
  /// Asked ten times a second while a pipe named by its path is waited for; its error ends the wait and is returned.
  std::function<Status()> cancelled = {};
};

/// Examples of one file, in order.
///
/// Rows (flat JSON, JSONL, CSV) and SQuAD questions give golds as `answers`: {"text": [], "answer_start": []},
/// [{"text", "answer_start"}] or ["text"]; or as `answer` (CSV: answer_text) and `answer_start`. No such field, or
/// null, means no golds were given; an empty list, or an empty `answer`, means unanswerable. Numbers as ids become
/// text. Of keys that stand twice the last one counts. Unknown keys are passed over.
///
/// Errors name the file and the line or id, and what was expected there. After an error the stream is over. Nested and
/// flat JSON that is cut off fails in open(). Text that is not UTF-8 is an error; \u escapes of lone surrogates are
/// read as U+FFFD. The file is read, not mapped: one that shrinks meanwhile is an error. Memory: JSONL and CSV one row
/// (at most 64 MB) at a time; nested and flat JSON once the file's size, 32 bytes for each paragraph or row, and one of
/// them parsed. Consecutive examples of equal context share its string. Threads: one at a time.
class ExampleReader {
 public:
  virtual ~ExampleReader() = default;
  /// The next example; nullopt at the end.
  virtual Result<std::optional<Example>> next() = 0;
  /// True when next() would wait for whoever writes the pipe or the stream: time to hand on what came of the rows
  /// before. Only JSONL, whose rows can be told apart as they come, ever says so. Reads what is there of the next row.
  virtual bool would_wait() { return false; }
  virtual DataFormat format() const = 0;
  /// Value of "version" in a SQuAD file ("1.1", "v2.0"), wherever it stands in the file; empty elsewhere.
  virtual const std::string& version() const = 0;
  /// Share of the file read, 0 to 1, for progress bars; 0 until the end where the size is unknown (streams).
  virtual double progress() const = 0;

  static Result<std::unique_ptr<ExampleReader>> open(const std::filesystem::path& path,
                                                     const ExampleReaderOptions& options = {});
  /// Reads JSONL from an open stream (standard input), no further than the row asked for. `name` stands in messages.
  /// The stream must outlive the reader.
  static std::unique_ptr<ExampleReader> from_jsonl(std::istream& stream, std::string name,
                                                   const ExampleReaderOptions& options = {});
};

/// All examples of a file in memory, at most `limit` of them (0: all).
Result<std::vector<Example>> read_examples(const std::filesystem::path& path, std::size_t limit = 0,
                                           const ExampleReaderOptions& options = {});

}  // namespace spanqa

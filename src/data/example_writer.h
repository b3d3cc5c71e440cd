// The one way out for examples: the four formats that ExampleReader reads.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/result.h"
#include "data/example.h"
#include "data/example_reader.h"

namespace spanqa {

struct ExampleWriterOptions {
  /// kAuto: by the extension of the path (.jsonl, .ndjson and .csv; else nested SQuAD), JSONL for a sink.
  DataFormat format = DataFormat::kAuto;
  /// "version" of a nested file. One that begins with "v2" or "2" carries is_impossible for every question with golds.
  std::string version = "v2.0";
};

/// Writes examples as they come; memory for one of them.
///
/// Nested SQuAD puts consecutive examples of equal title into one article, of equal title and context into one
/// paragraph. Flat JSON is {"data": [rows]}, JSONL one row a line; a row has id, title, question, context and answers
/// as
/// {"text": [], "answer_start": []}, without answers where no golds were given. CSV has the same columns, `answers` as
/// JSON in one cell. Everything outside ASCII is escaped in JSON and written as it is in CSV; bytes that are not UTF-8
/// become U+FFFD. What is written reads back equal, but for `where`, is_impossible (kept in version 2 only, where the
/// golds give it) and, in CSV, empty ids.
///
/// Order of calls: create or to_sink, any number of write, finish once. A file appears on finish(), whole; without it,
/// or after an error, nothing does.
class ExampleWriter {
 public:
  using Sink = std::function<Status(std::string_view)>;

  static Result<ExampleWriter> create(const std::filesystem::path& path, const ExampleWriterOptions& options = {});
  /// Hands the bytes to `sink`, in pieces. Its first error ends the writing.
  static ExampleWriter to_sink(Sink sink, const ExampleWriterOptions& options = {});

  Status write(const Example& example);
  /// Closes the brackets and commits the file.
  Status finish();

  DataFormat format() const { return options_.format; }

 private:
  ExampleWriter(std::optional<AtomicFile> file, Sink sink, ExampleWriterOptions options);

  Status emit();
  void append_nested(const Example& example);
  void append_article_end();
  void append_preamble();

  std::optional<AtomicFile> file_;
  Sink sink_;
  ExampleWriterOptions options_;
  bool carries_impossible_ = false;
  std::size_t n_written_ = 0;
  std::string out_;
  std::string title_;  // of the open article
  std::shared_ptr<const std::string> context_;
};

}  // namespace spanqa

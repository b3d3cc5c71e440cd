// One question as a file gives it, from JSON or from columns, and how it becomes an Example.
#pragma once

#include <simdjson.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/example.h"
#include "data/example_reader.h"

namespace spanqa {

/// Views point into the parser's or the reader's buffer.
struct FlatRow {
  std::optional<std::string> id;
  std::optional<std::string_view> question;
  std::optional<std::string_view> context;
  std::optional<std::string_view> title;
  std::vector<GoldAnswer> answers;
  bool has_answers_field = false;
  std::optional<bool> is_impossible;
};

/// Parses one JSON value at a time into memory that is used again.
class JsonValueParser {
 public:
  /// `text` must be followed by Input::kPadding readable bytes; escapes of lone surrogates in it are replaced.
  /// Nothing when it is not JSON: explain_json_fault tells why. The value lives until the next call.
  std::optional<simdjson::dom::element> parse(char* text, std::size_t size);

 private:
  simdjson::dom::parser parser_;
};

/// "a number", "an object", … for messages.
const char* describe(simdjson::dom::element element);

/// Text of a string; an error that names `field` for anything else.
Result<std::string_view> string_of(simdjson::dom::element element, std::string_view field);

/// Reads the fields of a row or of a SQuAD question; unknown ones are passed over. Errors come without a place.
Result<FlatRow> read_json_row(simdjson::dom::element element);

/// Reads any of the forms of `answers`: {"text": [..], "answer_start": [..]}, [{"text", "answer_start"}], ["text"].
Result<std::vector<GoldAnswer>> read_json_answers(simdjson::dom::element element);

/// Makes examples of rows: numbers those without id, and lets consecutive rows of equal context share one string.
class RowAssembler {
 public:
  explicit RowAssembler(const ExampleReaderOptions& options) : options_(options) {}

  /// All but `where`. Errors come without a place.
  Result<Example> assemble(FlatRow row);
  /// For questions that stand below their context.
  Result<Example> assemble(FlatRow row, std::shared_ptr<const std::string> context);

 private:
  ExampleReaderOptions options_;
  std::size_t n_rows_ = 0;
  std::shared_ptr<const std::string> context_;
};

}  // namespace spanqa

// CSV with a header line that names the columns.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/utf8.h"
#include "data/internal/csv_table.h"
#include "data/internal/flat_row.h"
#include "data/internal/json_text_scan.h"
#include "data/internal/readers.h"
#include "data/internal/text_measure.h"

namespace spanqa {
namespace {

enum Column : std::uint8_t { kId, kQuestion, kContext, kTitle, kAnswer, kStart, kAnswers, kImpossible, kColumns };

/// Header names; `answer` and `text` are what other tools call answer_text.
struct ColumnName {
  std::string_view name;
  Column column;
};
constexpr ColumnName kColumnNames[] = {
    {"id", kId},           {"question", kQuestion},        {"context", kContext}, {"title", kTitle},
    {"answer", kAnswer},   {"answer_text", kAnswer},       {"text", kAnswer},     {"answer_start", kStart},
    {"answers", kAnswers}, {"is_impossible", kImpossible},
};

/// Where each column stands in a record.
using Columns = std::array<std::optional<std::size_t>, kColumns>;

std::string lower_ascii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

Columns find_columns(const std::vector<std::string_view>& header) {
  Columns columns;
  for (std::size_t i = 0; i < header.size(); ++i) {
    const std::string name = lower_ascii(trim_blanks(header[i]));
    for (const ColumnName& known : kColumnNames) {
      if (name == known.name && !columns[known.column]) columns[known.column] = i;
    }
  }
  return columns;
}

Result<std::int64_t> read_start(std::string_view cell) {
  const std::string_view text = trim_blanks(cell);
  if (text.empty()) return std::int64_t{-1};
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  const std::string_view rest(stop, static_cast<std::size_t>(end - stop));
  // pandas writes whole numbers of a column with gaps as 17.0
  if (code == std::errc() && (rest.empty() || rest == ".0")) return value;
  return fail(ErrorCode::kCorrupt, fmt::format("answer_start: expected a whole number; found \"{}\"", text));
}

std::optional<bool> read_bool(std::string_view cell) {
  const std::string text = lower_ascii(trim_blanks(cell));
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return std::nullopt;
}

class CsvReader : public ExampleReader {
 public:
  CsvReader(CsvTable table, Columns columns, std::size_t n_columns, const ExampleReaderOptions& options)
      : table_(std::move(table)), columns_(columns), n_columns_(n_columns), assembler_(options) {}

  Result<std::optional<Example>> next() override {
    if (is_over_) return std::optional<Example>();
    Result<std::optional<Example>> example = read();
    is_over_ = !example || !*example;
    return example;
  }

  DataFormat format() const override { return DataFormat::kCsv; }
  const std::string& version() const override { return version_; }
  double progress() const override { return is_over_ ? 1.0 : table_.input().progress(); }

 private:
  Result<std::optional<Example>> read() {
    SPANQA_ASSIGN(const bool found, table_.next(fields_));
    if (!found) return std::optional<Example>();
    Result<FlatRow> row = read_row();
    if (!row) return wrong(row.error().message);
    Result<Example> example = assembler_.assemble(std::move(*row));
    if (!example) return wrong(example.error().message);
    example->where = fmt::format("{}:{}", table_.input().name(), table_.line());
    return std::optional<Example>(std::move(*example));
  }

  tl::unexpected<Error> wrong(const std::string& message) const {
    return fail(ErrorCode::kCorrupt, fmt::format("{}:{}: {}", table_.input().name(), table_.line(), message));
  }

  std::optional<std::string_view> cell(Column column) const {
    const auto place = columns_[column];
    return place ? std::optional<std::string_view>(fields_[*place]) : std::nullopt;
  }

  Status check_fields() const {
    if (fields_.size() != n_columns_) {
      return fail(ErrorCode::kCorrupt,
                  fmt::format("expected {} fields as in the header; found {}{}", n_columns_, fields_.size(),
                              fields_.size() > n_columns_ ? "; are fields with commas quoted?" : ""));
    }
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      const std::size_t place = find_ill_formed_utf8(fields_[i]);
      if (place == fields_[i].size()) continue;
      return fail(ErrorCode::kCorrupt, fmt::format("field {}, byte {}: 0x{:02X} is not UTF-8; save the file as UTF-8",
                                                   i + 1, place + 1, static_cast<std::uint8_t>(fields_[i][place])));
    }
    return {};
  }

  Result<FlatRow> read_row() {
    SPANQA_TRY(check_fields());
    FlatRow row;
    if (const auto id = cell(kId); id && !id->empty()) row.id = std::string(*id);
    row.question = cell(kQuestion);
    row.context = cell(kContext);
    row.title = cell(kTitle);
    if (const auto flag = cell(kImpossible)) row.is_impossible = read_bool(*flag);
    if (const auto answers = cell(kAnswers); answers && !is_blank_text(*answers)) {
      SPANQA_ASSIGN(row.answers, read_answers(*answers));
      row.has_answers_field = true;
    } else if (const auto answer = cell(kAnswer)) {
      row.has_answers_field = true;
      const std::string_view start_cell = cell(kStart).value_or("");
      SPANQA_ASSIGN(const std::int64_t start, read_start(start_cell));
      if (!answer->empty()) row.answers.push_back({std::string(*answer), start});
    }
    return row;
  }

  Result<std::vector<GoldAnswer>> read_answers(std::string_view text) {
    std::string padded(text);
    padded.resize(text.size() + Input::kPadding);
    const auto value = parser_.parse(padded.data(), text.size());
    if (value) return read_json_answers(*value);
    const bool is_python = text.find('\'') != std::string_view::npos;
    return fail(ErrorCode::kCorrupt, fmt::format("answers: byte {}: {}{}", explain_json_fault(text).offset + 1,
                                                 explain_json_fault(text).message,
                                                 is_python ? "; a Python dict must be written with json.dumps" : ""));
  }

  CsvTable table_;
  Columns columns_;
  std::size_t n_columns_;
  RowAssembler assembler_;
  JsonValueParser parser_;
  std::vector<std::string_view> fields_;
  std::string version_;
  bool is_over_ = false;
};

}  // namespace

Result<std::unique_ptr<ExampleReader>> open_csv(Input input, const ExampleReaderOptions& options) {
  SPANQA_TRY(input.fill(4));
  skip_byte_order_mark(input);
  if (input.available().starts_with('{') || input.available().starts_with('[')) {
    return fail(ErrorCode::kCorrupt, fmt::format("{}: expected a header line of CSV; found JSON", input.name()));
  }
  CsvTable table(std::move(input));
  std::vector<std::string_view> header;
  SPANQA_ASSIGN(const bool found, table.next(header));
  const std::string& name = table.input().name();
  if (!found) return fail(ErrorCode::kCorrupt, fmt::format("{}: empty; expected a header line", name));
  const Columns columns = find_columns(header);
  if (columns[kQuestion] && columns[kContext]) {
    return std::make_unique<CsvReader>(std::move(table), columns, header.size(), options);
  }
  const bool other_separator = header.size() == 1 && header[0].find_first_of(";\t") != std::string_view::npos;
  return fail(ErrorCode::kCorrupt,
              fmt::format("{}:{}: expected a header with question and context (and id, answer_text, answer_start, or "
                          "answers as JSON); found \"{}\"{}",
                          name, table.line(), to_valid_utf8(fmt::format("{}", fmt::join(header, ","))).substr(0, 120),
                          other_separator ? "; columns must be separated by commas" : ""));
}

}  // namespace spanqa

#include "data/internal/flat_row.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "base/json_text.h"
#include "data/internal/json_text_scan.h"

namespace spanqa {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

/// Doubles beyond this are not whole numbers of their own any more (2^53).
constexpr double kMaxExact = 9007199254740992.0;

/// The value as a T, which it must be. Its result's value_unsafe() would dangle in a range-for.
template <typename T>
T unwrap(element value) {
  T out{};
  SPANQA_CHECK(value.get<T>().get(out) == simdjson::SUCCESS);
  return out;
}

constexpr std::size_t kMaxKeysNamed = 5;

tl::unexpected<Error> expected(std::string_view field, const char* what, element found) {
  return fail(ErrorCode::kCorrupt, fmt::format("{}: expected {}; found {}", field, what, describe(found)));
}

Result<std::string> read_id(element value) {
  if (value.is_string()) return std::string(unwrap<std::string_view>(value));
  if (value.is_int64()) return fmt::format("{}", unwrap<std::int64_t>(value));
  if (value.is_uint64()) return fmt::format("{}", unwrap<std::uint64_t>(value));
  if (value.is_double()) return json_number(unwrap<double>(value));
  return expected("id", "a string or a number", value);
}

/// A whole number; pandas writes columns with gaps as 17.0.
Result<std::int64_t> read_start(element value) {
  if (value.is_int64()) return unwrap<std::int64_t>(value);
  if (value.is_null()) return std::int64_t{-1};
  if (value.is_double()) {
    const double number = unwrap<double>(value);
    if (std::floor(number) == number && std::abs(number) < kMaxExact) return static_cast<std::int64_t>(number);
  }
  return expected("answer_start", "a whole number (code points from the start of the context)", value);
}

Result<std::vector<std::string_view>> read_texts(element value) {
  std::vector<std::string_view> texts;
  if (value.is_string()) {
    texts.push_back(unwrap<std::string_view>(value));
    return texts;
  }
  if (!value.is_array()) return expected("answers.text", "an array of strings", value);
  for (const element item : unwrap<simdjson::dom::array>(value)) {
    SPANQA_ASSIGN(const std::string_view text, string_of(item, "answers.text"));
    texts.push_back(text);
  }
  return texts;
}

Result<std::vector<std::int64_t>> read_starts(element value) {
  std::vector<std::int64_t> starts;
  if (!value.is_array()) {
    SPANQA_ASSIGN(const std::int64_t start, read_start(value));
    starts.push_back(start);
    return starts;
  }
  for (const element item : unwrap<simdjson::dom::array>(value)) {
    SPANQA_ASSIGN(const std::int64_t start, read_start(item));
    starts.push_back(start);
  }
  return starts;
}

/// Appends texts with their starts; -1 for all where there are none.
Status append_pairs(element text_value, std::optional<element> start_value, std::vector<GoldAnswer>& answers) {
  SPANQA_ASSIGN(const std::vector<std::string_view> texts, read_texts(text_value));
  std::vector<std::int64_t> starts(texts.size(), -1);
  if (start_value && !start_value->is_null()) {
    SPANQA_ASSIGN(starts, read_starts(*start_value));
  }
  if (starts.size() != texts.size()) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("answers: {} texts but {} values of answer_start; expected one for each", texts.size(),
                            starts.size()));
  }
  for (std::size_t i = 0; i < texts.size(); ++i) answers.push_back({std::string(texts[i]), starts[i]});
  return {};
}

/// Appends {"text": …, "answer_start": …}, of scalars or of arrays.
Status append_answer_object(element object, std::vector<GoldAnswer>& answers) {
  std::optional<element> text;
  std::optional<element> start;
  for (const auto field : unwrap<simdjson::dom::object>(object)) {
    if (field.key == "text") text = field.value;
    if (field.key == "answer_start") start = field.value;
  }
  if (!text) {
    return fail(ErrorCode::kCorrupt, "answers: expected an object with text and answer_start; found one without text");
  }
  if (text->is_string() && start && !start->is_array()) {  // the form of SQuAD, which has ten thousands of them
    SPANQA_ASSIGN(const std::int64_t offset, read_start(*start));
    answers.push_back({std::string(unwrap<std::string_view>(*text)), offset});
    return {};
  }
  return append_pairs(*text, start, answers);
}

/// Fields of a row whose meaning depends on each other.
struct AnswerFields {
  std::optional<element> answers;
  std::optional<element> answer;
  std::optional<element> answer_start;
};

Status read_answers(const AnswerFields& fields, FlatRow& row) {
  if (fields.answers && !fields.answers->is_null()) {
    SPANQA_ASSIGN(row.answers, read_json_answers(*fields.answers));
    row.has_answers_field = true;
    return {};
  }
  if (!fields.answer || fields.answer->is_null()) return {};
  row.has_answers_field = true;
  if (fields.answer->is_string() && unwrap<std::string_view>(*fields.answer).empty()) return {};  // unanswerable
  if (fields.answer->is_object()) return append_answer_object(*fields.answer, row.answers);
  return append_pairs(*fields.answer, fields.answer_start, row.answers);
}

Status read_text_field(std::string_view key, element value, std::optional<std::string_view>& field) {
  if (value.is_null()) return {};
  SPANQA_ASSIGN(field, string_of(value, key));
  return {};
}

Status read_field(std::string_view key, element value, FlatRow& row, AnswerFields& answers) {
  if (key == "question") return read_text_field(key, value, row.question);
  if (key == "context") return read_text_field(key, value, row.context);
  if (key == "title") return read_text_field(key, value, row.title);
  if (key == "answers") answers.answers = value;
  if (key == "answer" || key == "answer_text") answers.answer = value;
  if (key == "answer_start") answers.answer_start = value;
  if (key == "is_impossible" && value.is_bool()) row.is_impossible = unwrap<bool>(value);
  if (key == "id" && !value.is_null()) {
    SPANQA_ASSIGN(row.id, read_id(value));
  }
  return {};
}

tl::unexpected<Error> no_row(element object) {
  std::string names;
  std::size_t n_names = 0;
  for (const auto field : unwrap<simdjson::dom::object>(object)) {
    if (n_names++ < kMaxKeysNamed) names += fmt::format("{}{}", names.empty() ? "" : ", ", field.key);
  }
  return fail(ErrorCode::kCorrupt, fmt::format("expected an object with question and context; found one with {}{}",
                                               n_names == 0 ? "no keys" : names, n_names > kMaxKeysNamed ? ", …" : ""));
}

}  // namespace

std::optional<element> JsonValueParser::parse(char* text, std::size_t size) {
  replace_lone_surrogates(text, size);
  element value;
  if (parser_.parse(text, size, /*realloc_if_needed=*/false).get(value) != simdjson::SUCCESS) return std::nullopt;
  return value;
}

const char* describe(element value) {
  switch (value.type()) {
    case element_type::ARRAY:
      return "an array";
    case element_type::OBJECT:
      return "an object";
    case element_type::STRING:
      return "a string";
    case element_type::BOOL:
      return unwrap<bool>(value) ? "true" : "false";
    case element_type::NULL_VALUE:
      return "null";
    default:
      return "a number";
  }
}

Result<std::string_view> string_of(element value, std::string_view field) {
  if (!value.is_string()) return expected(field, "a string", value);
  return unwrap<std::string_view>(value);
}

Result<FlatRow> read_json_row(element value) {
  if (!value.is_object()) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("expected an object with question and context; found {}", describe(value)));
  }
  FlatRow row;
  AnswerFields answers;
  for (const auto field : unwrap<simdjson::dom::object>(value))
    SPANQA_TRY(read_field(field.key, field.value, row, answers));
  if (!row.question && !row.context) return no_row(value);
  SPANQA_TRY(read_answers(answers, row));
  return row;
}

Result<std::vector<GoldAnswer>> read_json_answers(element value) {
  std::vector<GoldAnswer> answers;
  if (value.is_object()) {
    SPANQA_TRY(append_answer_object(value, answers));
    return answers;
  }
  if (!value.is_array()) {
    return expected("answers", "an array of objects with text and answer_start, or an object of two arrays", value);
  }
  for (const element item : unwrap<simdjson::dom::array>(value)) {
    SPANQA_TRY(item.is_object() ? append_answer_object(item, answers) : append_pairs(item, std::nullopt, answers));
  }
  return answers;
}

Result<Example> RowAssembler::assemble(FlatRow row) {
  if (!row.context) return fail(ErrorCode::kCorrupt, "expected a context beside the question; found none");
  if (!context_ || *context_ != *row.context) context_ = std::make_shared<const std::string>(*row.context);
  return assemble(std::move(row), context_);
}

Result<Example> RowAssembler::assemble(FlatRow row, std::shared_ptr<const std::string> context) {
  ++n_rows_;
  if (!row.question) return fail(ErrorCode::kCorrupt, "expected a question; found none");
  if (!row.id) {
    if (!options_.number_missing_ids) return fail(ErrorCode::kCorrupt, "expected an id; found none");
    row.id = fmt::format("row-{}", n_rows_);
  }
  Example example;
  example.id = std::move(*row.id);
  example.question = *row.question;
  example.context = std::move(context);
  example.answers = std::move(row.answers);
  example.has_answers_field = row.has_answers_field;
  example.is_impossible = row.is_impossible;
  if (row.title) example.title = *row.title;
  return example;
}

}  // namespace spanqa

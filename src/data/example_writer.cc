#include "data/example_writer.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "base/check.h"
#include "base/json_text.h"
#include "base/utf8.h"

namespace spanqa {
namespace {

constexpr std::string_view kCsvHeader = "id,title,question,context,answers\r\n";

DataFormat format_of(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  if (extension == ".jsonl" || extension == ".ndjson" || extension == ".jsonlines") return DataFormat::kJsonl;
  return extension == ".csv" ? DataFormat::kCsv : DataFormat::kSquad;
}

void append_key(std::string& out, std::string_view key) {
  if (out.back() != '{') out += ", ";
  append_json_string(out, key);
  out += ": ";
}

void append_field(std::string& out, std::string_view key, std::string_view value) {
  append_key(out, key);
  append_json_string(out, value);
}

/// {"text": [..], "answer_start": [..]}
void append_column_answers(std::string& out, const std::vector<GoldAnswer>& answers) {
  out += "{\"text\": [";
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (i > 0) out += ", ";
    append_json_string(out, answers[i].text);
  }
  out += "], \"answer_start\": [";
  for (std::size_t i = 0; i < answers.size(); ++i) {
    fmt::format_to(std::back_inserter(out), "{}{}", i > 0 ? ", " : "", answers[i].start);
  }
  out += "]}";
}

/// [{"text": .., "answer_start": ..}], without the start where none is known.
void append_listed_answers(std::string& out, const std::vector<GoldAnswer>& answers) {
  out += '[';
  for (std::size_t i = 0; i < answers.size(); ++i) {
    out += i > 0 ? ", {" : "{";
    append_field(out, "text", answers[i].text);
    if (answers[i].start != -1) fmt::format_to(std::back_inserter(out), ", \"answer_start\": {}", answers[i].start);
    out += '}';
  }
  out += ']';
}

void append_row(std::string& out, const Example& example) {
  out += '{';
  append_field(out, "id", example.id);
  append_field(out, "title", example.title);
  append_field(out, "question", example.question);
  append_field(out, "context", *example.context);
  if (example.has_answers_field) {
    append_key(out, "answers");
    append_column_answers(out, example.answers);
  }
  out += '}';
}

void append_cell(std::string& out, std::string_view text) {
  const std::string valid = to_valid_utf8(text);
  if (valid.find_first_of(",\"\r\n") == std::string::npos) {
    out += valid;
    return;
  }
  out += '"';
  for (const char c : valid) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

void append_record(std::string& out, const Example& example) {
  for (const std::string_view text : {std::string_view(example.id), std::string_view(example.title),
                                      std::string_view(example.question), std::string_view(*example.context)}) {
    append_cell(out, text);
    out += ',';
  }
  if (example.has_answers_field) {
    std::string answers;
    append_column_answers(answers, example.answers);
    append_cell(out, answers);
  }
  out += "\r\n";
}

}  // namespace

ExampleWriter::ExampleWriter(std::optional<AtomicFile> file, Sink sink, ExampleWriterOptions options)
    : file_(std::move(file)), sink_(std::move(sink)), options_(std::move(options)) {
  carries_impossible_ = options_.version.starts_with("v2") || options_.version.starts_with("2");
}

Result<ExampleWriter> ExampleWriter::create(const std::filesystem::path& path, const ExampleWriterOptions& options) {
  SPANQA_ASSIGN(AtomicFile file, AtomicFile::create(path));
  ExampleWriterOptions known = options;
  if (known.format == DataFormat::kAuto) known.format = format_of(path);
  return ExampleWriter(std::move(file), nullptr, std::move(known));
}

ExampleWriter ExampleWriter::to_sink(Sink sink, const ExampleWriterOptions& options) {
  ExampleWriterOptions known = options;
  if (known.format == DataFormat::kAuto) known.format = DataFormat::kJsonl;
  return ExampleWriter(std::nullopt, std::move(sink), std::move(known));
}

Status ExampleWriter::emit() {
  Status status = file_ ? file_->write(out_) : sink_(out_);
  out_.clear();
  return status;
}

void ExampleWriter::append_preamble() {
  if (options_.format == DataFormat::kSquad) {
    out_ += '{';
    append_field(out_, "version", options_.version);
    out_ += ", \"data\": [";
  }
  if (options_.format == DataFormat::kJson) out_ += "{\"data\": [";
  if (options_.format == DataFormat::kCsv) out_ += kCsvHeader;
}

void ExampleWriter::append_article_end() {
  if (context_) out_ += "]}]}";  // questions, paragraph, paragraphs, article
}

void ExampleWriter::append_nested(const Example& example) {
  const bool same_article = context_ && title_ == example.title;
  const bool same_paragraph = same_article && (context_ == example.context || *context_ == *example.context);
  if (!same_article) {
    append_article_end();
    out_ += n_written_ > 0 ? ",\n{" : "\n{";
    append_field(out_, "title", example.title);
    out_ += ", \"paragraphs\": [";
  } else if (!same_paragraph) {
    out_ += "]}, ";
  }
  if (same_paragraph) {
    out_ += ", {";
  } else {
    out_ += '{';
    append_field(out_, "context", *example.context);
    out_ += ", \"qas\": [{";
  }
  append_field(out_, "id", example.id);
  append_field(out_, "question", example.question);
  if (example.has_answers_field) {
    append_key(out_, "answers");
    append_listed_answers(out_, example.answers);
    if (carries_impossible_)
      out_ += example.answers.empty() ? ", \"is_impossible\": true" : ", \"is_impossible\": false";
  }
  out_ += '}';
  title_ = example.title;
  context_ = example.context;
}

Status ExampleWriter::write(const Example& example) {
  SPANQA_CHECK(example.context != nullptr);
  if (n_written_ == 0) append_preamble();
  switch (options_.format) {
    case DataFormat::kJson:
      out_ += n_written_ > 0 ? ",\n" : "\n";
      append_row(out_, example);
      break;
    case DataFormat::kJsonl:
      append_row(out_, example);
      out_ += '\n';
      break;
    case DataFormat::kCsv:
      append_record(out_, example);
      break;
    default:
      append_nested(example);
  }
  ++n_written_;
  return emit();
}

Status ExampleWriter::finish() {
  if (n_written_ == 0) append_preamble();
  if (options_.format == DataFormat::kSquad) append_article_end();
  if (options_.format == DataFormat::kSquad || options_.format == DataFormat::kJson) out_ += "\n]}\n";
  SPANQA_TRY(emit());
  return file_ ? file_->commit() : Status();
}

}  // namespace spanqa

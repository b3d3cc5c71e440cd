// Nested SQuAD and flat JSON: files read whole and handed out piece by piece.
#include <fmt/format.h>

#include <utility>

#include "data/internal/json_index.h"
#include "data/internal/readers.h"

namespace spanqa {
namespace {

using simdjson::dom::element;

/// A file in memory with the places of its pieces.
struct JsonFile {
  Input input;
  JsonIndex index;
};

/// What both formats share: the pieces in order, errors with their place, the share done.
class JsonPieces {
 public:
  explicit JsonPieces(JsonFile file) : file_(std::move(file)) {}

  bool done() const { return next_ >= file_.index.pieces.size(); }
  const JsonIndex& index() const { return file_.index; }
  const std::string& name() const { return file_.input.name(); }
  /// The piece parsed last.
  const JsonPiece& piece() const { return file_.index.pieces[next_ - 1]; }
  void stop() { next_ = file_.index.pieces.size(); }

  /// Parses the next piece; done() must be false.
  Result<element> parse_next() {
    const JsonSlice slice = file_.index.pieces[next_++].slice;
    const auto value = parser_.parse(file_.input.data() + slice.begin, slice.end - slice.begin);
    if (value) return *value;
    const std::string_view text = file_.input.available();
    const JsonFault fault = explain_json_fault(text.substr(slice.begin, slice.end - slice.begin));
    return wrong(fault.message, slice.begin + fault.offset);
  }

  std::string path() const {
    const JsonPiece& here = piece();
    if (index().format == DataFormat::kJson) return fmt::format("{}[{}]", index().array, here.number);
    return fmt::format("{}[{}].paragraphs[{}]", index().array, here.article, here.number);
  }

  tl::unexpected<Error> wrong(const std::string& message, std::size_t offset) const {
    return fail(ErrorCode::kCorrupt,
                fmt::format("{}: {}, {}: {}", name(), path(), place_of(file_.input.available(), offset), message));
  }
  tl::unexpected<Error> wrong(const std::string& message) const { return wrong(message, piece().slice.begin); }

  double progress() const {
    if (done()) return 1.0;
    const std::size_t size = file_.input.available().size();
    return next_ == 0 ? 0.0 : static_cast<double>(piece().slice.begin) / static_cast<double>(size);
  }

 private:
  JsonFile file_;
  JsonValueParser parser_;
  std::size_t next_ = 0;
};

class FlatJsonReader : public ExampleReader {
 public:
  FlatJsonReader(JsonFile file, const ExampleReaderOptions& options) : pieces_(std::move(file)), assembler_(options) {}

  Result<std::optional<Example>> next() override {
    if (pieces_.done()) return std::optional<Example>();
    Result<Example> example = read();
    if (!example) {
      pieces_.stop();
      return tl::unexpected<Error>(std::move(example).error());
    }
    return std::optional<Example>(std::move(*example));
  }

  DataFormat format() const override { return DataFormat::kJson; }
  const std::string& version() const override { return pieces_.index().version; }
  double progress() const override { return pieces_.progress(); }

 private:
  Result<Example> read() {
    SPANQA_ASSIGN(const element value, pieces_.parse_next());
    Result<FlatRow> row = read_json_row(value);
    if (!row) return pieces_.wrong(row.error().message);
    Result<Example> example = assembler_.assemble(std::move(*row));
    if (!example) return pieces_.wrong(example.error().message);
    example->where = fmt::format("{}: question {}", pieces_.name(), example->id);
    return example;
  }

  JsonPieces pieces_;
  RowAssembler assembler_;
};

class SquadReader : public ExampleReader {
 public:
  SquadReader(JsonFile file, const ExampleReaderOptions& options) : pieces_(std::move(file)), assembler_(options) {}

  Result<std::optional<Example>> next() override {
    Result<std::optional<Example>> example = read();
    if (!example) {
      pieces_.stop();
      n_left_ = 0;
    }
    return example;
  }

  DataFormat format() const override { return DataFormat::kSquad; }
  const std::string& version() const override { return pieces_.index().version; }
  double progress() const override { return n_left_ > 0 && pieces_.done() ? 0.999 : pieces_.progress(); }

 private:
  Result<std::optional<Example>> read() {
    while (n_left_ == 0) {
      if (pieces_.done()) return std::optional<Example>();
      SPANQA_TRY(read_paragraph());
    }
    const element value = *question_;
    ++question_;
    --n_left_;
    Result<Example> example = read_question(value);
    ++number_;
    if (!example) return tl::unexpected<Error>(std::move(example).error());
    return std::optional<Example>(std::move(*example));
  }

  Status read_paragraph() {
    SPANQA_ASSIGN(const element value, pieces_.parse_next());
    std::string_view context;
    simdjson::dom::array questions;
    if (!value.is_object()) {
      return pieces_.wrong(fmt::format("expected an object with context and qas; found {}", describe(value)));
    }
    if (value["context"].get(context) != simdjson::SUCCESS) return pieces_.wrong("expected a context, a string");
    if (value["qas"].get(questions) != simdjson::SUCCESS) return pieces_.wrong("expected qas, an array of questions");
    context_ = std::make_shared<const std::string>(context);
    question_ = questions.begin();
    n_left_ = questions.size();
    // size() of an array saturates at 2^24 - 1 in simdjson's tape.
    if (n_left_ >= 0xFFFFFF) n_left_ = static_cast<std::size_t>(std::distance(questions.begin(), questions.end()));
    number_ = 0;
    return {};
  }

  Result<Example> read_question(element value) {
    Result<FlatRow> row = read_json_row(value);
    if (!row) return wrong_question(value, row.error().message);
    row->title = pieces_.index().titles[pieces_.piece().article];
    Result<Example> example = assembler_.assemble(std::move(*row), context_);
    if (!example) return wrong_question(value, example.error().message);
    example->where = fmt::format("{}: question {}", pieces_.name(), example->id);
    return example;
  }

  tl::unexpected<Error> wrong_question(element value, const std::string& message) const {
    std::string_view id;
    const bool has_id = value["id"].get(id) == simdjson::SUCCESS;
    return fail(ErrorCode::kCorrupt, fmt::format("{}: {}.qas[{}]{}: {}", pieces_.name(), pieces_.path(), number_,
                                                 has_id ? fmt::format(" (question {})", id) : "", message));
  }

  JsonPieces pieces_;
  RowAssembler assembler_;
  std::shared_ptr<const std::string> context_;
  simdjson::dom::array::iterator question_;
  std::size_t n_left_ = 0;  // questions of the paragraph not handed out
  std::size_t number_ = 0;  // of the question within the paragraph
};

}  // namespace

Result<std::unique_ptr<ExampleReader>> open_json(Input input, const ExampleReaderOptions& options) {
  SPANQA_TRY(input.read_all());
  skip_byte_order_mark(input);
  JsonValueParser parser;
  SPANQA_ASSIGN(JsonIndex index, index_json(input, parser));
  const bool is_squad = index.format == DataFormat::kSquad;
  if (options.format == DataFormat::kSquad && !is_squad && !index.pieces.empty()) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("{}: expected articles with paragraphs (squad); found flat rows, which are format json",
                            input.name()));
  }
  if (options.format == DataFormat::kJson && is_squad && !index.pieces.empty()) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("{}: expected flat rows (json); found articles with paragraphs, which are format squad",
                            input.name()));
  }
  if (options.format == DataFormat::kJson) index.format = DataFormat::kJson;
  if (options.format == DataFormat::kSquad) index.format = DataFormat::kSquad;
  JsonFile file{std::move(input), std::move(index)};
  if (file.index.format == DataFormat::kSquad) return std::make_unique<SquadReader>(std::move(file), options);
  return std::make_unique<FlatJsonReader>(std::move(file), options);
}

}  // namespace spanqa

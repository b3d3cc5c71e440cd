#include "data/internal/json_index.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

namespace spanqa {
namespace {

using simdjson::dom::element;
using Step = JsonScanner::Step;

constexpr std::size_t kMaxKeysNamed = 5;

/// What a file without `data` holds, to say what it may be.
struct TopKeys {
  std::vector<std::string> names;  // the first kMaxKeysNamed
  std::size_t n_keys = 0;
  std::size_t n_texts = 0;   // keys whose value is a string
  bool has_own_key = false;  // one that stands in files of examples

  void add(std::string_view name, bool is_text) {
    if (n_keys++ < kMaxKeysNamed) names.emplace_back(name);
    n_texts += is_text ? 1 : 0;
    has_own_key = has_own_key || name == "question" || name == "context" || name == "paragraphs" || name == "version";
  }
};

/// Walks one file. Every function returns an error that names the file and the place.
class Indexer {
 public:
  Indexer(Input& input, JsonValueParser& parser)
      : input_(input), parser_(parser), text_(input.available()), scanner_(text_) {}

  Result<JsonIndex> run() {
    const char first = scanner_.peek();
    if (first == '[') {
      index_.array.clear();
      SPANQA_TRY(read_array());
    } else if (first == '{') {
      SPANQA_TRY(read_top());
    } else {
      return wrong(scanner_.offset(), "", "expected JSON, an object or an array; found neither '{' nor '['");
    }
    if (scanner_.peek() != '\0' || scanner_.offset() < text_.size()) return fault();
    return std::move(index_);
  }

 private:
  tl::unexpected<Error> wrong(std::size_t offset, const std::string& path, const std::string& message) const {
    return fail(ErrorCode::kCorrupt, fmt::format("{}: {}{}: {}", input_.name(), path.empty() ? "" : path + ", ",
                                                 place_of(text_, offset), message));
  }

  /// The scanner met something that is not JSON. The whole text is read again: the fault may lie before, within a value
  /// that was only stepped over.
  tl::unexpected<Error> fault() const {
    const JsonFault found = explain_json_fault(text_);
    return wrong(found.offset, "", found.message);
  }

  Result<element> parse(JsonSlice slice, const std::string& path) {
    const auto value = parser_.parse(input_.data() + slice.begin, slice.end - slice.begin);
    if (value) return *value;
    const JsonFault found = explain_json_fault(text_.substr(slice.begin, slice.end - slice.begin));
    return wrong(slice.begin + found.offset, path, found.message);
  }

  std::string path_of_article(std::size_t i) const { return fmt::format("{}[{}]", index_.array, i); }

  Status read_top() {
    JsonSlice value;
    std::string_view key;
    TopKeys keys;
    bool has_data = false;
    bool first = true;
    scanner_.take('{');
    while (true) {
      const Step step = scanner_.next_member(first, key);
      if (step == Step::kFault) return fault();
      if (step == Step::kEnd) break;
      if (key == "data" && scanner_.peek() == '[') {
        has_data = true;
        SPANQA_TRY(read_array());
        continue;
      }
      if (!scanner_.value(value)) return fault();
      SPANQA_ASSIGN(const element parsed, parse(value, std::string(key)));
      if (key == "data") {
        return wrong(value.begin, "data",
                     fmt::format("expected an array of articles or rows; found {}", describe(parsed)));
      }
      if (key == "version" && parsed.is_string()) index_.version = string_of(parsed, key).value();
      keys.add(key, parsed.is_string());
    }
    return has_data ? Status() : no_data(keys);
  }

  Status no_data(const TopKeys& keys) const {
    if (keys.n_keys > 0 && keys.n_texts == keys.n_keys && !keys.has_own_key) {
      return fail(ErrorCode::kCorrupt, fmt::format("{}: looks like a predictions file ({{id: answer}}); expected "
                                                   "questions with their contexts",
                                                   input_.name()));
    }
    return fail(
        ErrorCode::kCorrupt,
        fmt::format("{}: expected an object with data (articles or rows) or an array of rows; found an object "
                    "with {}{}",
                    input_.name(), keys.n_keys == 0 ? "no keys" : fmt::format("{}", fmt::join(keys.names, ", ")),
                    keys.n_keys > kMaxKeysNamed ? ", …" : ""));
  }

  /// Whether the object that comes next is an article. Looks ahead; anything unclear is left to the walk.
  bool next_is_article() const {
    JsonScanner ahead = scanner_;
    JsonSlice value;
    std::string_view key;
    bool first = true;
    if (!ahead.take('{')) return false;
    while (ahead.next_member(first, key) == Step::kItem) {
      if (key == "paragraphs") return true;
      if (key == "question" || key == "context" || !ahead.value(value)) return false;
    }
    return false;
  }

  Status read_array() {
    bool first = true;
    scanner_.take('[');
    for (std::size_t i = 0;; ++i) {
      const Step step = scanner_.next_element(first);
      if (step == Step::kFault) return fault();
      if (step == Step::kEnd) {
        if (i == 0 && index_.array.empty()) index_.format = DataFormat::kJson;
        return {};
      }
      if (i == 0) index_.format = next_is_article() ? DataFormat::kSquad : DataFormat::kJson;
      if (index_.format == DataFormat::kSquad) {
        SPANQA_TRY(read_article(i));
        continue;
      }
      JsonPiece piece{.slice = {}, .article = 0, .number = i};
      if (!scanner_.value(piece.slice)) return fault();
      index_.pieces.push_back(piece);
    }
  }

  Status read_article(std::size_t i) {
    std::string_view key;
    bool first = true;
    bool has_paragraphs = false;
    const std::size_t begin = scanner_.offset();
    index_.titles.emplace_back();
    if (scanner_.take('{')) {
      while (true) {
        const Step step = scanner_.next_member(first, key);
        if (step == Step::kFault) return fault();
        if (step == Step::kEnd) break;
        if (key == "paragraphs" && scanner_.take('[')) {
          has_paragraphs = true;
          SPANQA_TRY(read_paragraphs(i));
        } else {
          SPANQA_TRY(read_article_field(i, key));
        }
      }
    }
    if (has_paragraphs) return {};
    return wrong(begin, path_of_article(i), "expected an object with title and an array of paragraphs; found none");
  }

  Status read_article_field(std::size_t i, std::string_view key) {
    JsonSlice value;
    if (!scanner_.value(value)) return fault();
    SPANQA_ASSIGN(const element parsed, parse(value, path_of_article(i)));
    if (key != "title" || parsed.is_null()) return {};
    const Result<std::string_view> title = string_of(parsed, "title");
    if (!title) return wrong(value.begin, path_of_article(i), title.error().message);
    index_.titles[i] = *title;
    return {};
  }

  Status read_paragraphs(std::size_t article) {
    bool first = true;
    for (std::size_t i = 0;; ++i) {
      const Step step = scanner_.next_element(first);
      if (step == Step::kFault) return fault();
      if (step == Step::kEnd) return {};
      JsonPiece piece{.slice = {}, .article = article, .number = i};
      if (!scanner_.value(piece.slice)) return fault();
      index_.pieces.push_back(piece);
    }
  }

  Input& input_;
  JsonValueParser& parser_;
  std::string_view text_;
  JsonScanner scanner_;
  JsonIndex index_;
};

}  // namespace

Result<JsonIndex> index_json(Input& input, JsonValueParser& parser) { return Indexer(input, parser).run(); }

}  // namespace spanqa

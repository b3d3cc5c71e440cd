#include "qa/predictions_files.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/json_text.h"

namespace spanqa {
namespace {

/// One {"key": value, ...} file in Python's indented form.
class ObjectFile {
 public:
  explicit ObjectFile(AtomicFile file) : file_(std::move(file)) {}

  /// `value` is JSON, indented for its depth of one.
  Status add(std::string_view key, std::string_view value) {
    std::string text = is_empty_ ? "{\n    " : ",\n    ";
    is_empty_ = false;
    append_json_string(text, key);
    text += ": ";
    text += value;
    return file_.write(text);
  }
  Status finish() { return file_.write(is_empty_ ? "{}\n" : "\n}\n"); }
  AtomicFile& file() { return file_; }

 private:
  AtomicFile file_;
  bool is_empty_ = true;
};

void append_field(std::string& out, std::string_view key, double value) {
  fmt::format_to(std::back_inserter(out), "            \"{}\": ", key);
  append_json_number(out, value);
}

std::string n_best_json(std::span<const NBestEntry> entries) {
  if (entries.empty()) return "[]";
  std::string out = "[";
  for (const NBestEntry& entry : entries) {
    out += &entry == entries.data() ? "\n        {\n" : ",\n        {\n";
    append_field(out, "start_logit", entry.start_logit);
    out += ",\n";
    append_field(out, "end_logit", entry.end_logit);
    out += ",\n            \"text\": ";
    append_json_string(out, entry.text);
    out += ",\n";
    append_field(out, "probability", entry.probability);
    out += "\n        }";
  }
  return out + "\n    ]";
}

/// Takes the members of one flat object as the parser meets them, so that order and repeated keys are seen.
class FlatObjectHandler : public nlohmann::json_sax<nlohmann::json> {
 public:
  using Json = nlohmann::json;

  bool null() override { return wrong("null"); }
  bool boolean(bool /*value*/) override { return wrong("a boolean"); }
  bool number_integer(number_integer_t value) override { return number(static_cast<double>(value)); }
  bool number_unsigned(number_unsigned_t value) override { return number(static_cast<double>(value)); }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return number(value); }
  bool string(string_t& value) override { return text(value); }
  bool binary(binary_t& /*value*/) override { return wrong("binary data"); }
  bool start_object(std::size_t /*size*/) override {
    if (inside_) return wrong("an object");
    inside_ = true;
    return true;
  }
  bool key(string_t& name) override {
    key_ = std::move(name);
    return true;
  }
  bool end_object() override { return true; }
  bool start_array(std::size_t /*size*/) override { return wrong("an array"); }
  bool end_array() override { return true; }
  bool parse_error(std::size_t position, const std::string& /*token*/, const Json::exception& exception) override {
    error_ = fmt::format("broken JSON at byte {}: {}", position, plain_json_fault(exception.what()));
    return false;
  }

  const std::string& error() const { return error_; }

 protected:
  virtual bool number(double /*value*/) { return wrong("a number"); }
  virtual bool text(std::string& /*value*/) { return wrong("a string"); }
  std::string& member() { return key_; }
  bool is_inside() const { return inside_; }
  bool wrong(std::string_view found) {
    error_ = inside_ ? fmt::format("the value of {} is {}; {}", json_string(key_), found, wanted())
                     : fmt::format("the file holds {}, not an object; {}", found, wanted());
    return false;
  }
  virtual std::string_view wanted() const = 0;

 private:
  std::string key_;
  std::string error_;
  bool inside_ = false;
};

class PredictionsHandler final : public FlatObjectHandler {
 public:
  Predictions predictions;

 private:
  bool text(std::string& value) override {
    if (!is_inside()) return wrong("a string");
    const auto [entry, is_new] = predictions.by_id.insert_or_assign(std::move(member()), std::move(value));
    if (!is_new) ++predictions.n_duplicates;
    return true;
  }
  std::string_view wanted() const override { return "predictions are an object of question ids and answer texts"; }
};

class NullOddsHandler final : public FlatObjectHandler {
 public:
  NullOdds odds;

 private:
  bool number(double value) override {
    if (!is_inside()) return wrong("a number");
    if (!std::isfinite(value)) return wrong("not finite");
    const auto order = static_cast<std::uint32_t>(odds.by_id.size());
    const auto [entry, is_new] = odds.by_id.try_emplace(std::move(member()), NullOdds::Entry{value, order});
    if (is_new) return true;
    entry->second.value = value;
    ++odds.n_duplicates;
    return true;
  }
  std::string_view wanted() const override { return "null odds are an object of question ids and numbers"; }
};

Status parse_flat_object(std::string_view json, std::string_view source, FlatObjectHandler& handler) {
  if (nlohmann::json::sax_parse(json.begin(), json.end(), &handler)) return {};
  return fail(ErrorCode::kCorrupt, fmt::format("{}: {}", source, handler.error()));
}

}  // namespace

struct PredictionFilesWriter::Impl {
  ObjectFile predictions;
  std::optional<ObjectFile> n_best;
  std::optional<ObjectFile> null_odds;
};

PredictionFilesWriter::PredictionFilesWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PredictionFilesWriter::PredictionFilesWriter(PredictionFilesWriter&&) noexcept = default;
PredictionFilesWriter& PredictionFilesWriter::operator=(PredictionFilesWriter&&) noexcept = default;
PredictionFilesWriter::~PredictionFilesWriter() = default;

Result<PredictionFilesWriter> PredictionFilesWriter::create(const std::filesystem::path& folder,
                                                            const PredictionFilesOptions& options) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder, ignored)) {
    return fail(ErrorCode::kNotFound, fmt::format("{} is not a directory; create it first", folder.string()));
  }
  const auto open = [&](std::string_view name) {
    const std::string prefix = options.prefix.empty() ? "" : options.prefix + "_";
    return AtomicFile::create(folder / (prefix + std::string(name)));
  };
  SPANQA_ASSIGN(AtomicFile predictions, open("predictions.json"));
  auto impl = std::make_unique<Impl>(Impl{ObjectFile(std::move(predictions)), std::nullopt, std::nullopt});
  if (options.n_best) {
    SPANQA_ASSIGN(AtomicFile file, open("nbest_predictions.json"));
    impl->n_best.emplace(std::move(file));
  }
  if (options.null_odds) {
    SPANQA_ASSIGN(AtomicFile file, open("null_odds.json"));
    impl->null_odds.emplace(std::move(file));
  }
  return PredictionFilesWriter(std::move(impl));
}

Status PredictionFilesWriter::add(std::string_view id, std::string_view prediction, std::span<const NBestEntry> n_best,
                                  double null_odds) {
  SPANQA_TRY(impl_->predictions.add(id, json_string(prediction)));
  if (impl_->n_best) SPANQA_TRY(impl_->n_best->add(id, n_best_json(n_best)));
  if (impl_->null_odds) SPANQA_TRY(impl_->null_odds->add(id, json_number(null_odds)));
  return {};
}

Status PredictionFilesWriter::add(std::string_view id, const RunQaResult& result) {
  return add(id, result.prediction, result.n_best, static_cast<double>(result.score_diff));
}

Status PredictionFilesWriter::commit(std::span<AtomicFile* const> others) {
  SPANQA_TRY(impl_->predictions.finish());
  if (impl_->n_best) SPANQA_TRY(impl_->n_best->finish());
  if (impl_->null_odds) SPANQA_TRY(impl_->null_odds->finish());
  std::vector<AtomicFile*> files = {&impl_->predictions.file()};
  if (impl_->n_best) files.push_back(&impl_->n_best->file());
  if (impl_->null_odds) files.push_back(&impl_->null_odds->file());
  files.insert(files.end(), others.begin(), others.end());
  return commit_together(files);
}

std::optional<std::string_view> Predictions::find(const std::string& id) const {
  const auto found = by_id.find(id);
  if (found == by_id.end()) return std::nullopt;
  return found->second;
}

Result<Predictions> parse_predictions(std::string_view json, std::string_view source) {
  PredictionsHandler handler;
  SPANQA_TRY(parse_flat_object(json, source, handler));
  return std::move(handler.predictions);
}

Result<Predictions> read_predictions(const std::filesystem::path& path) {
  SPANQA_ASSIGN(const std::string json, read_file(path));
  return parse_predictions(json, path.string());
}

Result<NullOdds> parse_null_odds(std::string_view json, std::string_view source) {
  NullOddsHandler handler;
  SPANQA_TRY(parse_flat_object(json, source, handler));
  return std::move(handler.odds);
}

Result<NullOdds> read_null_odds(const std::filesystem::path& path) {
  SPANQA_ASSIGN(const std::string json, read_file(path));
  return parse_null_odds(json, path.string());
}

}  // namespace spanqa

// The files run_qa.py leaves behind, byte for byte: predictions.json, nbest_predictions.json, null_odds.json; and a
// reader of the first and the last, which is also what the official scripts take.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/file.h"
#include "base/result.h"
#include "qa/decode_run_qa.h"

namespace spanqa {

struct PredictionFilesOptions {
  std::string prefix = {};  // "eval" makes eval_predictions.json and so on; empty: no prefix
  bool n_best = true;       // write nbest_predictions.json
  bool null_odds = false;   // write null_odds.json (SQuAD v2)
};

/// Writes the files as predictions come; nothing is held back. Each is what json.dumps(..., indent=4) plus a newline
/// gives. An id added twice stands in the files twice, and readers take the later one.
///
/// Order of calls: create, add for each question, commit once. The files appear together at commit(); without it,
/// those of an earlier run stay as they were. After a failed call the writer is to be dropped.
class PredictionFilesWriter {
 public:
  /// Fails with kNotFound unless `folder` is a folder.
  static Result<PredictionFilesWriter> create(const std::filesystem::path& folder,
                                              const PredictionFilesOptions& options = {});
  PredictionFilesWriter(PredictionFilesWriter&&) noexcept;
  PredictionFilesWriter& operator=(PredictionFilesWriter&&) noexcept;
  ~PredictionFilesWriter();

  /// `n_best` and `null_odds` are read only where their file is written.
  Status add(std::string_view id, std::string_view prediction, std::span<const NBestEntry> n_best = {},
             double null_odds = 0.0);
  Status add(std::string_view id, const RunQaResult& result);
  /// `others`: files that appear together with these, all or none (commit_together).
  Status commit(std::span<AtomicFile* const> others = {});

 private:
  struct Impl;
  explicit PredictionFilesWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Answer texts by question id. Where an id stands twice the later text counts, as json.load has it.
struct Predictions {
  std::unordered_map<std::string, std::string> by_id;
  std::size_t n_duplicates = 0;

  /// The text for `id`, or nothing.
  std::optional<std::string_view> find(const std::string& id) const;
};

/// No-answer scores by question id, with each id's place in the file (that of its first mention, from 0): the official
/// search for the best threshold breaks ties by it.
struct NullOdds {
  struct Entry {
    double value = 0.0;
    std::uint32_t order = 0;
  };
  std::unordered_map<std::string, Entry> by_id;
  std::size_t n_duplicates = 0;
};

/// Reads {"id": "text", ...}. kCorrupt, with the place, for anything else: broken JSON, another shape, a null answer.
Result<Predictions> read_predictions(const std::filesystem::path& path);
/// `source` names the text in messages.
Result<Predictions> parse_predictions(std::string_view json, std::string_view source);

/// Reads {"id": number, ...}; the numbers must be finite.
Result<NullOdds> read_null_odds(const std::filesystem::path& path);
Result<NullOdds> parse_null_odds(std::string_view json, std::string_view source);

}  // namespace spanqa

// Windows and training labels of whole data sets, against the counts and hashes of the reference.
#include <openssl/sha.h>

#include <map>
#include <memory>

#include "data/example_reader.h"
#include "golden_files.h"
#include "qa/window_statistics.h"
#include "qa/windows.h"
#include "text/tokenizer.h"
#include "train/training_set.h"

namespace spanqa {
namespace {

using testing::load_json;
using testing::shared_path;

std::string sha256_hex(const std::string& bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  std::string hex;
  for (const unsigned char byte : digest) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex.push_back(kDigits[byte >> 4]);
    hex.push_back(kDigits[byte & 15]);
  }
  return hex;
}

struct Features {
  std::size_t n_windows = 0;
  std::size_t n_tokens = 0;
  std::size_t n_answerable = 0;
  std::vector<std::size_t> sample;
  std::vector<std::size_t> start;
  std::vector<std::size_t> end;
  std::string lines;
};

void append_row(Features& out, std::size_t sample, const WindowLabels& labels, const PackedBatch& batch) {
  out.n_windows += 1;
  out.n_tokens += batch.n_tokens();
  out.n_answerable += labels.start != 0 ? 1 : 0;
  out.sample.push_back(sample);
  out.start.push_back(labels.start);
  out.end.push_back(labels.end);
  if (!out.lines.empty()) out.lines += '\n';
  out.lines += std::to_string(sample) + ' ' + std::to_string(labels.start) + ' ' + std::to_string(labels.end) + ' ';
  for (std::size_t i = 0; i < batch.ids.size(); ++i) out.lines += (i > 0 ? "," : "") + std::to_string(batch.ids[i]);
}

Features features_of(const Tokenizer& tokenizer, std::span<const Example> examples, const WindowOptions& options) {
  Features out;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const TokenizedText question = tokenizer.tokenize(examples[i].question);
    const TokenizedText context = tokenizer.tokenize(*examples[i].context);
    const WindowPlan plan = plan_windows(question.size(), context.size(), options).value();
    const auto answer = first_answer_span(examples[i]);
    for (const Window& window : plan.windows) {
      PackedBatch batch;
      append_window(plan, window, question, context, tokenizer.specials(), batch);
      append_row(out, i, answer ? label_window(plan, window, context, *answer) : WindowLabels{}, batch);
    }
  }
  return out;
}

/// The same through what a trainer reads.
Features training_features_of(const Tokenizer& tokenizer, std::span<const Example> examples,
                              const WindowOptions& options) {
  const TrainingSet set =
      TrainingSet::from_examples(examples, tokenizer, {.windows = options, .squad_v2 = true, .n_threads = 2}).value();
  EXPECT_EQ(set.counts().n_skipped(), 0U);
  Features out;
  for (std::size_t i = 0; i < set.n_windows(); ++i) {
    PackedBatch batch;
    std::vector<WindowLabels> labels;
    set.append(i, batch, labels);
    append_row(out, set.question(i), labels.at(0), batch);
  }
  EXPECT_EQ(set.counts().n_windows, out.n_windows);
  EXPECT_EQ(set.counts().n_tokens, out.n_tokens);
  EXPECT_EQ(set.counts().n_answer_windows, out.n_answerable);
  return out;
}

TEST(GoldenFeatures, EverySliceHasTheReferencesWindowsAndLabels) {
  SPANQA_NEEDS_SHARED("golden/features/counts.json");
  const auto cased = Tokenizer::open(shared_path("models/bert-base-cased-vocab"), {.lowercase = false}).value();
  const auto uncased = Tokenizer::open(shared_path("models/minilm-squad")).value();
  std::map<std::string, std::vector<Example>> files;
  int n_slices = 0;
  for (const auto& slice : load_json("golden/features/counts.json")) {
    SCOPED_TRACE(slice.dump().substr(0, 200));
    const std::string data = slice["data"];
    if (!files.contains(data)) files[data] = read_examples(shared_path("data/" + data)).value();
    const std::span<const Example> examples(files[data]);
    const std::size_t first = slice["first"];
    const std::size_t last = slice["last"];
    ASSERT_LE(last, examples.size());
    const Tokenizer& tokenizer = slice["tokenizer"] == "cased" ? *cased : *uncased;
    const WindowOptions options{.max_length = slice["max_length"], .overlap = slice["stride"]};
    const Features features = features_of(tokenizer, examples.subspan(first, last - first), options);
    EXPECT_TRUE(training_features_of(tokenizer, examples.subspan(first, last - first), options).lines ==
                features.lines);
    EXPECT_EQ(features.n_windows, slice["windows"]);
    EXPECT_EQ(features.n_tokens, slice["tokens"]);
    EXPECT_EQ(features.n_answerable, slice["answerable"]);
    EXPECT_EQ(sha256_hex(features.lines), slice["sha256"]);
    if (slice.contains("sample")) {
      EXPECT_EQ(features.sample, slice["sample"].get<std::vector<std::size_t>>());
      EXPECT_EQ(features.start, slice["start"].get<std::vector<std::size_t>>());
      EXPECT_EQ(features.end, slice["end"].get<std::vector<std::size_t>>());
    }
    ++n_slices;
  }
  EXPECT_GE(n_slices, 14);
}

}  // namespace
}  // namespace spanqa

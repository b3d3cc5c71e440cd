// Tokenising SQuAD v1.1 dev, contexts again for each question, and opening the tokenizer. One thread.
//
// Needs the shared folder: beside the checkout, or named by SPANQA_SHARED. The tokenizer is the default model's.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "shared_data.h"
#include "text/tokenizer.h"

namespace spanqa {
namespace {

using testing::shared_path;
using testing::source_path;

/// The default model's folder.
std::filesystem::path model_folder() {
  std::ifstream file(source_path("models/DEFAULT"));
  std::string name;
  std::getline(file, name);
  return source_path("models") / name;
}

struct Pairs {
  std::vector<std::pair<std::string, std::string>> texts;
  std::int64_t n_bytes = 0;
};

const Pairs& squad_pairs() {
  static const Pairs all = [] {
    Pairs pairs;
    std::ifstream file(shared_path("data/squad-v1.1/dev-v1.1.json"));
    const auto root = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
    if (root.is_discarded()) return pairs;
    for (const auto& article : root["data"]) {
      for (const auto& paragraph : article["paragraphs"]) {
        for (const auto& qa : paragraph["qas"]) pairs.texts.emplace_back(qa["question"], paragraph["context"]);
      }
    }
    for (const auto& [question, context] : pairs.texts) {
      pairs.n_bytes += static_cast<std::int64_t>(question.size() + context.size());
    }
    return pairs;
  }();
  return all;
}

std::shared_ptr<const Tokenizer> open_or_skip(benchmark::State& state) {
  auto opened = Tokenizer::open(model_folder());
  if (!opened) state.SkipWithError(opened.error().message.c_str());
  return opened ? *opened : nullptr;
}

void count(benchmark::State& state, std::size_t n_tokens) {
  state.SetBytesProcessed(state.iterations() * squad_pairs().n_bytes);
  state.counters["pairs/s"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(squad_pairs().texts.size()),
                         benchmark::Counter::kIsRate);
  state.counters["tokens"] = static_cast<double>(n_tokens) / static_cast<double>(state.iterations());
}

void tokenize_squad(benchmark::State& state) {
  const auto tokenizer = open_or_skip(state);
  std::size_t n_tokens = 0;
  for (auto _ : state) {
    for (const auto& [question, context] : squad_pairs().texts) {
      n_tokens += tokenizer->tokenize(question).size() + tokenizer->tokenize(context).size();
    }
  }
  count(state, n_tokens);
}
BENCHMARK(tokenize_squad)->Unit(benchmark::kMillisecond);

void tokenize_squad_ref(benchmark::State& state) {
  const auto tokenizer = open_or_skip(state);
  std::size_t n_tokens = 0;
  for (auto _ : state) {
    for (const auto& [question, context] : squad_pairs().texts) {
      n_tokens += tokenizer->tokenize_ref(question).size() + tokenizer->tokenize_ref(context).size();
    }
  }
  count(state, n_tokens);
}
BENCHMARK(tokenize_squad_ref)->Unit(benchmark::kMillisecond);

/// What the reference's encode_batch gives back: whole sequences with special tokens, cut into windows.
void encode_squad(benchmark::State& state) {
  const auto tokenizer = open_or_skip(state);
  const EncodeOptions options{.truncation = Truncation::kOnlySecond, .max_length = 384, .stride = 128};
  std::size_t n_tokens = 0;
  for (auto _ : state) {
    for (const auto& [question, context] : squad_pairs().texts) {
      const auto encodings = tokenizer->encode(question, context, options);
      if (!encodings) return state.SkipWithError(encodings.error().message.c_str());
      for (const Encoding& encoding : *encodings) n_tokens += encoding.ids.size();
    }
  }
  count(state, n_tokens);
}
BENCHMARK(encode_squad)->Unit(benchmark::kMillisecond);

void open_tokenizer_json(benchmark::State& state) {
  for (auto _ : state) {
    auto opened = Tokenizer::open(model_folder());
    if (!opened) return state.SkipWithError(opened.error().message.c_str());
    benchmark::DoNotOptimize(*opened);
  }
}
BENCHMARK(open_tokenizer_json)->Unit(benchmark::kMillisecond);

void open_vocab_txt(benchmark::State& state) {
  for (auto _ : state) {
    auto opened = Tokenizer::open(shared_path("models/bert-base-cased-vocab"));
    if (!opened) return state.SkipWithError(opened.error().message.c_str());
    benchmark::DoNotOptimize(*opened);
  }
}
BENCHMARK(open_vocab_txt)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace spanqa

BENCHMARK_MAIN();

#include "serve/answer_cache.h"

#include <array>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/check.h"

namespace spanqa::serve {
namespace {

// A list's and a hash table's node, two owners and the allocator's own.
constexpr std::size_t kEntryOverhead = 256;

std::size_t memory_of(const Answers& answers) {
  std::size_t n = sizeof(Answers) + answers.run_qa.prediction.capacity();
  for (const Answer& answer : answers.answers) n += sizeof(Answer) + answer.text.capacity();
  for (const NBestEntry& entry : answers.run_qa.n_best) n += sizeof(NBestEntry) + entry.text.capacity();
  return n;
}

/// The fields of options, one after another as bytes. Each structured binding names all fields of its struct: one that
/// is added does not compile until it is here.
class OptionBytes {
 public:
  explicit OptionBytes(std::uint64_t generation) { add(generation); }

  void add(const AskOptions& options) {
    const auto& [decoder, windows, specials_in_text, measure] = options;
    SPANQA_CHECK(!measure);
    add(decoder.index());
    std::visit([this](const auto& chosen) { add(chosen); }, decoder);
    add(windows);
    add(specials_in_text);
  }
  std::string_view bytes() const { return bytes_; }

 private:
  template <typename Value>
    requires(std::is_arithmetic_v<Value> || std::is_enum_v<Value>)
  void add(const Value& value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  void add(const PipelineOptions& options) {
    const auto& [top_k, max_answer_tokens, handle_impossible_answer, align_to_words, compat] = options;
    add_all(top_k, max_answer_tokens, handle_impossible_answer, align_to_words, compat);
  }
  void add(const RunQaOptions& options) {
    const auto& [n_best, max_answer_tokens, version_2, null_threshold] = options;
    add_all(n_best, max_answer_tokens, version_2, null_threshold);
  }
  void add(const GlobalOptions& options) {
    const auto& [top_k, max_answer_tokens, temperature, align_to_words, no_answer_threshold] = options;
    add_all(top_k, max_answer_tokens, temperature.has_value(), temperature.value_or(0.0), align_to_words,
            no_answer_threshold);
  }
  void add(const WindowOptions& options) {
    const auto& [max_length, overlap, max_question_length, long_question] = options;
    add_all(max_length, overlap, max_question_length, long_question);
  }
  template <typename... Values>
  void add_all(const Values&... values) {
    (add(values), ...);
  }

  std::string bytes_;
};

std::string_view view_of(const Digest& digest) { return {reinterpret_cast<const char*>(digest.data()), digest.size()}; }

}  // namespace

AnswerKey answer_key(std::uint64_t generation, const AskOptions& options, const Digest& question,
                     const Digest& context) {
  OptionBytes fields(generation);
  fields.add(options);
  const std::array parts = {fields.bytes(), view_of(question), view_of(context)};
  return {.generation = generation, .digest = std::string(view_of(sha256(parts)))};
}

std::shared_ptr<const Answers> AnswerCache::find(const AnswerKey& key) {
  const std::shared_ptr<const Entry> entry = entries_.find(key.digest);
  if (entry == nullptr) return nullptr;
  return {entry, &entry->answers};
}

void AnswerCache::insert(const AnswerKey& key, const Answers& answers) {
  auto entry = std::make_shared<const Entry>(Entry{.generation = key.generation, .answers = answers});
  const std::size_t cost = memory_of(entry->answers) + key.digest.size() + kEntryOverhead;
  entries_.insert(key.digest, std::move(entry), cost);
}

void AnswerCache::forget(std::uint64_t generation) {
  entries_.erase_if([generation](const Entry& entry) { return entry.generation == generation; });
}

CacheCounts AnswerCache::counts() const {
  const auto counts = entries_.counts();
  return {.hits = counts.hits, .misses = counts.misses, .bytes = counts.bytes};
}

}  // namespace spanqa::serve

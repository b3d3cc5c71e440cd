#include "train/training_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/ordered_parallel.h"
#include "base/utf8.h"
#include "data/example_reader.h"
#include "qa/window_statistics.h"

namespace spanqa {
namespace {

constexpr std::size_t kNamedQuestions = 5;
constexpr std::size_t kTextsAtOnce = 64;  // that a thread takes: little waiting, and no thread left with the rest

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void skip(SkippedQuestions& skipped, const Example& example) {
  ++skipped.n;
  if (skipped.first.size() < kNamedQuestions) skipped.first.push_back(example.where);
}

/// Fails when even a question of one token over a long context could not be laid out.
Status check_windows(const WindowOptions& windows) {
  SPANQA_TRY(plan_windows(1, windows.max_length, windows));
  return {};
}

std::string describe_empty(const TrainingSetCounts& counts) {
  return fmt::format(
      "no question is left to train on: {} without an answer (trained on with SQuAD v2.0 rules only), "
      "{} without golds, {} whose answer does not stand at its place, {} too long for a window",
      counts.unanswerable.n, counts.without_golds.n, counts.misplaced.n, counts.long_questions.n);
}

/// The bytes of the first gold; nullopt unless it stands where the file says.
std::optional<ByteSpan> find_answer(const GoldAnswer& gold, const TextIndex& index) {
  const auto span = answer_span(gold, index);
  if (!span || gold.text.empty()) return std::nullopt;
  return index.text().substr(span->begin, span->end - span->begin) == gold.text ? span : std::nullopt;
}

Status tokenize_all(std::span<const std::string_view> texts, const Tokenizer& tokenizer, int n_threads,
                    std::vector<TokenizedText>& out) {
  out.resize(texts.size());
  std::size_t next = 0;
  const auto source = [&]() -> Result<std::optional<std::size_t>> {
    if (next >= texts.size()) return std::nullopt;
    return std::exchange(next, next + kTextsAtOnce);
  };
  const auto work = [&](std::size_t, std::size_t begin) -> Result<std::size_t> {
    const std::size_t end = std::min(begin + kTextsAtOnce, texts.size());
    for (std::size_t i = begin; i < end; ++i) out[i] = tokenizer.tokenize(texts[i]);
    return end;
  };
  return ordered_parallel(static_cast<std::size_t>(std::max(n_threads, 1)), source, work,
                          [](std::size_t) -> Status { return {}; });
}

}  // namespace

/// Fills one set: add() every example, then finish(). The examples must outlive it.
class TrainingSet::Builder {
 public:
  Builder(const Tokenizer& tokenizer, const TrainingSetOptions& options) : tokenizer_(&tokenizer), options_(options) {
    set_.specials_ = tokenizer.specials();
  }

  void add(std::span<const Example> examples, float weight) {
    for (const Example& example : examples) {
      SPANQA_CHECK(example.context != nullptr);
      if (example.answers.empty() && !example.has_answers_field) {
        skip(set_.counts_.without_golds, example);
      } else if (example.answers.empty() && !options_.squad_v2) {
        skip(set_.counts_.unanswerable, example);
      } else {
        const std::uint32_t context = context_of(example);
        pending_.push_back({&example, {.text = add_text(example.question), .context = context, .weight = weight}});
      }
    }
  }

  Result<TrainingSet> finish() {
    SPANQA_TRY(tokenize_all(texts_, *tokenizer_, options_.n_threads, set_.texts_));
    std::optional<TextIndex> index;
    for (const Pending& pending : pending_) {
      const std::string_view context = texts_[pending.question.context];
      if (!index || index->text().data() != context.data()) index.emplace(context);
      add_question(*pending.example, pending.question, *index);
    }
    for (TokenizedText& text : set_.texts_) {  // places have served their purpose
      text.spans = {};
      text.words = {};
    }
    set_.counts_.n_questions = set_.questions_.size();
    set_.counts_.n_contexts = contexts_.size();
    set_.counts_.n_windows = set_.windows_.size();
    return std::move(set_);
  }

 private:
  struct Pending {
    const Example* example = nullptr;
    Question question;
  };

  std::uint32_t add_text(std::string_view text) {
    texts_.push_back(text);
    return static_cast<std::uint32_t>(texts_.size() - 1);
  }

  std::uint32_t context_of(const Example& example) {
    if (last_context_ != example.context.get()) {  // the next question of a paragraph needs no look-up
      last_context_ = example.context.get();
      const auto [place, is_new] = contexts_.try_emplace(*example.context, 0);
      if (is_new) place->second = add_text(*example.context);
      last_number_ = place->second;
    }
    return last_number_;
  }

  void add_question(const Example& example, Question question, const TextIndex& index) {
    std::optional<ByteSpan> answer;
    if (!example.answers.empty()) {
      answer = find_answer(example.answers.front(), index);
      if (!answer) return skip(set_.counts_.misplaced, example);
    }
    const TokenizedText& context = set_.texts_[question.context];
    const auto plan = plan_windows(set_.texts_[question.text].size(), context.size(), options_.windows);
    if (!plan) return skip(set_.counts_.long_questions, example);
    question.n_tokens = static_cast<std::uint32_t>(plan->n_question);
    set_.counts_.n_unanswerable += answer ? 0U : 1U;
    for (const Window& window : plan->windows) {
      const WindowLabels labels =
          answer ? label_window(*plan, window, context, *answer, options_.last_token_bug) : WindowLabels{};
      set_.windows_.push_back({static_cast<std::uint32_t>(set_.questions_.size()), window, labels});
      set_.lengths_.push_back(static_cast<std::uint32_t>(plan->n_tokens(window)));
      set_.counts_.n_answer_windows += labels.start != 0 ? 1U : 0U;
      set_.counts_.n_tokens += plan->n_tokens(window);
    }
    set_.questions_.push_back(question);
  }

  const Tokenizer* tokenizer_;
  TrainingSetOptions options_;
  TrainingSet set_;
  std::vector<std::string_view> texts_;
  std::vector<Pending> pending_;
  std::unordered_map<std::string_view, std::uint32_t> contexts_;  // numbers of their texts
  const std::string* last_context_ = nullptr;
  std::uint32_t last_number_ = 0;
};

Result<TrainingSet> TrainingSet::load(const TrainOptions& options, const Tokenizer& tokenizer,
                                      const WindowOptions& windows, int n_threads) {
  SPANQA_TRY(check_windows(windows));
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::vector<Example>> files;
  for (const TrainingFile& file : options.train) {
    SPANQA_ASSIGN(std::vector<Example> examples, read_examples(file.path, file.limit));
    if (examples.empty()) return fail(ErrorCode::kCorrupt, fmt::format("{}: no examples", file.path.string()));
    files.push_back(std::move(examples));
  }
  const double seconds_reading = seconds_since(start);
  const auto read = std::chrono::steady_clock::now();
  Builder builder(tokenizer, {windows, options.squad_v2, options.last_token_bug, n_threads});
  for (std::size_t i = 0; i < files.size(); ++i) builder.add(files[i], static_cast<float>(options.train[i].weight));
  SPANQA_ASSIGN(TrainingSet set, builder.finish());
  set.counts_.seconds_reading = seconds_reading;
  set.counts_.seconds_tokenising = seconds_since(read);
  if (set.n_windows() == 0) return fail(ErrorCode::kInvalidArgument, describe_empty(set.counts_));
  return set;
}

Result<TrainingSet> TrainingSet::from_examples(std::span<const Example> examples, const Tokenizer& tokenizer,
                                               const TrainingSetOptions& options) {
  SPANQA_TRY(check_windows(options.windows));
  const auto start = std::chrono::steady_clock::now();
  Builder builder(tokenizer, options);
  builder.add(examples, 1.0F);
  SPANQA_ASSIGN(TrainingSet set, builder.finish());
  set.counts_.seconds_tokenising = seconds_since(start);
  return set;
}

void TrainingSet::append(std::size_t window, PackedBatch& batch, std::vector<WindowLabels>& labels) const {
  SPANQA_CHECK(window < windows_.size());
  const LabelledWindow& labelled = windows_[window];
  const Question& question = questions_[labelled.question];
  const WindowPlan plan{.n_question = question.n_tokens, .question_truncated = false, .windows = {}};
  append_window(plan, labelled.window, texts_[question.text], texts_[question.context], specials_, batch);
  labels.push_back(labelled.labels);
}

}  // namespace spanqa

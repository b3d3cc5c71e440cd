#include "qa/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/cpu.h"
#include "base/lru_cache.h"
#include "base/ordered_parallel.h"
#include "qa/reading.h"

namespace spanqa {
namespace {

constexpr int kMostThreads = 1024;  // more than any machine has; OpenMP falls over long before absurd counts

std::size_t memory_of(const TokenizedText& tokens) {
  return tokens.size() * (sizeof(std::int32_t) * 2 + sizeof(ByteSpan)) + sizeof(TokenizedText);
}

/// A question on its way.
struct Task {
  std::size_t number = 0;  // place among the caller's questions
  Reading reading;
  double measured = 0.0;
};

struct WindowRef {
  std::size_t task = 0;
  std::size_t window = 0;
};

/// Consecutive windows that one forward pass reads.
struct Batch {
  std::vector<WindowRef> windows;
  std::size_t n_tokens = 0;
};

struct BatchLogits {
  Batch batch;
  std::vector<std::uint32_t> offsets;
  SpanLogits logits;
};

std::vector<Batch> make_batches(const std::vector<Task>& tasks) {
  std::vector<Batch> batches;
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    const Reading& reading = tasks[t].reading;
    for (std::size_t w = 0; w < reading.n_windows(); ++w) {
      const std::size_t n = reading.n_tokens(w);
      if (batches.empty() || batches.back().n_tokens + n > kPackedBatchTokens) batches.emplace_back();
      batches.back().windows.push_back({t, w});
      batches.back().n_tokens += n;
    }
  }
  return batches;
}

}  // namespace

const char* decoder_name(const DecoderOptions& options) {
  if (std::holds_alternative<PipelineOptions>(options)) return "pipeline";
  return std::holds_alternative<RunQaOptions>(options) ? "run_qa" : "global";
}

struct Reader::Impl {
  Impl(std::filesystem::path model_folder, std::shared_ptr<const QaModel> qa_model,
       std::shared_ptr<const Tokenizer> bert_tokenizer, QaSettings qa_settings, const ReaderOptions& reader_options)
      : folder(std::move(model_folder)),
        model(std::move(qa_model)),
        tokenizer(std::move(bert_tokenizer)),
        settings(std::move(qa_settings)),
        options(reader_options),
        contexts(reader_options.context_cache_bytes) {}

  /// Lends a workspace with `n_threads` threads and takes it back.
  class Lease {
   public:
    Lease(Impl& owner, int n_threads) : owner_(&owner) {
      const std::lock_guard lock(owner.workspaces_mutex);
      auto& idle = owner.idle_workspaces[n_threads];
      if (!idle.empty()) {
        workspace_.emplace(std::move(idle.back()));
        idle.pop_back();
      } else {
        workspace_.emplace(n_threads);
      }
    }
    ~Lease() {
      const std::lock_guard lock(owner_->workspaces_mutex);
      owner_->idle_workspaces[workspace_->n_threads()].push_back(std::move(*workspace_));
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Workspace& operator*() { return *workspace_; }

   private:
    Impl* owner_;
    std::optional<Workspace> workspace_;
  };

  Result<BatchLogits> read(const std::vector<Task>& tasks, Batch batch, int n_threads);
  std::shared_ptr<const TokenizedText> tokenize_context(std::string_view context, SpecialsInText specials);

  std::filesystem::path folder;
  std::shared_ptr<const QaModel> model;
  std::shared_ptr<const Tokenizer> tokenizer;
  QaSettings settings;
  ReaderOptions options;
  std::vector<std::string> notes;
  LruCache<TokenizedText> contexts;
  std::mutex workspaces_mutex;
  std::map<int, std::vector<Workspace>> idle_workspaces;
};

std::shared_ptr<const TokenizedText> Reader::Impl::tokenize_context(std::string_view context, SpecialsInText specials) {
  // The reading of special tokens is part of the key: the same text has two tokenisations.
  std::string key;
  key.reserve(context.size() + 1);
  key.push_back(specials == SpecialsInText::kMatch ? 'm' : 't');
  key.append(context);
  if (auto found = contexts.find(key)) return found;
  auto tokens = std::make_shared<const TokenizedText>(tokenizer->tokenize(context, specials));
  const std::size_t cost = memory_of(*tokens) + key.size();
  contexts.insert(std::move(key), tokens, cost);
  return tokens;
}

Result<BatchLogits> Reader::Impl::read(const std::vector<Task>& tasks, Batch batch, int n_threads) {
  PackedBatch packed;
  packed.ids.reserve(batch.n_tokens);
  packed.type_ids.reserve(batch.n_tokens);
  for (const WindowRef& ref : batch.windows) tasks[ref.task].reading.append(ref.window, packed);
  BatchLogits out;
  {
    Lease workspace(*this, n_threads);
    SPANQA_TRY(model->forward(packed, *workspace, out.logits));
  }
  out.batch = std::move(batch);
  out.offsets = std::move(packed.offsets);
  return out;
}

Reader::Reader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Reader::~Reader() = default;

Result<std::shared_ptr<const Reader>> Reader::open(const std::filesystem::path& folder, const ReaderOptions& options) {
  SPANQA_ASSIGN(auto model, QaModel::open(folder, options.precision));
  SPANQA_ASSIGN(auto tokenizer, Tokenizer::open(folder, options.tokenizer));
  SPANQA_ASSIGN(auto settings, read_qa_settings(folder));
  const auto n_embeddings = static_cast<std::size_t>(model->config().vocab_size);
  if (tokenizer->vocabulary_size() > n_embeddings) {
    return fail(
        ErrorCode::kMismatch,
        fmt::format("{}: the vocabulary has {} tokens but the model only {} embeddings; tokenizer and weights are "
                    "not of the same model",
                    folder.string(), tokenizer->vocabulary_size(), n_embeddings));
  }
  std::vector<std::string> notes = tokenizer->settings().notes;
  if (tokenizer->vocabulary_size() * 2 < n_embeddings) {
    notes.push_back(
        fmt::format("the vocabulary has {} tokens, the model {} embeddings; is it another model's, or cut short?",
                    tokenizer->vocabulary_size(), n_embeddings));
  }
  auto impl = std::make_unique<Impl>(folder, std::move(model), std::move(tokenizer), std::move(settings), options);
  impl->notes = std::move(notes);
  if (impl->options.n_threads <= 0) impl->options.n_threads = usable_cores();
  impl->options.n_threads = std::min(impl->options.n_threads, kMostThreads);
  return std::shared_ptr<const Reader>(new Reader(std::move(impl)));
}

WindowOptions Reader::effective(const WindowOptions& options) const {
  return fit_windows(options, model().config(), tokenizer());
}

std::vector<Result<Answers>> Reader::ask_all(std::span<const Question> questions, const AskOptions& options,
                                             int n_threads, const WindowProgress& progress) const {
  std::vector<Result<Answers>> results(questions.size());
  n_threads = n_threads <= 0 ? impl_->options.n_threads : std::min(n_threads, kMostThreads);

  std::vector<Task> tasks;
  tasks.reserve(questions.size());
  std::size_t n_windows = 0;
  std::size_t n_tokens = 0;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    Result<Reading> reading = Reading::start(*this, questions[i], options);
    if (!reading) {
      results[i] = tl::unexpected<Error>(std::move(reading).error());
      continue;
    }
    n_windows += reading->n_windows();
    n_tokens += reading->n_tokens();
    tasks.push_back({.number = i, .reading = *std::move(reading), .measured = 0.0});
  }

  // Little work: all threads inside the kernels. Much: a batch to each thread, without barriers between them.
  const bool batch_per_thread = n_threads > 1 && n_tokens > kPackedBatchTokens * static_cast<std::size_t>(n_threads);
  const int threads_inside = batch_per_thread ? 1 : n_threads;
  std::vector<Batch> batches = make_batches(tasks);
  std::size_t next = 0;
  std::size_t n_done = 0;
  const Status status = ordered_parallel(
      batch_per_thread ? static_cast<std::size_t>(n_threads) : 1,
      [&]() -> Result<std::optional<Batch>> {
        if (next == batches.size()) return std::nullopt;
        return std::move(batches[next++]);
      },
      [&](std::size_t, Batch batch) { return impl_->read(tasks, std::move(batch), threads_inside); },
      [&](const BatchLogits& read) -> Status {
        for (std::size_t i = 0; i < read.batch.windows.size(); ++i) {
          const WindowRef& ref = read.batch.windows[i];
          Task& task = tasks[ref.task];
          const float* const start = read.logits.start.data() + read.offsets[i];
          const float* const end = read.logits.end.data() + read.offsets[i];
          if (options.measure) {
            task.measured += options.measure({.question = task.number,
                                              .number = ref.window,
                                              .plan = &task.reading.plan(),
                                              .context = task.reading.context().get(),
                                              .logits = task.reading.logits(ref.window, start, end)});
          }
          task.reading.take(ref.window, start, end);
        }
        n_done += read.batch.windows.size();
        if (progress) progress(n_done, n_windows);
        return {};
      });
  for (Task& task : tasks) {
    if (status) {
      results[task.number] = task.reading.finish();
      results[task.number]->measured = task.measured;
    } else {
      results[task.number] = tl::unexpected<Error>(status.error());
    }
  }
  return results;
}

Result<Answers> Reader::ask(std::string_view question, std::string_view context, const AskOptions& options,
                            const WindowProgress& progress) const {
  const Question one{question, context};
  return std::move(ask_all({&one, 1}, options, 0, progress).front());
}

std::shared_ptr<const TokenizedText> Reader::tokenize_context(std::string_view context, SpecialsInText specials) const {
  return impl_->tokenize_context(context, specials);
}

CacheCounts Reader::context_cache_counts() const {
  const auto counts = impl_->contexts.counts();
  return {.hits = counts.hits, .misses = counts.misses, .bytes = counts.bytes};
}

const QaModel& Reader::model() const { return *impl_->model; }
const Tokenizer& Reader::tokenizer() const { return *impl_->tokenizer; }
const std::filesystem::path& Reader::folder() const { return impl_->folder; }
const std::vector<std::string>& Reader::notes() const { return impl_->notes; }
const QaSettings& Reader::settings() const { return impl_->settings; }
int Reader::n_threads() const { return impl_->options.n_threads; }

Status check_ask(const AskOptions& options) {
  SPANQA_TRY(std::visit([](const auto& decoder) { return check_options(decoder); }, options.decoder));
  const auto* pipeline = std::get_if<PipelineOptions>(&options.decoder);
  const bool is_faithful = pipeline != nullptr && pipeline->compat != PipelineCompat::kSane;
  return is_faithful ? check_pipeline_windows(options.windows) : Status();
}

}  // namespace spanqa

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

namespace spanqa {
namespace {

constexpr int kMostThreads = 1024;  // more than any machine has; OpenMP falls over long before absurd counts

std::size_t memory_of(const TokenizedText& tokens) {
  return tokens.size() * (sizeof(std::int32_t) * 2 + sizeof(ByteSpan)) + sizeof(TokenizedText);
}

/// The three decoders behind one pair of calls.
class AnyDecoder {
 public:
  AnyDecoder(const DecoderOptions& options, std::string_view context, const TokenizedText& tokens,
             const SpecialIds& specials)
      : decoder_(make(options, context, tokens, specials)), options_(&options) {}

  void add(const WindowLogits& window) {
    std::visit([&](auto& decoder) { decoder.add(window); }, decoder_);
  }

  void finish(Answers& out) {
    Decoded decoded;
    if (auto* run_qa = std::get_if<RunQaDecoder>(&decoder_)) {
      out.run_qa = run_qa->finish();
      decoded = to_decoded(out.run_qa, std::get<RunQaOptions>(*options_));
    } else if (auto* pipeline = std::get_if<PipelineDecoder>(&decoder_)) {
      decoded = pipeline->finish();
    } else {
      decoded = std::get<GlobalDecoder>(decoder_).finish();
    }
    out.answers = std::move(decoded.answers);
    out.no_answer_score = decoded.no_answer_score;
  }

 private:
  using Variant = std::variant<PipelineDecoder, RunQaDecoder, GlobalDecoder>;
  static Variant make(const DecoderOptions& options, std::string_view context, const TokenizedText& tokens,
                      const SpecialIds& specials) {
    if (const auto* pipeline = std::get_if<PipelineOptions>(&options)) {
      return PipelineDecoder(context, tokens, specials, *pipeline);
    }
    if (const auto* run_qa = std::get_if<RunQaOptions>(&options)) return RunQaDecoder(context, tokens, *run_qa);
    return GlobalDecoder(context, tokens, std::get<GlobalOptions>(options));
  }

  Variant decoder_;
  const DecoderOptions* options_;
};

/// A question on its way: tokenised, laid out in windows, and its decoder.
struct Task {
  std::size_t number = 0;  // place among the caller's questions
  TokenizedText question;
  std::shared_ptr<const TokenizedText> context;
  WindowPlan plan;
  std::optional<AnyDecoder> decoder;
  std::size_t n_tokens = 0;
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
    const WindowPlan& plan = tasks[t].plan;
    for (std::size_t w = 0; w < plan.windows.size(); ++w) {
      const std::size_t n = plan.n_tokens(plan.windows[w]);
      if (batches.empty() || batches.back().n_tokens + n > kPackedBatchTokens) batches.emplace_back();
      batches.back().windows.push_back({t, w});
      batches.back().n_tokens += n;
    }
  }
  return batches;
}

/// Window `i` of a batch, which lies in `plan`.
WindowLogits logits_of(const BatchLogits& read, std::size_t i, const WindowPlan& plan) {
  const Window& window = plan.windows[read.batch.windows[i].window];
  return {.start = read.logits.start.data() + read.offsets[i],
          .end = read.logits.end.data() + read.offsets[i],
          .n_tokens = read.offsets[i + 1] - read.offsets[i],
          .context_position = plan.context_position(),
          .context_begin = window.context_begin,
          .n_context = window.n_context()};
}

Status check_question(const Question& question) {
  // The reference's own words; only "" is refused, blanks pass.
  if (question.question.empty()) return fail(ErrorCode::kInvalidArgument, "`question` cannot be empty");
  if (question.context.empty()) return fail(ErrorCode::kInvalidArgument, "`context` cannot be empty");
  if (question.context.size() > UINT32_MAX || question.question.size() > UINT32_MAX) {
    return fail(ErrorCode::kInvalidArgument, "texts of 4 GiB or more cannot be read: split the document");
  }
  return {};
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

  Result<Task> prepare(const Question& question, std::size_t number, const AskOptions& ask,
                       const WindowOptions& windows);
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

Result<Task> Reader::Impl::prepare(const Question& question, std::size_t number, const AskOptions& ask,
                                   const WindowOptions& windows) {
  SPANQA_TRY(check_question(question));
  Task task;
  task.number = number;
  task.question = tokenizer->tokenize(question.question, ask.specials_in_text);
  task.context = tokenize_context(question.context, ask.specials_in_text);
  SPANQA_ASSIGN(task.plan, plan_windows(task.question.size(), task.context->size(), windows));
  task.decoder.emplace(ask.decoder, question.context, *task.context, tokenizer->specials());
  for (const Window& window : task.plan.windows) task.n_tokens += task.plan.n_tokens(window);
  return task;
}

Result<BatchLogits> Reader::Impl::read(const std::vector<Task>& tasks, Batch batch, int n_threads) {
  PackedBatch packed;
  packed.ids.reserve(batch.n_tokens);
  packed.type_ids.reserve(batch.n_tokens);
  for (const WindowRef& ref : batch.windows) {
    const Task& task = tasks[ref.task];
    append_window(task.plan, task.plan.windows[ref.window], task.question, *task.context, tokenizer->specials(),
                  packed);
  }
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
  SPANQA_ASSIGN(auto model, QaModel::open(folder));
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

std::vector<Result<Answers>> Reader::ask_all(std::span<const Question> questions, const AskOptions& asked,
                                             int n_threads, const WindowProgress& progress) const {
  AskOptions options = asked;
  if (auto* global = std::get_if<GlobalOptions>(&options.decoder); global != nullptr && !global->temperature) {
    global->temperature = impl_->settings.temperature;
  }
  std::vector<Result<Answers>> results(questions.size());
  const auto fail_all = [&](const Error& error) {
    for (auto& result : results) result = tl::unexpected<Error>(error);
    return std::move(results);
  };
  if (const Status valid = check_ask(options); !valid) return fail_all(valid.error());
  n_threads = n_threads <= 0 ? impl_->options.n_threads : std::min(n_threads, kMostThreads);
  const WindowOptions windows = effective(options.windows);

  std::vector<Task> tasks;
  tasks.reserve(questions.size());  // decoders point into their task's context: tasks must not move
  std::size_t n_windows = 0;
  std::size_t n_tokens = 0;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    Result<Task> task = impl_->prepare(questions[i], i, options, windows);
    if (!task) {
      results[i] = tl::unexpected<Error>(std::move(task).error());
      continue;
    }
    n_windows += task->plan.windows.size();
    n_tokens += task->n_tokens;
    tasks.push_back(std::move(*task));
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
          const WindowLogits logits = logits_of(read, i, task.plan);
          if (options.measure) {
            task.measured += options.measure({.question = task.number,
                                              .number = ref.window,
                                              .plan = &task.plan,
                                              .context = task.context.get(),
                                              .logits = logits});
          }
          task.decoder->add(logits);
        }
        n_done += read.batch.windows.size();
        if (progress) progress(n_done, n_windows);
        return {};
      });
  if (!status) return fail_all(status.error());

  for (Task& task : tasks) {
    Answers answers;
    answers.measured = task.measured;
    answers.n_windows = task.plan.windows.size();
    answers.n_tokens = task.n_tokens;
    answers.question_truncated = task.plan.question_truncated;
    task.decoder->finish(answers);
    results[task.number] = std::move(answers);
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

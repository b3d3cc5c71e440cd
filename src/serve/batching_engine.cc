#include "serve/batching_engine.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <ctime>
#include <mutex>
#include <set>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/cpu.h"
#include "serve/admission.h"
#include "serve/engine_job.h"
#include "serve/window_queue.h"

namespace spanqa::serve {
namespace {

using Ticket = Engine::Ticket;
using Seconds = std::chrono::duration<double>;

constexpr int kNiceness = 2;
// Of so many first passes the very first makes primitives and brings the weights into memory; the best of the others
// tells the speed.
constexpr int kFirstPasses = 4;
// English has about 4.5 bytes to a token. Only blanks, and words that no vocabulary has, have more than these.
constexpr std::size_t kMostBytesPerToken = 8;
// Of a request's time that one pass may take: its windows are done together, and what comes meanwhile waits for its
// end. Simulated at ten times capacity, passes that take a third of the deadline cost a tenth of the answers in time,
// passes that take two thirds a quarter.
constexpr double kPassShare = 0.125;
// Of the least time that a request still needs: with less left it is late. The speed varies by a tenth.
constexpr double kSurelyLate = 0.8;

/// A request under way. Callbacks and whatever changes the job are under its mutex.
struct Entry {
  Entry(Ticket own_ticket, std::unique_ptr<EngineJob> own_job, Engine::Done call_done, Engine::Progress call_progress)
      : ticket(own_ticket), job(std::move(own_job)), done(std::move(call_done)), progress(std::move(call_progress)) {}

  const Ticket ticket;
  const std::unique_ptr<EngineJob> job;
  std::mutex mutex;
  Engine::Done done;
  Engine::Progress progress;
  StageClock clock;                // under the engine's mutex
  std::atomic<bool> over = false;  // set once, under the engine's mutex: by who may call `done`, or by cancel()
};
using EntryPtr = std::shared_ptr<Entry>;

enum class Mode : std::uint8_t { kWide, kNarrow };

/// Windows of one request in a pass; they lie one after another.
struct Share {
  EntryPtr entry;
  std::vector<std::size_t> windows = {};
};

struct Pass {
  Mode mode = Mode::kNarrow;
  std::shared_ptr<const LoadedModel> model = nullptr;
  std::vector<Share> shares = {};
  std::size_t n_windows = 0;
  std::size_t n_tokens = 0;
  std::vector<EntryPtr> given_up = {};  // to be refused: they would be late
};

/// What a compute thread keeps from pass to pass.
struct Worker {
  Workspace narrow{1};
  std::optional<Workspace> wide;
  PackedBatch batch;
  SpanLogits logits;
};

double seconds_between(Clock::time_point begin, Clock::time_point end) { return Seconds(end - begin).count(); }

/// 0 where the system does not tell.
double cpu_seconds_of_thread() {
  timespec time{};
  if (::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) return 0.0;
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void lower_priority() {
  // Linux counts niceness by thread, and OpenMP's team inherits it. Where it is refused all run alike.
  const auto thread = static_cast<id_t>(::gettid());
  (void)::setpriority(PRIO_PROCESS, thread, ::getpriority(PRIO_PROCESS, thread) + kNiceness);
}

BatchingOptions with_defaults(BatchingOptions options) {
  if (options.n_threads <= 0) options.n_threads = usable_cores();
  if (options.n_wide_threads <= 0) options.n_wide_threads = options.n_threads;
  return options;
}

AdmissionOptions admission_options(const BatchingOptions& options) {
  return {.n_cores = options.n_threads,
          .queue_tokens = options.queue_tokens,
          .deadline = Seconds(options.deadline).count()};
}

/// Clients count bytes: `most_tokens` are told as so much of these contexts.
ApiError too_long(const EngineJob& job, std::size_t most_tokens) {
  const std::size_t n_bytes = job.n_context_bytes();
  const double share = static_cast<double>(most_tokens) / static_cast<double>(job.n_tokens());
  const auto limit = static_cast<std::uint64_t>(static_cast<double>(n_bytes) * share);
  return {.kind = ErrorKind::kContextTooLong,
          .message = fmt::format("the contexts have {} bytes together; about {} of such text can be read in time",
                                 n_bytes, limit),
          .limit = limit};
}

ApiError api_error(const Refusal& refusal, const EngineJob& job, std::size_t most_tokens) {
  switch (refusal.reason) {
    case RefusalReason::kBusy:
      return {.kind = ErrorKind::kQueueFull, .retry_after_seconds = refusal.seconds};
    case RefusalReason::kLate:
      return {.kind = ErrorKind::kDeadlineExceeded};
    case RefusalReason::kTooLong:
      return too_long(job, most_tokens);
  }
  SPANQA_CHECK(false);
}

void call_done(Entry& entry, EngineOutcome outcome) {
  const Engine::Done done = std::move(entry.done);
  done(std::move(outcome));
}

/// Of a request whose windows are all read. An answer that is late is none.
EngineOutcome outcome_of(Entry& entry) {
  EngineAnswer answer = entry.job->finish(entry.clock.times());
  if (Clock::now() > entry.job->deadline()) return refuse(ErrorKind::kDeadlineExceeded);
  return answer;
}

/// Taken out by end() before.
void refuse_all(const std::vector<EntryPtr>& entries, ErrorKind kind) {
  for (const EntryPtr& entry : entries) {
    const std::lock_guard lock(entry->mutex);
    call_done(*entry, refuse(kind));
  }
}

}  // namespace

struct BatchingEngine::Impl {
  explicit Impl(BatchingOptions given);
  ~Impl();

  // With the lock held.
  bool waits_little() const;
  std::optional<Mode> mode_for(bool is_first) const;
  int n_threads_of(Mode mode) const { return mode == Mode::kWide ? options.n_wide_threads : 1; }
  std::size_t pass_tokens(Mode mode) const;
  bool is_late(Ticket ticket, std::size_t n_left, std::size_t n_pass, Mode mode) const;
  std::optional<Refusal> refusal_of(const EngineJob& job, std::size_t n_tokens) const;
  void wake();
  Pass begin_pass(Mode mode);
  bool end(Entry& entry);
  std::vector<EntryPtr> take_expired();
  void learn_speed(std::size_t n_tokens, const CoreSpeed& speed);

  // Without it.
  std::optional<ApiError> refuse_unread(const EngineJob& job);
  std::optional<ApiError> admit(const EntryPtr& entry);
  void cancel(Ticket ticket);
  void compute(bool is_first);
  void run(Worker& worker, const Pass& pass);
  void account(const Pass& pass, Clock::time_point begin, double cpu_seconds);
  void hand_out(const Share& share, const Worker& worker, std::size_t sequence);
  void refuse_pass(const Pass& pass, const Error& error);

  const BatchingOptions options;
  std::atomic<Ticket> next_ticket = 1;

  mutable std::mutex mutex;
  std::condition_variable wake_first;  // the first thread, which alone runs wide passes
  std::condition_variable wake_rest;
  WindowQueue queue;
  Admission admission;
  std::unordered_map<Ticket, EntryPtr> entries;  // all that `done` may still be called for
  std::set<std::pair<Clock::time_point, Ticket>> deadlines;
  std::size_t n_in_flight = 0;  // tokens
  int n_running = 0;            // passes, until what came of them is handed out
  bool is_wide = false;         // a wide pass is among them
  bool is_stopping = false;
  int n_passes = 0;
  CoreSpeed best_first_speed = {};
  std::vector<std::thread> threads;
};

BatchingEngine::Impl::Impl(BatchingOptions given)
    : options(with_defaults(std::move(given))),
      admission(admission_options(options), {options.tokens_per_second, options.tokens_per_second}) {
  for (int i = 0; i < options.n_threads; ++i) threads.emplace_back([this, i] { compute(i == 0); });
}

BatchingEngine::Impl::~Impl() {
  std::unique_lock lock(mutex);
  is_stopping = true;
  lock.unlock();
  wake_first.notify_all();
  wake_rest.notify_all();
  for (std::thread& thread : threads) thread.join();
  std::vector<EntryPtr> left;
  left.reserve(entries.size());
  for (const auto& [ticket, entry] : entries) left.push_back(entry);
  for (const EntryPtr& entry : left) end(*entry);
  refuse_all(left, ErrorKind::kShuttingDown);
}

std::optional<Refusal> BatchingEngine::Impl::refusal_of(const EngineJob& job, std::size_t n_tokens) const {
  const double seconds_left = seconds_between(Clock::now(), job.deadline());
  return admission.refuse(queue, n_in_flight, n_tokens, seconds_left);
}

/// Before its texts cost any work, by their lengths: what this refuses admit() would, too long being what only it
/// knows.
std::optional<ApiError> BatchingEngine::Impl::refuse_unread(const EngineJob& job) {
  const std::size_t n_tokens = job.n_bytes() / kMostBytesPerToken;
  if (n_tokens == 0) return std::nullopt;
  const std::lock_guard lock(mutex);
  const auto refusal = refusal_of(job, n_tokens);
  if (!refusal || refusal->reason == RefusalReason::kTooLong) return std::nullopt;
  return api_error(*refusal, job, admission.most_tokens());
}

std::optional<ApiError> BatchingEngine::Impl::admit(const EntryPtr& entry) {
  const EngineJob& job = *entry->job;
  std::vector<std::uint32_t> window_tokens = job.window_tokens();
  const std::lock_guard lock(mutex);
  if (is_stopping) return ApiError{.kind = ErrorKind::kShuttingDown};
  if (const auto refusal = refusal_of(job, job.n_tokens())) {
    return api_error(*refusal, job, admission.most_tokens());
  }
  entries.emplace(entry->ticket, entry);
  deadlines.emplace(job.deadline(), entry->ticket);
  queue.push(entry->ticket, job.model()->generation, std::move(window_tokens));
  wake();
  return std::nullopt;
}

void BatchingEngine::Impl::cancel(Ticket ticket) {
  EntryPtr entry;  // outlives the lock: with it go the caller's callbacks
  const std::lock_guard lock(mutex);
  const auto found = entries.find(ticket);
  if (found == entries.end()) return;
  entry = found->second;
  end(*entry);
}

bool BatchingEngine::Impl::waits_little() const {
  return queue.n_tokens() <= options.batch_tokens * static_cast<std::size_t>(options.n_threads);
}

/// How a free thread may read now; nullopt: it waits.
std::optional<Mode> BatchingEngine::Impl::mode_for(bool is_first) const {
  if (queue.n_tokens() == 0 || is_wide) return std::nullopt;
  if (n_running > 0 || !waits_little()) return Mode::kNarrow;
  if (is_first) return Mode::kWide;
  return std::nullopt;  // the first thread is free too, and takes it
}

/// To be called when something changed that mode_for() looks at. One of the rest is enough: it wakes the next.
void BatchingEngine::Impl::wake() {
  if (mode_for(true)) wake_first.notify_one();
  if (mode_for(false)) wake_rest.notify_one();
}

std::size_t BatchingEngine::Impl::pass_tokens(Mode mode) const {
  const double seconds = kPassShare * Seconds(options.deadline).count();
  return std::clamp(admission.tokens_in(seconds, n_threads_of(mode)), std::size_t{1}, options.batch_tokens);
}

/// Would a request be late though all went well from now on? One that is alone is read all the same: nobody waits for
/// it, and its passes tell the speed.
bool BatchingEngine::Impl::is_late(Ticket ticket, std::size_t n_left, std::size_t n_pass, Mode mode) const {
  if (entries.size() == 1) return false;
  const std::size_t n_later = n_left - std::min(n_left, n_pass);
  const double needed =
      admission.seconds_for(n_pass, n_threads_of(mode)) + admission.seconds_for(n_later, options.n_threads);
  return seconds_between(Clock::now(), entries.at(ticket)->job->deadline()) < kSurelyLate * needed;
}

Pass BatchingEngine::Impl::begin_pass(Mode mode) {
  WindowQueue::Batch batch = queue.take(pass_tokens(mode), [&](Ticket ticket, std::size_t n_left, std::size_t n_pass) {
    return is_late(ticket, n_left, n_pass, mode);
  });
  std::sort(batch.windows.begin(), batch.windows.end(),
            [](const auto& a, const auto& b) { return std::tie(a.job, a.window) < std::tie(b.job, b.window); });
  Pass pass{.mode = mode, .n_windows = batch.windows.size(), .n_tokens = batch.n_tokens};
  const Clock::time_point now = Clock::now();
  for (const WindowQueue::Place& place : batch.windows) {
    if (pass.shares.empty() || pass.shares.back().entry->ticket != place.job) {
      pass.shares.push_back({.entry = entries.at(place.job), .windows = {}});
      pass.shares.back().entry->clock.pass_begins(now);
    }
    pass.shares.back().windows.push_back(place.window);
  }
  for (const Ticket ticket : batch.given_up) {
    pass.given_up.push_back(entries.at(ticket));
    end(*pass.given_up.back());
  }
  if (!pass.shares.empty()) pass.model = pass.shares.front().entry->job->model();
  n_in_flight += pass.n_tokens;
  ++n_running;
  is_wide = mode == Mode::kWide;
  return pass;
}

/// Takes a request out. True for who may call its `done`: nobody did, and nobody else will.
bool BatchingEngine::Impl::end(Entry& entry) {
  if (entry.over.exchange(true)) return false;
  queue.remove(entry.ticket);
  deadlines.erase({entry.job->deadline(), entry.ticket});
  entries.erase(entry.ticket);
  return true;
}

std::vector<EntryPtr> BatchingEngine::Impl::take_expired() {
  std::vector<EntryPtr> expired;
  const Clock::time_point now = Clock::now();
  while (!deadlines.empty() && deadlines.begin()->first < now) {
    expired.push_back(entries.at(deadlines.begin()->second));
    end(*expired.back());
  }
  return expired;
}

void BatchingEngine::Impl::learn_speed(std::size_t n_tokens, const CoreSpeed& speed) {
  if (n_passes <= kFirstPasses) ++n_passes;
  if (n_passes == 1 || !(speed.by_clock > 0.0)) return;
  if (n_passes > kFirstPasses) return admission.record(n_tokens, speed);
  best_first_speed = {.by_clock = std::max(best_first_speed.by_clock, speed.by_clock),
                      .by_cpu = std::max(best_first_speed.by_cpu, speed.by_cpu)};
  admission = Admission(admission_options(options), best_first_speed);
}

void BatchingEngine::Impl::compute(bool is_first) {
  lower_priority();
  Worker worker;
  std::unique_lock lock(mutex);
  while (!is_stopping) {
    if (std::vector<EntryPtr> expired = take_expired(); !expired.empty()) {
      lock.unlock();
      refuse_all(expired, ErrorKind::kDeadlineExceeded);
      expired.clear();  // without the lock: with a request go its callbacks
      lock.lock();
    } else if (const std::optional<Mode> mode = mode_for(is_first)) {
      {
        const Pass pass = begin_pass(*mode);
        wake();
        lock.unlock();
        refuse_all(pass.given_up, ErrorKind::kDeadlineExceeded);
        if (!pass.shares.empty()) run(worker, pass);
      }
      lock.lock();
      --n_running;
      if (*mode == Mode::kWide) is_wide = false;
      wake();
    } else {
      (is_first ? wake_first : wake_rest).wait(lock);
    }
  }
}

void BatchingEngine::Impl::run(Worker& worker, const Pass& pass) {
  worker.batch.clear();
  for (const Share& share : pass.shares) {
    for (const std::size_t window : share.windows) share.entry->job->append(window, worker.batch);
  }
  Workspace* workspace = &worker.narrow;
  if (pass.mode == Mode::kWide && options.n_wide_threads > 1) {
    if (!worker.wide) worker.wide.emplace(options.n_wide_threads);
    workspace = &*worker.wide;
  }
  const Clock::time_point begin = Clock::now();
  const double cpu_begin = cpu_seconds_of_thread();
  const Status status = pass.model->reader->model().forward(worker.batch, *workspace, worker.logits);
  account(pass, begin, cpu_seconds_of_thread() - cpu_begin);
  if (options.batch_done) {
    options.batch_done({.model = pass.model->name,
                        .n_windows = pass.n_windows,
                        .n_tokens = pass.n_tokens,
                        .is_wide = pass.mode == Mode::kWide});
  }
  if (!status) return refuse_pass(pass, status.error());
  std::size_t sequence = 0;
  for (const Share& share : pass.shares) {
    hand_out(share, worker, sequence);
    sequence += share.windows.size();
  }
}

void BatchingEngine::Impl::account(const Pass& pass, Clock::time_point begin, double cpu_seconds) {
  const std::lock_guard lock(mutex);
  const Clock::time_point now = Clock::now();
  for (const Share& share : pass.shares) share.entry->clock.pass_ends(now);
  n_in_flight -= pass.n_tokens;
  learn_speed(pass.n_tokens,
              core_speed(pass.n_tokens, n_threads_of(pass.mode), seconds_between(begin, now), cpu_seconds));
}

/// Gives one request its windows' logits, from a sequence of the batch on, and what follows from them.
void BatchingEngine::Impl::hand_out(const Share& share, const Worker& worker, std::size_t sequence) {
  Entry& entry = *share.entry;
  const std::lock_guard entry_lock(entry.mutex);
  if (entry.over) return;
  for (const std::size_t window : share.windows) {
    const std::uint32_t at = worker.batch.offsets[sequence++];
    entry.job->take(window, worker.logits.start.data() + at, worker.logits.end.data() + at);
  }
  if (entry.progress) entry.progress(entry.job->progress());
  if (!entry.job->is_complete()) return;
  EngineOutcome outcome = outcome_of(entry);
  std::unique_lock lock(mutex);
  const bool is_ours = end(entry);
  lock.unlock();
  if (is_ours) call_done(entry, std::move(outcome));
}

/// A batch that the model refuses: no text gives one, since tokenizer and weights were checked against each other.
void BatchingEngine::Impl::refuse_pass(const Pass& pass, const Error& error) {
  if (options.log) options.log(fmt::format("{}: a batch could not be read: {}", pass.model->name, error.message));
  std::vector<EntryPtr> failed;
  std::unique_lock lock(mutex);
  for (const Share& share : pass.shares) {
    if (end(*share.entry)) failed.push_back(share.entry);
  }
  lock.unlock();
  refuse_all(failed, ErrorKind::kInternal);
}

BatchingEngine::BatchingEngine(BatchingOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
BatchingEngine::~BatchingEngine() = default;

Engine::Ticket BatchingEngine::submit(EngineRequest request, Done done, Progress progress) {
  const Clock::time_point begin = Clock::now();
  const Ticket ticket = impl_->next_ticket++;
  auto job = std::make_unique<EngineJob>(std::move(request), impl_->options.cache);
  std::optional<ApiError> error = impl_->refuse_unread(*job);
  if (!error) error = job->tokenize();
  if (error) {
    done(tl::unexpected<ApiError>(*std::move(error)));
    return ticket;
  }
  const auto entry = std::make_shared<Entry>(ticket, std::move(job), std::move(done), std::move(progress));
  entry->clock.tokenized(begin, Clock::now());
  if (entry->job->is_complete()) {
    call_done(*entry, outcome_of(*entry));
  } else if (auto refusal = impl_->admit(entry)) {
    call_done(*entry, tl::unexpected<ApiError>(*std::move(refusal)));
  }
  return ticket;
}

void BatchingEngine::cancel(Ticket ticket) { impl_->cancel(ticket); }

std::optional<int> BatchingEngine::seconds_to_wait(std::size_t n_tokens) const {
  const std::lock_guard lock(impl_->mutex);
  const auto refusal =
      impl_->admission.refuse(impl_->queue, impl_->n_in_flight, n_tokens, Seconds(impl_->options.deadline).count());
  if (!refusal || refusal->reason != RefusalReason::kBusy) return std::nullopt;
  return refusal->seconds;
}

std::size_t BatchingEngine::queue_tokens() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->queue.n_tokens();
}

double BatchingEngine::tokens_per_second() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->admission.tokens_per_second();
}

}  // namespace spanqa::serve

#include "train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <span>
#include <system_error>

#include "base/cpu.h"
#include "base/file.h"
#include "base/folder_lock.h"
#include "nn/trainable_model.h"
#include "qa/evaluate.h"
#include "qa/reader.h"
#include "text/tokenizer.h"
#include "train/batches.h"
#include "train/checkpoint.h"
#include "train/checksum.h"
#include "train/optimizer.h"
#include "train/options_json.h"
#include "train/report.h"
#include "train/run_command.h"
#include "train/run_log.h"
#include "train/run_state.h"
#include "train/schedule.h"
#include "train/training_set.h"
#include "train/validation.h"

namespace spanqa {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kEvaluationFolder = ".evaluation";
// Micro-batches of a step that have a dropout of their own before the numbers of the next step begin.
constexpr std::uint64_t kStreamsPerStep = 1U << 16U;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

float share_or(double wanted, float configured) { return wanted < 0.0 ? configured : static_cast<float>(wanted); }

std::uint64_t checksum_of(const TrainingSet& set) {
  std::vector<std::uint32_t> numbers;
  numbers.reserve(3 * set.n_windows());
  for (std::size_t window = 0; window < set.n_windows(); ++window) {
    const WindowLabels labels = set.labels(window);
    numbers.insert(numbers.end(), {static_cast<std::uint32_t>(set.n_tokens(window)), labels.start, labels.end});
  }
  return checksum64(std::as_bytes(std::span(numbers)));
}

std::string counted_first(const SkippedQuestions& skipped) {
  return skipped.first.empty() ? std::string() : fmt::format(", the first: {}", skipped.first.front());
}

/// The run's folder, made and kept from other processes, without what a killed run left half done in it.
Result<FolderLock> take_output(const std::filesystem::path& output, bool resume) {
  std::error_code error;
  std::filesystem::create_directories(output, error);
  if (error)
    return fail(ErrorCode::kIo, fmt::format("{}: cannot make the folder: {}", output.string(), error.message()));
  SPANQA_ASSIGN(FolderLock lock, FolderLock::take(output));
  const bool holds_run = last_checkpoint(output).has_value() || std::filesystem::exists(output / "events.jsonl", error);
  if (holds_run && !resume) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: holds a run already; continue it with --resume, or name another --output folder",
                            output.string()));
  }
  SPANQA_TRY(remove_unfinished(output));
  std::filesystem::remove_all(output / kEvaluationFolder, error);
  return lock;
}

/// A folder for the time of one evaluation.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// How long the run had gone on, and trained, when the step that it is resumed behind was done.
CheckpointRecord times_of(const RunHistory& history, std::size_t step) {
  CheckpointRecord times;
  if (!history.checkpoints.empty() && history.checkpoints.back().step == step) times = history.checkpoints.back();
  if (times.seconds > 0.0 || history.steps.empty()) return times;
  // Killed before the checkpoint's line was written, or the line of an older version: nearly the same.
  times.seconds = history.steps.back().seconds;
  times.seconds_training = times.seconds;
  for (const EvaluationRecord& evaluation : history.evaluations) times.seconds_training -= evaluation.seconds;
  return times;
}

/// One run, from its first step or its last checkpoint on.
class TrainingRun {
 public:
  TrainingRun(const TrainOptions& options, const TrainObserver& observer)
      : options_(options),
        observer_(observer),
        n_threads_(options.n_threads > 0 ? options.n_threads : usable_cores()) {}

  Status open(bool resume);
  Result<TrainResult> run();

 private:
  struct Step {
    double loss = 0.0;
    double norm = 0.0;
    double learning_rate = 0.0;
    std::size_t n_windows = 0;
    std::size_t n_tokens = 0;
  };

  void notice(const std::string& line) const {
    if (observer_.on_notice) observer_.on_notice(line);
  }
  Status restore(const std::filesystem::path& folder, TrainingState stored);
  Status open_model(const ModelConfig& config, const std::filesystem::path& folder);
  Status open_data(const Tokenizer& tokenizer);
  Status open_log(bool resumed);
  void plan_run();
  void plan_batches();
  Status train_to_the_end();
  Status train_epoch();
  Error stop(Error error);
  Result<Step> step(std::span<const std::vector<std::uint32_t>> batches);
  Result<double> add_gradients(std::span<const std::vector<std::uint32_t>> batches, Step& step);
  Status record(const Step& step, double seconds);
  Status after_step(bool is_epoch_end);
  Status evaluate_now();
  Result<EvaluationRecord> evaluate_model();
  Status save();
  Status write_page(const std::string& state);
  Result<TrainResult> finish(const std::string& reason);
  Status export_best(const std::filesystem::path& folder);
  double seconds() const { return seconds_before_ + seconds_since(begun_); }
  double windows_per_second() const {
    return seconds_training_ > 0.0 ? static_cast<double>(state_.n_windows) / seconds_training_ : 0.0;
  }
  bool is_out_of_patience() const {
    return options_.patience > 0 && state_.n_evaluations_without_gain >= options_.patience;
  }
  bool is_over() const { return state_.step >= state_.n_steps || is_out_of_patience(); }

  TrainOptions options_;
  const TrainObserver& observer_;
  int n_threads_;
  std::optional<FolderLock> lock_;
  Clock::time_point begun_ = Clock::now();
  double seconds_before_ = 0.0;    // of the run, before it was resumed
  double seconds_training_ = 0.0;  // in steps, of the whole run
  double seconds_here_ = 0.0;      // in steps, of this process
  std::size_t windows_here_ = 0;   // trained on by this process
  std::optional<std::size_t> saved_step_;
  std::size_t seen_since_log_ = 0;
  std::size_t tokens_since_log_ = 0;
  double seconds_since_log_ = 0.0;

  std::unique_ptr<TrainableModel> model_;
  std::optional<Optimizer> optimizer_;
  std::optional<TrainingSet> set_;
  std::optional<RunLog> log_;
  std::optional<Schedule> schedule_;
  Batches batches_;
  RunState state_;
  std::optional<EvaluationRecord> best_;
};

Status TrainingRun::open(bool resume) {
  SPANQA_TRY(check_options(options_));
  SPANQA_ASSIGN(const ModelConfig config, read_model_config(options_.model));
  SPANQA_ASSIGN(const auto tokenizer, Tokenizer::open(options_.model));
  options_.windows = fit_windows(options_.windows, config, *tokenizer);
  if (!options_.validation.empty()) {
    SPANQA_TRY(check_validation(options_.validation, options_.validation_limit, *tokenizer, options_.windows,
                                options_.squad_v2));
  }
  SPANQA_ASSIGN(FolderLock lock, take_output(options_.output, resume));
  lock_.emplace(std::move(lock));
  const auto checkpoint = resume ? last_checkpoint(options_.output) : std::nullopt;
  if (resume && !checkpoint)
    notice(fmt::format("{} holds no checkpoint: the run begins anew", options_.output.string()));
  std::optional<TrainingState> stored;
  if (checkpoint) {
    SPANQA_ASSIGN(stored, open_checkpoint(*checkpoint));
    SPANQA_TRY(check_resumable(*stored, options_, *checkpoint));
  }
  SPANQA_TRY(open_model(config, checkpoint.value_or(options_.model)));
  if (checkpoint) SPANQA_TRY(restore(*checkpoint, *std::move(stored)));
  SPANQA_TRY(open_data(*tokenizer));
  plan_run();
  SPANQA_TRY(write_file(options_.output / "run.json", options_to_json(options_) + "\n"));
  return open_log(checkpoint.has_value());
}

Status TrainingRun::restore(const std::filesystem::path& folder, TrainingState stored) {
  state_ = std::move(stored.run);
  std::vector<float> first(model_->layout().n_floats());
  std::vector<float> second(model_->layout().n_floats());
  SPANQA_TRY(read_checkpoint_moments(folder, model_->layout(), {.first = first, .second = second}));
  optimizer_->restore(first, second, stored.n_optimizer_steps);
  saved_step_ = state_.step;
  notice(fmt::format("resumed from {}, step {}", folder.string(), state_.step));
  return {};
}

Status TrainingRun::open_model(const ModelConfig& config, const std::filesystem::path& folder) {
  const TrainableOptions trainable{.precision = options_.precision,
                                   .n_threads = n_threads_,
                                   .hidden_dropout = share_or(options_.hidden_dropout, config.hidden_dropout),
                                   .attention_dropout = share_or(options_.attention_dropout, config.attention_dropout),
                                   .head_dropout = share_or(options_.head_dropout, config.head_dropout),
                                   .label_smoothing = static_cast<float>(options_.label_smoothing),
                                   .frozen_layers = static_cast<int>(options_.frozen_layers),
                                   .seed = options_.seed};
  SPANQA_ASSIGN(model_, TrainableModel::open(folder, trainable));
  optimizer_.emplace(model_->layout(), optimizer_options(options_), n_threads_);
  if (model_->has_new_head()) notice("the model has no answer head: a new one is drawn, as fine-tuning begins");
  return {};
}

Status TrainingRun::open_data(const Tokenizer& tokenizer) {
  SPANQA_ASSIGN(TrainingSet set, TrainingSet::load(options_, tokenizer, options_.windows, n_threads_));
  set_.emplace(std::move(set));
  const TrainingSetCounts& counts = set_->counts();
  notice(fmt::format("{} questions, {} windows, {} with an answer, {:.0f} tokens a window", counts.n_questions,
                     counts.n_windows, counts.n_answer_windows,
                     static_cast<double>(counts.n_tokens) / static_cast<double>(counts.n_windows)));
  const auto passed_over = [&](const SkippedQuestions& skipped, const char* why) {
    if (skipped.n > 0) notice(fmt::format("passed over {} questions: {}{}", skipped.n, why, counted_first(skipped)));
  };
  passed_over(counts.misplaced, "the answer does not stand at its place");
  passed_over(counts.long_questions, "too long for a window");
  passed_over(counts.unanswerable, "no answer, and squad_v2 is off");
  passed_over(counts.without_golds, "the file gives no answers");
  const std::uint64_t checksum = checksum_of(*set_);
  if (state_.step > 0 && state_.data_checksum != checksum) {
    return fail(
        ErrorCode::kMismatch,
        fmt::format("{}: the training files are not those that the run began with; put them back, or begin a new "
                    "run in another folder",
                    options_.output.string()));
  }
  state_.data_checksum = checksum;
  return {};
}

void TrainingRun::plan_run() {
  const RunLength length = run_length(options_, plan_epoch(set_->lengths(), batch_options(options_, 0)).size());
  state_.n_steps = length.n_steps;
  schedule_.emplace(options_.schedule, length.n_warmup_steps, length.n_steps);
  plan_batches();
}

void TrainingRun::plan_batches() {
  batches_ = plan_epoch(set_->lengths(), batch_options(options_, state_.epoch_index));
}

Status TrainingRun::open_log(bool resumed) {
  const auto settings = option_texts(options_);
  auto log =
      resumed ? RunLog::resume(options_.output, state_.step, settings) : RunLog::start(options_.output, settings);
  if (resumed && !log && log.error().code == ErrorCode::kNotFound) {
    notice(fmt::format("{} holds no events.jsonl: curves begin at step {}", options_.output.string(), state_.step));
    log = RunLog::start(options_.output, settings);
  }
  if (!log) return tl::unexpected<Error>(std::move(log).error());
  log_.emplace(*std::move(log));
  if (const EvaluationRecord* best = best_evaluation(log_->history())) best_ = *best;
  const CheckpointRecord times = times_of(log_->history(), state_.step);
  seconds_before_ = times.seconds;
  seconds_training_ = times.seconds_training;
  return {};
}

Result<TrainResult> TrainingRun::run() {
  if (const Status trained = train_to_the_end(); !trained) return tl::unexpected<Error>(stop(trained.error()));
  return finish(is_out_of_patience() ? "patience" : "finished");
}

Status TrainingRun::train_to_the_end() {
  if (state_.is_evaluation_due) {
    SPANQA_TRY(evaluate_now());
    SPANQA_TRY(save());
  }
  while (!is_over()) SPANQA_TRY(train_epoch());
  return {};
}

// Keeps what can be kept: the error is what the user is to see, not what fails after it.
Error TrainingRun::stop(Error error) {
  const bool is_interrupted = error.code == ErrorCode::kCancelled;
  if (is_interrupted || state_.is_evaluation_due) {
    if (const Status saved = save(); !saved && is_interrupted) return saved.error();
  }
  [[maybe_unused]] const Status page = write_page(fmt::format("stopped at step {}", state_.step));
  [[maybe_unused]] const Status logged = log_->end(state_.step, is_interrupted ? "interrupted" : error.message);
  const auto last = last_checkpoint(options_.output);
  if (!is_interrupted && last && error.message.find(last->filename().string()) == std::string::npos) {
    error.message += fmt::format("; {} is whole: mend that, and --resume continues from it", last->string());
  }
  return error;
}

// From where the epoch stands to its end, or the run's.
Status TrainingRun::train_epoch() {
  while (state_.batches_done < batches_.size() && !is_over()) {
    if (observer_.cancelled) SPANQA_TRY(observer_.cancelled());
    const auto begun = Clock::now();
    const std::size_t n = std::min(options_.accumulation_steps, batches_.size() - state_.batches_done);
    SPANQA_ASSIGN(const Step done, step(std::span(batches_).subspan(state_.batches_done, n)));
    state_.batches_done += n;
    ++state_.step;
    state_.epoch = static_cast<double>(state_.epoch_index) +
                   static_cast<double>(state_.batches_done) / static_cast<double>(batches_.size());
    SPANQA_TRY(record(done, seconds_since(begun)));
    const bool is_epoch_end = state_.batches_done == batches_.size();
    if (is_epoch_end) {
      ++state_.epoch_index;
      state_.batches_done = 0;
      plan_batches();
    }
    SPANQA_TRY(after_step(is_epoch_end || state_.step >= state_.n_steps));
    if (is_epoch_end) break;
  }
  return {};
}

Result<double> TrainingRun::add_gradients(std::span<const std::vector<std::uint32_t>> batches, Step& step) {
  PackedBatch packed;
  std::vector<WindowLabels> places;
  std::vector<SpanLabel> labels;
  std::uint64_t stream = static_cast<std::uint64_t>(state_.step) * kStreamsPerStep;
  double loss = 0.0;
  const auto flush = [&]() -> Status {
    for (std::size_t i = 0; i < labels.size(); ++i) {
      labels[i].start = places[i].start;
      labels[i].end = places[i].end;
    }
    SPANQA_ASSIGN(const double part, model_->add_gradients(packed, labels, stream++));
    loss += part;
    packed.clear();
    places.clear();
    labels.clear();
    return {};
  };
  for (const std::vector<std::uint32_t>& batch : batches) {
    const double share = 1.0 / static_cast<double>(batch.size() * batches.size());
    for (const std::uint32_t window : batch) {
      if (!labels.empty() && packed.n_tokens() + set_->n_tokens(window) > kMicroBatchTokens) SPANQA_TRY(flush());
      set_->append(window, packed, places);
      labels.push_back({.weight = static_cast<float>(share) * set_->weight(window)});
      step.n_tokens += set_->n_tokens(window);
      state_.total_flops += training_flops(model_->config(), set_->n_tokens(window));
    }
    step.n_windows += batch.size();
  }
  SPANQA_TRY(flush());
  return loss;
}

Result<TrainingRun::Step> TrainingRun::step(std::span<const std::vector<std::uint32_t>> batches) {
  Step step;
  SPANQA_ASSIGN(step.loss, add_gradients(batches, step));
  step.learning_rate = options_.learning_rate * schedule_->factor(state_.step);
  step.norm = optimizer_->step(step.learning_rate, model_->weights(), model_->gradients(), model_->touched_words());
  model_->clear_touched_words();
  if (!std::isfinite(step.loss) || !std::isfinite(step.norm)) {
    const auto last = last_checkpoint(options_.output);
    return fail(
        ErrorCode::kCorrupt,
        fmt::format("step {}: the loss is no longer a finite number (loss {}, gradient norm {}); lower the "
                    "learning rate, now {}, or lengthen the warm-up; {}",
                    state_.step + 1, step.loss, step.norm, options_.learning_rate,
                    last ? "the last checkpoint is whole: " + last->string() : "no checkpoint was written yet"));
  }
  model_->lay_out_weights();
  return step;
}

Status TrainingRun::record(const Step& step, double seconds) {
  seconds_training_ += seconds;
  seconds_since_log_ += seconds;
  seconds_here_ += seconds;
  windows_here_ += step.n_windows;
  seen_since_log_ += step.n_windows;
  tokens_since_log_ += step.n_tokens;
  state_.n_windows += step.n_windows;
  state_.n_tokens += step.n_tokens;
  ++state_.n_unlogged_steps;
  state_.unlogged_loss += step.loss;
  state_.unlogged_gradient_norm += step.norm;
  const double speed = static_cast<double>(windows_here_) / seconds_here_;
  const double windows_left = static_cast<double>(state_.n_windows) *
                              (static_cast<double>(state_.n_steps) / static_cast<double>(state_.step) - 1.0);
  StepRecord record{.step = state_.step,
                    .n_steps = state_.n_steps,
                    .epoch = state_.epoch,
                    .loss = step.loss,
                    .learning_rate = step.learning_rate,
                    .gradient_norm = step.norm,
                    .windows_per_second = speed,
                    .tokens_per_second = static_cast<double>(step.n_tokens) / seconds,
                    .seconds = this->seconds(),
                    .seconds_left = windows_left / speed,
                    .peak_memory_bytes = peak_memory_bytes()};
  const bool is_logged = state_.step % options_.log_every == 0 || state_.step == state_.n_steps;
  if (is_logged) {
    const auto n = static_cast<double>(state_.n_unlogged_steps);
    StepRecord mean = record;
    mean.loss = state_.unlogged_loss / n;
    mean.gradient_norm = state_.unlogged_gradient_norm / n;
    mean.windows_per_second = static_cast<double>(seen_since_log_) / seconds_since_log_;
    mean.tokens_per_second = static_cast<double>(tokens_since_log_) / seconds_since_log_;
    SPANQA_TRY(log_->add(mean));
    state_.log.push_back(log_entry(mean));
    state_.n_unlogged_steps = 0;
    state_.unlogged_loss = state_.unlogged_gradient_norm = 0.0;
    seen_since_log_ = tokens_since_log_ = 0;
    seconds_since_log_ = 0.0;
    record.loss = mean.loss;
    record.gradient_norm = mean.gradient_norm;
  }
  if (observer_.on_step) observer_.on_step(record);
  return {};
}

// Evaluates and saves where it is time to.
Status TrainingRun::after_step(bool is_epoch_end) {
  const auto is_due = [&](std::size_t every) { return every == 0 ? is_epoch_end : state_.step % every == 0; };
  const bool is_save_due = is_due(options_.save_every);
  bool is_best = false;
  if (!options_.validation.empty() && (is_due(options_.evaluate_every) || state_.step == state_.n_steps)) {
    state_.is_evaluation_due = true;
    if (is_save_due) SPANQA_TRY(save());  // an evaluation is long: killed in it, a run has lost no step
    SPANQA_TRY(evaluate_now());
    is_best = state_.best_step == state_.step;
  }
  if (is_best || is_save_due || is_over()) SPANQA_TRY(save());
  return {};
}

Status TrainingRun::evaluate_now() {
  SPANQA_ASSIGN(EvaluationRecord record, evaluate_model());
  state_.is_evaluation_due = false;
  saved_step_.reset();  // what a checkpoint of this step holds, if there is one, is no longer all
  record.is_best = !state_.best_f1 || record.f1 > *state_.best_f1;
  if (record.is_best) {
    state_.best_f1 = record.f1;
    state_.best_step = state_.step;
    state_.n_evaluations_without_gain = 0;
    best_ = record;
  } else {
    ++state_.n_evaluations_without_gain;
  }
  state_.log.push_back(log_entry(record));
  SPANQA_TRY(log_->add(record));
  SPANQA_TRY(write_page(fmt::format("step {} of {}", state_.step, state_.n_steps)));
  if (observer_.on_evaluation) observer_.on_evaluation(record);
  return {};
}

// The model as any reader would open it, so that what is scored is what is shipped.
Result<EvaluationRecord> TrainingRun::evaluate_model() {
  const TemporaryFolder folder(options_.output / kEvaluationFolder);
  SPANQA_TRY(export_model(folder.path(),
                          {.base = options_.model, .layout = model_->layout(), .weights = model_->weights()},
                          DType::kFloat32));
  SPANQA_ASSIGN(const auto reader, Reader::open(folder.path(), {.n_threads = n_threads_}));
  EvaluateOptions options;
  options.windows = options_.windows;
  options.limit = options_.validation_limit;
  options.with_loss = true;
  options.cancelled = observer_.cancelled;
  if (options_.squad_v2) options.version_2 = true;
  SPANQA_ASSIGN(EvaluationReport report,
                evaluate(*reader, options_.validation, options, [&](double share, const AnswerStreamCounts&) {
                  if (observer_.on_evaluation_progress) {
                    observer_.on_evaluation_progress(share);
                  }
                }));
  EvaluationRecord record;
  record.step = state_.step;
  record.epoch = state_.epoch;
  record.seconds = report.seconds;
  record.loss = report.loss.value_or(0.0);
  for (const MetricValue& metric : report.metrics) {
    if (metric.name == "exact_match" || metric.name == "exact") record.exact = metric.value;
    if (metric.name == "f1") record.f1 = metric.value;
  }
  record.metrics = std::move(report.metrics);
  record.slices = std::move(report.slices);
  record.worst = std::move(report.worst);
  return record;
}

Status TrainingRun::save() {
  if (saved_step_ == state_.step) return {};
  SPANQA_TRY(log_->sync());  // a checkpoint's past lasts as long as the checkpoint
  SPANQA_ASSIGN(const std::filesystem::path folder,
                write_checkpoint(options_.output, {.options = options_,
                                                   .run = state_,
                                                   .base = options_.model,
                                                   .layout = model_->layout(),
                                                   .weights = model_->weights(),
                                                   .first_moments = optimizer_->first_moments(),
                                                   .second_moments = optimizer_->second_moments(),
                                                   .n_optimizer_steps = optimizer_->n_steps()}));
  saved_step_ = state_.step;
  CheckpointsToKeep keep{.limit = options_.checkpoint_limit, .newest = state_.step};
  if (state_.best_f1) keep.best = state_.best_step;
  SPANQA_TRY(rotate_checkpoints(options_.output, keep));
  const CheckpointRecord record{.step = state_.step,
                                .folder = folder.filename().string(),
                                .seconds = seconds(),
                                .seconds_training = seconds_training_};
  SPANQA_TRY(log_->add(record));
  if (observer_.on_checkpoint) observer_.on_checkpoint(record);
  return {};
}

Status TrainingRun::write_page(const std::string& state) {
  const auto settings = option_texts(options_);
  const TrainingSetCounts& counts = set_->counts();
  const RunSummary summary{.title = options_.output.filename().string(),
                           .model = options_.model.string(),
                           .state = state,
                           .command = run_command(options_),
                           .machine = fmt::format("{}, {} thread{}, {} products", cpu_info().model, n_threads_,
                                                  n_threads_ == 1 ? "" : "s", precision_name(options_.precision)),
                           .counts = {{"training questions", fmt::format("{}", counts.n_questions)},
                                      {"training windows", fmt::format("{}", counts.n_windows)},
                                      {"windows with an answer", fmt::format("{}", counts.n_answer_windows)},
                                      {"questions passed over", fmt::format("{}", counts.n_skipped())}},
                           .seconds = seconds(),
                           .windows_per_second = windows_per_second(),
                           .peak_memory_bytes = peak_memory_bytes()};
  return write_report(options_.output / "report.html", summary, settings, log_->history());
}

Status TrainingRun::export_best(const std::filesystem::path& folder) {
  const bool is_best_here = !state_.best_f1 || state_.best_step == state_.step;
  std::vector<float> stored(is_best_here ? 0 : model_->layout().n_floats());
  if (!is_best_here) {
    const std::filesystem::path best = options_.output / fmt::format("checkpoint-{}", state_.best_step);
    SPANQA_TRY(read_checkpoint_weights(best, model_->layout(), stored));
  }
  const std::span<const float> weights = is_best_here ? std::span<const float>(model_->weights()) : stored;
  return export_model(folder, {.base = options_.model, .layout = model_->layout(), .weights = weights},
                      DType::kFloat32);
}

Result<TrainResult> TrainingRun::finish(const std::string& reason) {
  SPANQA_TRY(save());
  TrainResult result;
  result.n_steps = state_.step;
  result.model = options_.output / kModelFolder;
  SPANQA_TRY(export_best(result.model));
  SPANQA_TRY(write_page(reason));
  SPANQA_TRY(log_->end(state_.step, reason));
  result.last_checkpoint = last_checkpoint(options_.output).value_or(std::filesystem::path());
  result.best_checkpoint =
      state_.best_f1 ? options_.output / fmt::format("checkpoint-{}", state_.best_step) : result.last_checkpoint;
  result.best = best_;
  result.seconds = seconds();
  result.windows_per_second = windows_per_second();
  result.peak_memory_bytes = peak_memory_bytes();
  return result;
}

}  // namespace

Result<TrainResult> train(const TrainOptions& options, bool resume, const TrainObserver& observer) {
  TrainingRun run(options, observer);
  SPANQA_TRY(run.open(resume));
  return run.run();
}

}  // namespace spanqa

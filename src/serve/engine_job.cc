#include "serve/engine_job.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace spanqa::serve {
namespace {

/// The request's options with what was fitted for the model where the request leaves it open.
AskOptions options_for(const Reader& reader, const AnswerRequest& request) {
  AskOptions options = request.options;
  options.measure = {};
  if (auto* run_qa = std::get_if<RunQaOptions>(&options.decoder)) {
    run_qa->null_threshold =
        static_cast<float>(request.no_answer_threshold.value_or(reader.settings().null_score_diff_threshold));
  }
  return options;
}

ApiError api_error(Error error) {
  if (error.code == ErrorCode::kInvalidArgument) {
    return {.kind = ErrorKind::kInvalidField, .message = std::move(error.message)};
  }
  return {.kind = ErrorKind::kInternal};
}

KeptWindow kept_window(const WindowLogits& logits) {
  return {.start = {logits.start, logits.start + logits.n_tokens},
          .end = {logits.end, logits.end + logits.n_tokens},
          .context_position = logits.context_position,
          .context_begin = logits.context_begin,
          .n_context = logits.n_context};
}

}  // namespace

void StageClock::tokenized(Clock::time_point begin, Clock::time_point end) {
  tokenize_ = end - begin;
  waits_since_ = last_end_ = end;
}

void StageClock::pass_begins(Clock::time_point now) {
  if (n_passes_++ == 0) busy_since_ = now;
}

void StageClock::pass_ends(Clock::time_point now) {
  SPANQA_CHECK(n_passes_ > 0);
  if (--n_passes_ > 0) return;
  inference_ += now - busy_since_;
  last_end_ = now;
}

EngineTimes StageClock::times() const {
  return {.tokenize = tokenize_, .queue = (last_end_ - waits_since_) - inference_, .inference = inference_};
}

EngineJob::EngineJob(EngineRequest request, std::shared_ptr<AnswerCache> cache)
    : asked_(std::move(request)), cache_(std::move(cache)) {
  SPANQA_CHECK(asked_.model != nullptr && asked_.model->reader != nullptr);
  for (const QuestionPair& place : asked_.request.pairs) {
    SPANQA_CHECK(place.question < asked_.request.questions.size());
    SPANQA_CHECK(place.document < asked_.request.documents.size());
  }
  asked_.request.options = options_for(*asked_.model->reader, asked_.request);
  if (cache_ != nullptr && !cache_->is_on()) cache_ = nullptr;
  pairs_.resize(asked_.request.pairs.size());
  if (cache_ != nullptr) look_up_pairs();
}

void EngineJob::look_up_pairs() {
  const AnswerRequest& request = asked_.request;
  std::vector<Digest> questions;
  std::vector<Digest> documents;
  questions.reserve(request.questions.size());
  documents.reserve(request.documents.size());
  for (const std::string& question : request.questions) questions.push_back(sha256(question));
  for (const Document& document : request.documents) documents.push_back(sha256(document.text));
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    const QuestionPair& place = request.pairs[i];
    pairs_[i].key =
        answer_key(asked_.model->generation, request.options, questions[place.question], documents[place.document]);
    if (!asked_.keep_windows) pairs_[i].cached = cache_->find(pairs_[i].key);
  }
}

std::size_t EngineJob::n_bytes() const {
  std::size_t n = 0;
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    if (pairs_[i].cached != nullptr) continue;
    const QuestionPair& place = asked_.request.pairs[i];
    n += asked_.request.questions[place.question].size() + asked_.request.documents[place.document].text.size();
  }
  return n;
}

std::size_t EngineJob::n_context_bytes() const {
  std::size_t n = 0;
  for (const Document& document : asked_.request.documents) n += document.text.size();
  return n;
}

std::optional<ApiError> EngineJob::tokenize() {
  if (Status status = start_pairs(); !status) return api_error(std::move(status).error());
  return std::nullopt;
}

Status EngineJob::start_pairs() {
  contexts_.resize(asked_.request.documents.size());
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    Pair& pair = pairs_[i];
    pair.first_window = n_windows_;
    if (pair.cached != nullptr) {
      n_cached_windows_ += pair.cached->n_windows;
    } else {
      SPANQA_TRY(start_reading(asked_.request.pairs[i], pair));
    }
  }
  return {};
}

Status EngineJob::start_reading(const QuestionPair& place, Pair& pair) {
  const AnswerRequest& request = asked_.request;
  const Question question{.question = request.questions[place.question],
                          .context = request.documents[place.document].text};
  auto& context = contexts_[place.document];
  SPANQA_ASSIGN(pair.reading, Reading::start(*asked_.model->reader, question, request.options, context));
  context = pair.reading->context();
  if (asked_.keep_windows) pair.kept.resize(pair.reading->n_windows());
  n_windows_ += pair.reading->n_windows();
  n_tokens_ += pair.reading->n_tokens();
  return {};
}

std::vector<std::uint32_t> EngineJob::window_tokens() const {
  std::vector<std::uint32_t> tokens;
  tokens.reserve(n_windows_);
  for (const Pair& pair : pairs_) {
    const std::size_t n = pair.reading ? pair.reading->n_windows() : 0;
    for (std::size_t w = 0; w < n; ++w) tokens.push_back(static_cast<std::uint32_t>(pair.reading->n_tokens(w)));
  }
  return tokens;
}

/// Pairs without windows begin where the next one with windows does: the last that begins there is the one.
std::size_t EngineJob::pair_of(std::size_t window) const {
  SPANQA_CHECK(window < n_windows_);
  const auto after = std::upper_bound(pairs_.begin(), pairs_.end(), window,
                                      [](std::size_t w, const Pair& pair) { return w < pair.first_window; });
  return static_cast<std::size_t>(after - pairs_.begin()) - 1;
}

void EngineJob::append(std::size_t window, PackedBatch& batch) const {
  const Pair& pair = pairs_[pair_of(window)];
  pair.reading->append(window - pair.first_window, batch);
}

void EngineJob::take(std::size_t window, const float* start, const float* end) {
  last_pair_ = pair_of(window);
  Pair& pair = pairs_[last_pair_];
  const std::size_t number = window - pair.first_window;
  if (asked_.keep_windows) pair.kept[number] = kept_window(pair.reading->logits(number, start, end));
  pair.reading->take(number, start, end);
  ++n_taken_;
}

EngineProgress EngineJob::progress() const {
  return {.windows_done = n_cached_windows_ + n_taken_,
          .windows_total = n_cached_windows_ + n_windows_,
          .pair = last_pair_,
          .best = pairs_[last_pair_].reading->best()};
}

EngineAnswer EngineJob::finish(EngineTimes times) {
  SPANQA_CHECK(is_complete());
  EngineAnswer answer;
  const WindowOptions windows = asked_.model->reader->effective(asked_.request.options.windows);
  answer.max_length = windows.max_length;
  answer.overlap = windows.overlap;
  answer.times = times;
  answer.times.cached = n_windows_ == 0 && !pairs_.empty();
  for (Pair& pair : pairs_) {
    if (pair.cached != nullptr) {
      answer.by_pair.push_back(*pair.cached);
      continue;
    }
    answer.by_pair.push_back(pair.reading->finish());
    if (cache_ != nullptr) cache_->insert(pair.key, answer.by_pair.back());
    if (!asked_.keep_windows) continue;
    answer.windows.push_back(std::move(pair.kept));
    answer.contexts.push_back(pair.reading->context());
  }
  answer.request = std::move(asked_.request);
  return answer;
}

}  // namespace spanqa::serve

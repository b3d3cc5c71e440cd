#include "serve/api_answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "answer/merge.h"
#include "base/check.h"
#include "serve/event_stream.h"
#include "serve/response_body.h"
#include "serve/token_probabilities.h"

namespace spanqa::serve {
namespace {

/// Progress is for people: more of it would cost time that reading needs (each event indexes its document).
constexpr auto kProgressInterval = std::chrono::milliseconds(100);

/// Of a response where each pair has answers of its own: one costs kilobytes while it is written, its sentence among
/// them. What every field allows is 200,000.
constexpr std::size_t kMostAnswers = 10'000;

double ms_of(std::chrono::nanoseconds time) { return std::chrono::duration<double, std::milli>(time).count(); }

/// The pairs of one question: they stand one after another.
struct PairRange {
  std::size_t begin = 0;
  std::size_t end = 0;
};

std::vector<PairRange> pairs_by_question(const AnswerRequest& request) {
  std::vector<PairRange> ranges;
  for (std::size_t i = 0; i < request.pairs.size(); ++i) {
    if (i == 0 || request.pairs[i].question != request.pairs[i - 1].question) ranges.push_back({i, i});
    ranges.back().end = i + 1;
  }
  return ranges;
}

MergeOptions merge_options(const AnswerRequest& request, int top_k, const QaSettings& fitted) {
  const bool comparable = std::holds_alternative<GlobalOptions>(request.options.decoder);
  const auto most = static_cast<int>(std::max(kMostAnswers / request.pairs.size(), std::size_t{1}));
  return {.comparable = comparable,
          .top_k = comparable ? top_k : std::min(top_k, most),
          .no_answer_threshold = request.no_answer_threshold.value_or(fitted.no_answer_threshold)};
}

std::vector<MergedAnswers> merged_answers(const AnswerRequest& request, const std::vector<Answers>& by_pair,
                                          const MergeOptions& options) {
  std::vector<MergedAnswers> merged;
  for (const PairRange& range : pairs_by_question(request)) {
    std::vector<DocumentAnswers> documents;
    for (std::size_t i = range.begin; i < range.end; ++i) {
      documents.push_back({.document = request.pairs[i].document, .answers = &by_pair[i]});
    }
    merged.push_back(merge_answers(documents, options));
  }
  return merged;
}

struct SeenWindow {
  std::size_t pair = 0;
  std::size_t window = 0;
};

/// The window of the best span, whatever "no answer" says; the first one where nothing was found.
SeenWindow best_window(const std::vector<Answers>& by_pair, const PairRange& range, bool comparable) {
  SeenWindow best{.pair = range.begin, .window = 0};
  const Answer* best_answer = nullptr;
  const auto value = [&](const Answer& answer) { return comparable ? answer.margin : answer.score; };
  for (std::size_t i = range.begin; i < range.end; ++i) {
    for (const Answer& answer : by_pair[i].answers) {
      if (answer.is_no_answer || (best_answer != nullptr && value(answer) <= value(*best_answer))) continue;
      best_answer = &answer;
      best = {.pair = i, .window = answer.window};
    }
  }
  return best;
}

/// The window that the first answer stands in.
SeenWindow answer_window(const EngineAnswer& found, const PairRange& range, const MergedAnswers& merged,
                         bool comparable) {
  if (merged.no_answer) return best_window(found.by_pair, range, comparable);
  const PlacedAnswer& first = merged.answers.front();
  for (std::size_t i = range.begin; i < range.end; ++i) {
    if (found.request.pairs[i].document == first.document) return {.pair = i, .window = first.answer.window};
  }
  return {.pair = range.begin, .window = 0};
}

std::vector<WindowProbabilities> probabilities_of(const EngineAnswer& found, const std::vector<MergedAnswers>& merged,
                                                  bool comparable) {
  const std::vector<PairRange> ranges = pairs_by_question(found.request);
  std::vector<WindowProbabilities> probabilities;
  for (std::size_t q = 0; q < ranges.size(); ++q) {
    const SeenWindow seen = answer_window(found, ranges[q], merged[q], comparable);
    SPANQA_CHECK(seen.pair < found.windows.size() && seen.window < found.windows[seen.pair].size());
    probabilities.push_back(token_probabilities(found.windows[seen.pair][seen.window], *found.contexts[seen.pair],
                                                found.request.pairs[seen.pair].document, seen.window));
  }
  return probabilities;
}

void add_times(HttpResponse& response, const EngineTimes& times) {
  const double queue = ms_of(times.queue);
  const double tokenize = ms_of(times.tokenize);
  const double inference = ms_of(times.inference);
  response.set("X-Queue-Time", fmt::format("{:.3f}", queue));
  response.set("X-Tokenize-Time", fmt::format("{:.3f}", tokenize));
  response.set("X-Inference-Time", fmt::format("{:.3f}", inference));
  response.set("Server-Timing",
               fmt::format("queue;dur={:.3f}, tokenize;dur={:.3f}, inference;dur={:.3f}", queue, tokenize, inference));
}

HttpResponse stream_head() {
  HttpResponse head;
  head.set("Content-Type", "text/event-stream");
  head.set("X-Accel-Buffering", "no");  // nginx would hold the events back
  return head;
}

/// One request with the engine. Its callbacks hold it.
class AnswerTask : public std::enable_shared_from_this<AnswerTask> {
 public:
  AnswerTask(const AnswerParts& parts, std::shared_ptr<ApiCall> call, AnswerCall asked,
             std::shared_ptr<const LoadedModel> model, Delivery delivery)
      : parts_(parts),
        call_(std::move(call)),
        asked_(std::move(asked)),
        model_(std::move(model)),
        delivery_(delivery) {}

  void start(Clock::time_point deadline) {
    EngineRequest request;
    request.model = model_;
    request.keep_windows = asked_.include_tokens;
    request.deadline = deadline;
    Engine::Progress progress;
    if (delivery_ == Delivery::kStream) {
      request.request = asked_.request;  // events tell places within the texts
      progress = [self = shared_from_this()](const EngineProgress& step) { self->progressed(step); };
    } else {
      request.request = std::move(asked_.request);
    }
    const Engine::Ticket ticket = parts_.engine.submit(
        std::move(request), [self = shared_from_this()](EngineOutcome outcome) { self->done(std::move(outcome)); },
        std::move(progress));
    if (delivery_ == Delivery::kStream) {
      const std::lock_guard lock(mutex_);
      open_stream();
    }
    // The exchange keeps this call, and the call the exchange: a weak pointer ends the circle.
    call_->on_gone([weak = std::weak_ptr<ApiCall>(call_), &engine = parts_.engine, ticket] {
      // Before the engine lets go of it, which may be the last who holds it.
      if (const auto call = weak.lock()) call->leave();
      engine.cancel(ticket);
    });
  }

 private:
  /// Once, unless the call has ended: a request that is refused at once gets its status. Under the mutex.
  void open_stream() {
    if (is_open_ || is_over_) return;
    is_open_ = true;
    call_->begin_stream(stream_head());
  }

  void progressed(const EngineProgress& step) {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    if (is_over_ || now < next_progress_) return;
    next_progress_ = now + kProgressInterval;
    open_stream();
    call_->send(progress_event(asked_, step));
  }

  void done(EngineOutcome outcome) {
    if (!outcome) {
      const std::lock_guard lock(mutex_);
      is_over_ = true;
      return call_->refuse(std::move(outcome).error());
    }
    auto found = std::make_shared<EngineAnswer>(*std::move(outcome));
    std::size_t size = 0;
    for (const Document& document : found->request.documents) size += document.text.size();
    const bool is_posted = size > parts_.inline_bytes &&
                           parts_.preparation.post(size, [self = shared_from_this(), found] { self->deliver(*found); });
    if (!is_posted) deliver(*found);
  }

  void deliver(EngineAnswer& found) {
    const CallFacts facts = facts_of(found);
    if (asked_.shape == AnswerShape::kFull) {
      finish(full(found), facts, found.times);
    } else {
      asked_.request = std::move(found.request);
      finish(pipeline_body(asked_, found.by_pair), facts, found.times);
    }
  }

  std::string full(EngineAnswer& found) {
    const MergeOptions options = merge_options(found.request, asked_.top_k, model_->reader->settings());
    FullAnswer full;
    full.model = model_->name;
    full.decoder = decoder_name(found.request.options.decoder);
    full.max_length = found.max_length;
    full.overlap = found.overlap;
    full.by_question = merged_answers(found.request, found.by_pair, options);
    if (asked_.include_tokens) full.probabilities = probabilities_of(found, full.by_question, options.comparable);
    full.times = {.tokenize = ms_of(found.times.tokenize),
                  .queue = ms_of(found.times.queue),
                  .inference = ms_of(found.times.inference),
                  .total = ms_of(Clock::now() - call_->begun()),
                  .cached = found.times.cached};
    asked_.request = std::move(found.request);
    return full_body(asked_, full);
  }

  void finish(std::string body, const CallFacts& facts, const EngineTimes& times) {
    if (delivery_ == Delivery::kStream) {
      const std::lock_guard lock(mutex_);
      open_stream();
      is_over_ = true;
      return call_->end_stream(answer_event(body), facts);
    }
    HttpResponse response = json_response(200, std::move(body));
    add_times(response, times);
    call_->respond(std::move(response), facts);
  }

  CallFacts facts_of(const EngineAnswer& found) const {
    CallFacts facts{.times = found.times};
    for (const Answers& answers : found.by_pair) {
      facts.n_windows += answers.n_windows;
      facts.n_tokens += answers.n_tokens;
    }
    if (parts_.log_text) {
      facts.question = found.request.questions.front();
      const std::vector<Answer>& first = found.by_pair.front().answers;
      if (!first.empty()) facts.answer = first.front().text;
    }
    return facts;
  }

  const AnswerParts parts_;
  const std::shared_ptr<ApiCall> call_;
  AnswerCall asked_;
  const std::shared_ptr<const LoadedModel> model_;
  const Delivery delivery_;

  std::mutex mutex_;  // of a stream: what is open and what is over
  bool is_open_ = false;
  bool is_over_ = false;
  Clock::time_point next_progress_;
};

}  // namespace

void answer_questions(const AnswerParts& parts, std::shared_ptr<ApiCall> call, AnswerCall asked,
                      std::shared_ptr<const LoadedModel> model, Clock::time_point deadline, Delivery delivery) {
  call->set_model(model->name);
  std::make_shared<AnswerTask>(parts, std::move(call), std::move(asked), std::move(model), delivery)->start(deadline);
}

}  // namespace spanqa::serve

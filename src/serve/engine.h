// What the API sees of reading: questions in, answers out, fairly and in time. Batching is behind it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "answer/answer_request.h"
#include "qa/reader.h"
#include "serve/api_error.h"

namespace spanqa::serve {

using Clock = std::chrono::steady_clock;

/// A model as requests hold it: a reload swaps the one that new requests get, and this one lives until the last of its
/// own is answered.
struct LoadedModel {
  std::string name;
  std::uint64_t generation = 0;  // no two loaded models share one, whatever their names; it goes up with each load
  std::shared_ptr<const Reader> reader;
};

/// One window's logits as the model gave them, kept where a request asks for its tokens.
struct KeptWindow {
  std::vector<float> start;          // [n_tokens], [CLS] first
  std::vector<float> end;            // [n_tokens]
  std::size_t context_position = 0;  // of the window's first context token
  std::size_t context_begin = 0;     // that token's index in the context
  std::size_t n_context = 0;
};

struct EngineRequest {
  std::shared_ptr<const LoadedModel> model;
  AnswerRequest request;
  bool keep_windows = false;
  Clock::time_point deadline = Clock::time_point::max();
};

/// Time that one request spent in each stage; of several batches the span from the first one's begin to the last one's
/// end, less the time in which none of its windows was being read.
struct EngineTimes {
  std::chrono::nanoseconds tokenize{};
  std::chrono::nanoseconds queue{};
  std::chrono::nanoseconds inference{};
  bool cached = false;  // every pair came from the answer cache
};

struct EngineAnswer {
  AnswerRequest request;                         // handed back: its texts are what the answers' places count in
  std::vector<Answers> by_pair;                  // in the order of request.pairs
  std::vector<std::vector<KeptWindow>> windows;  // by pair; empty unless keep_windows
  std::vector<std::shared_ptr<const TokenizedText>> contexts;  // by pair; empty unless keep_windows
  std::size_t max_length = 0;                                  // of a window, as it was in force
  std::size_t overlap = 0;
  EngineTimes times;
};

/// kQueueFull (with seconds to wait), kContextTooLong (with the bytes of such contexts that can be read, however little
/// there is to do), kDeadlineExceeded (it is over, or will be before all is read), kInvalidField (a pair that the
/// reader refuses), kShuttingDown (the engine ends) or kInternal.
using EngineOutcome = tl::expected<EngineAnswer, ApiError>;

/// How far a request has come: called each time windows of it are done.
struct EngineProgress {
  std::size_t windows_done = 0;
  std::size_t windows_total = 0;
  std::size_t pair = 0;        // whose windows were done last
  std::optional<Answer> best;  // of that pair so far
};

/// Threads: every call may run concurrently. Callbacks come from the engine's threads, one at a time for each request,
/// and must not block.
class Engine {
 public:
  using Done = std::function<void(EngineOutcome)>;
  using Progress = std::function<void(const EngineProgress&)>;
  using Ticket = std::uint64_t;

  Engine() = default;
  virtual ~Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Tokenises on the calling thread, then queues; does not wait. What there is no time for is refused by the length of
  /// its texts, before they are tokenised. `done` is called exactly once unless the request is
  /// cancelled, and may be called before submit() returns.
  virtual Ticket submit(EngineRequest request, Done done, Progress progress) = 0;
  /// Drops what has not begun. `done` is not called any more once this returns, except where a thread was about to.
  virtual void cancel(Ticket ticket) = 0;
  /// Would a request of so many tokens be taken now? Seconds to wait where not. Cheap: asked before a body is parsed.
  virtual std::optional<int> seconds_to_wait(std::size_t n_tokens) const = 0;
};

}  // namespace spanqa::serve

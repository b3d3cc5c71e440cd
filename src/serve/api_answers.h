// From a question that was understood to its answer on the way back: engine, merging, bodies, events.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "serve/api_call.h"
#include "serve/engine.h"
#include "serve/request_body.h"
#include "serve/worker.h"

namespace spanqa::serve {

/// All outlive the questions.
struct AnswerParts {
  Engine& engine;
  Worker& preparation;  // writes the bodies of long texts
  std::size_t inline_bytes = std::size_t{16} << 10;
  bool log_text = false;
};

enum class Delivery : std::uint8_t {
  kWhole,
  kStream,  // /v1/answer as events: windows done and the best answer so far, then the whole body
};

/// Asks the engine and ends the call with what comes of it. Where the client leaves, the work is cancelled.
/// Cost on the calling thread: that of Engine::submit; for kStream a copy of the texts.
void answer_questions(const AnswerParts& parts, std::shared_ptr<ApiCall> call, AnswerCall asked,
                      std::shared_ptr<const LoadedModel> model, Clock::time_point deadline, Delivery delivery);

}  // namespace spanqa::serve

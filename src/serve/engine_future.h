// The engine for callers who wait.
#pragma once

#include <future>
#include <memory>
#include <utility>

#include "serve/engine.h"

namespace spanqa::serve {

/// Submits. Not for the engine's own threads to wait on, nor to be cancelled.
inline std::future<EngineOutcome> submitted(Engine& engine, EngineRequest request, Engine::Progress progress = {}) {
  // Shared: whoever waits may be gone before set_value() returns.
  auto promise = std::make_shared<std::promise<EngineOutcome>>();
  std::future<EngineOutcome> outcome = promise->get_future();
  engine.submit(
      std::move(request), [promise = std::move(promise)](EngineOutcome given) { promise->set_value(std::move(given)); },
      std::move(progress));
  return outcome;
}

}  // namespace spanqa::serve

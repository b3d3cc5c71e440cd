// A parallel map over a stream that keeps the order and bounds what is in flight.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"

namespace spanqa {

/// Runs `work(worker_index, item)` on `n_threads` threads for every item that `source()` yields, and hands the results
/// to `sink` in the order of the items.
///
/// source: () -> Result<std::optional<Item>>; nullopt ends the stream. Called by one thread at a time, in order.
/// work:   (std::size_t worker_index, Item) -> Result<Out>; runs concurrently.
/// sink:   (Out) -> Status; called by one thread at a time, in order.
/// The first error in stream order ends everything: earlier items still reach the sink, the error is returned.
/// At most `n_threads * 2 + 2` items are in flight. With n_threads 1 all runs on the calling thread.
template <typename Source, typename Work, typename Sink>
Status ordered_parallel(std::size_t n_threads, Source source, Work work, Sink sink) {
  using Item = typename std::decay_t<decltype(*source())>::value_type;
  using Out = std::decay_t<decltype(*work(std::size_t{0}, std::declval<Item>()))>;

  if (n_threads <= 1) {
    while (true) {
      SPANQA_ASSIGN(std::optional<Item> item, source());
      if (!item) return {};
      SPANQA_ASSIGN(Out out, work(std::size_t{0}, std::move(*item)));
      SPANQA_TRY(sink(std::move(out)));
    }
  }

  struct Shared {
    std::mutex source_mutex;  // taken before `mutex`, never the other way round
    std::mutex mutex;
    std::condition_variable room;
    std::size_t n_taken = 0;
    std::size_t n_sunk = 0;
    bool sinking = false;
    bool stopped = false;  // an error, or the end of the stream
    std::map<std::size_t, Result<Out>> done;
    Status status;
    std::exception_ptr exception;  // from any of the three callbacks; rethrown by the caller's thread
  } shared;
  const std::size_t n_in_flight = n_threads * 2 + 2;

  // Passes finished results on in order. One thread sinks at a time; the others leave theirs in `done` and go on.
  const auto drain = [&] {
    std::unique_lock lock(shared.mutex);
    if (shared.sinking) return;
    shared.sinking = true;
    while (shared.status) {
      const auto next = shared.done.find(shared.n_sunk);
      if (next == shared.done.end()) break;
      Result<Out> out = std::move(next->second);
      shared.done.erase(next);
      Status status;
      if (out) {
        lock.unlock();
        status = sink(std::move(*out));
        lock.lock();
      } else {
        status = tl::unexpected<Error>(std::move(out).error());
      }
      if (!status) {
        shared.status = std::move(status);
        shared.stopped = true;
      }
      ++shared.n_sunk;
      shared.room.notify_all();
    }
    shared.sinking = false;
  };

  const auto take = [&](std::size_t& index) -> std::optional<Item> {
    const std::lock_guard source_lock(shared.source_mutex);
    {
      std::unique_lock lock(shared.mutex);
      shared.room.wait(lock, [&] { return shared.stopped || shared.n_taken - shared.n_sunk < n_in_flight; });
      if (shared.stopped) return std::nullopt;
    }
    Result<std::optional<Item>> item = source();
    const std::lock_guard lock(shared.mutex);
    if (item && *item) {
      index = shared.n_taken++;
      return std::move(*item);
    }
    shared.stopped = true;
    if (!item) shared.done.emplace(shared.n_taken++, tl::unexpected<Error>(std::move(item).error()));
    return std::nullopt;
  };

  const auto run = [&](std::size_t worker) {
    try {
      std::size_t index = 0;
      while (std::optional<Item> item = take(index)) {
        Result<Out> out = work(worker, std::move(*item));
        {
          const std::lock_guard lock(shared.mutex);
          if (!out) shared.stopped = true;  // later items are not started; earlier ones still reach the sink
          shared.done.emplace(index, std::move(out));
        }
        shared.room.notify_all();
        drain();
      }
      shared.room.notify_all();
      drain();
    } catch (...) {
      const std::lock_guard lock(shared.mutex);
      if (!shared.exception) shared.exception = std::current_exception();
      shared.stopped = true;
      shared.room.notify_all();
    }
  };

  {
    std::vector<std::jthread> threads;
    threads.reserve(n_threads);
    for (std::size_t i = 0; i < n_threads; ++i) threads.emplace_back(run, i);
  }
  if (shared.exception) std::rethrow_exception(shared.exception);
  drain();
  return std::move(shared.status);
}

}  // namespace spanqa

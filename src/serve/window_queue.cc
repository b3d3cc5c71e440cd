#include "serve/window_queue.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"

namespace spanqa::serve {

/// Tokens of a job that go in its next turn, at most.
std::size_t WindowQueue::one_turn(const Job& job) {
  if (job.n_left == 0) return 0;
  return std::min(job.n_left, std::max(kTurnTokens, std::size_t{job.window_tokens[job.next]}));
}

void WindowQueue::push(JobId job, ModelId model, std::vector<std::uint32_t> window_tokens) {
  SPANQA_CHECK(!places_.contains(job));
  if (window_tokens.empty()) return;
  const std::size_t n = std::accumulate(window_tokens.begin(), window_tokens.end(), std::size_t{0});
  Ring& ring = rings_[model];
  ring.push_back({.id = job, .window_tokens = std::move(window_tokens), .next = 0, .n_left = n});
  places_.emplace(job, JobPlace{model, std::prev(ring.end())});
  n_tokens_ += n;
  n_turn_tokens_ += one_turn(ring.back());
}

/// Of the batch once it is full.
std::size_t WindowQueue::pass_tokens(const Ring& ring, const Batch& batch, std::size_t budget) {
  std::size_t n = batch.n_tokens;
  for (auto job = ring.begin(); job != ring.end() && n < budget; ++job) n += job->n_left;
  return std::min(n, budget);
}

/// Gives `job` its turn within the budget; false where not even one of its windows fits any more.
bool WindowQueue::take_turn(Job& job, std::size_t budget, Batch& batch) {
  std::size_t n_turn = 0;
  while (job.next < job.window_tokens.size()) {
    const std::size_t n = job.window_tokens[job.next];
    const bool fits = batch.windows.empty() || batch.n_tokens + n <= budget;
    if (!fits) return n_turn > 0;
    if (n_turn > 0 && n_turn + n > kTurnTokens) return true;
    batch.windows.push_back({job.id, job.next});
    batch.n_tokens += n;
    n_turn += n;
    job.n_left -= n;
    ++job.next;
  }
  return true;
}

void WindowQueue::forget(Ring& ring, Ring::iterator job) {
  n_tokens_ -= job->n_left;
  n_turn_tokens_ -= one_turn(*job);
  places_.erase(job->id);
  ring.erase(job);
}

WindowQueue::Batch WindowQueue::take(std::size_t budget, const GivesUp& gives_up) {
  Batch batch;
  if (rings_.empty()) return batch;
  auto turn = rings_.upper_bound(last_model_);
  if (turn == rings_.end()) turn = rings_.begin();
  batch.model = last_model_ = turn->first;
  Ring& ring = turn->second;
  while (!ring.empty()) {
    const Job& next = ring.front();
    if (gives_up && gives_up(next.id, next.n_left, pass_tokens(ring, batch, budget))) {
      batch.given_up.push_back(next.id);
      forget(ring, ring.begin());
      continue;
    }
    const std::size_t before = batch.n_tokens;
    n_turn_tokens_ -= one_turn(ring.front());
    const bool went_on = take_turn(ring.front(), budget, batch);
    n_turn_tokens_ += one_turn(ring.front());
    n_tokens_ -= batch.n_tokens - before;
    if (!went_on) break;
    if (ring.front().next == ring.front().window_tokens.size()) {
      forget(ring, ring.begin());
    } else {
      ring.splice(ring.end(), ring, ring.begin());
    }
  }
  if (ring.empty()) rings_.erase(turn);
  return batch;
}

void WindowQueue::remove(JobId job) {
  const auto place = places_.find(job);
  if (place == places_.end()) return;
  const auto ring = rings_.find(place->second.model);
  forget(ring->second, place->second.job);
  if (ring->second.empty()) rings_.erase(ring);
}

std::size_t WindowQueue::tokens_before(std::size_t n) const {
  if (n <= kTurnTokens) return n + n_turn_tokens_;
  std::size_t sum = n;
  for (const auto& [model, ring] : rings_) {
    for (const Job& job : ring) sum += std::min(job.n_left, n);
  }
  return sum;
}

}  // namespace spanqa::serve

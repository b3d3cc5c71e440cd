// Which windows are read next: a fair queue of requests' windows with a budget of tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <unordered_map>
#include <vector>

namespace spanqa::serve {

/// Tokens that a request gets in its turn, at least one window: a full window of the default length. Smaller would not
/// be fairer (windows are not cut), larger would let a long document fill a batch that small questions wait for.
inline constexpr std::size_t kTurnTokens = 384;

/// Requests stand in a ring, one for each model, and get a turn each; models take turns batch by batch. So a small
/// request waits for one round at most, however long the others are, and a long one alone gets everything. The windows
/// of a request go in their order.
///
/// Threads: none of its own; the caller's lock covers every call. Cost: push O(windows), take O(windows taken), remove
/// O(1), tokens_before O(1) for what is read in one turn, else O(jobs).
class WindowQueue {
 public:
  using JobId = std::uint64_t;
  using ModelId = std::uint64_t;  // of a loaded model: a batch holds windows of one alone

  /// `window_tokens`: of each window, none empty. The id must be new; a job without windows is not kept.
  void push(JobId job, ModelId model, std::vector<std::uint32_t> window_tokens);

  struct Place {
    JobId job = 0;
    std::size_t window = 0;
    friend bool operator==(const Place&, const Place&) = default;
  };
  struct Batch {
    ModelId model = 0;
    std::vector<Place> windows;
    std::size_t n_tokens = 0;
    std::vector<JobId> given_up;  // they are not here any more
  };
  /// Asked of each job before its turn: true where nothing of it is worth reading any more. `n_left` of its tokens
  /// wait, and the pass that it would be in has about `n_pass`.
  using GivesUp = std::function<bool(JobId job, std::size_t n_left, std::size_t n_pass)>;
  /// Windows for one pass: at most `budget` tokens, but one window in any case; empty only where nothing waits, or all
  /// that does is given up.
  Batch take(std::size_t budget, const GivesUp& gives_up = {});

  /// Forgets what has not been taken of a job; nothing where it is not here.
  void remove(JobId job);

  std::size_t n_tokens() const { return n_tokens_; }
  std::size_t n_jobs() const { return places_.size(); }
  /// Tokens that are read, at most, before a new job of `n` tokens is done: meanwhile nobody gets more than it does,
  /// but everybody a turn.
  std::size_t tokens_before(std::size_t n) const;

 private:
  struct Job {
    JobId id = 0;
    std::vector<std::uint32_t> window_tokens;
    std::size_t next = 0;    // window
    std::size_t n_left = 0;  // tokens
  };
  using Ring = std::list<Job>;  // the front is next
  struct JobPlace {
    ModelId model = 0;
    Ring::iterator job;
  };

  static std::size_t one_turn(const Job& job);
  static std::size_t pass_tokens(const Ring& ring, const Batch& batch, std::size_t budget);
  bool take_turn(Job& job, std::size_t budget, Batch& batch);
  void forget(Ring& ring, Ring::iterator job);

  std::map<ModelId, Ring> rings_;  // none empty
  std::unordered_map<JobId, JobPlace> places_;
  ModelId last_model_ = 0;
  std::size_t n_tokens_ = 0;
  std::size_t n_turn_tokens_ = 0;  // of all jobs, each at most a turn
};

}  // namespace spanqa::serve

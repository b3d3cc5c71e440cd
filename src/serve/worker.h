// One thread that does what others must not wait for.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace spanqa::serve {

/// Jobs are done one after another, in the order in which they came. Threads: every call may run concurrently.
class Worker {
 public:
  using Job = std::function<void()>;

  /// `most_bytes`: of the texts that waiting jobs hold, as post() names them.
  explicit Worker(std::size_t most_bytes = std::size_t{64} << 20);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// False, and nothing happens, where too much waits already or the worker ends. `n_bytes` is what the job keeps in
  /// memory meanwhile.
  bool post(std::size_t n_bytes, Job job);

  /// Waits for the job at hand; those that have not begun are dropped, and further ones refused. What the destructor
  /// does, for those who still post.
  void stop();

 private:
  struct Waiting {
    std::size_t n_bytes = 0;
    Job job;
  };
  void run();

  const std::size_t most_bytes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Waiting> waiting_;
  std::size_t n_bytes_ = 0;  // of waiting_
  bool stopping_ = false;
  std::thread thread_;  // the last member: it sees the others whole
};

}  // namespace spanqa::serve

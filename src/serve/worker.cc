#include "serve/worker.h"

namespace spanqa::serve {

Worker::Worker(std::size_t most_bytes) : most_bytes_(most_bytes), thread_([this] { run(); }) {}

Worker::~Worker() { stop(); }

void Worker::stop() {
  std::deque<Waiting> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(waiting_);
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

bool Worker::post(std::size_t n_bytes, Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    // One job always gets in: what a server takes at all, this does.
    if (!waiting_.empty() && n_bytes_ + n_bytes > most_bytes_) return false;
    waiting_.push_back({.n_bytes = n_bytes, .job = std::move(job)});
    n_bytes_ += n_bytes;
  }
  changed_.notify_one();
  return true;
}

void Worker::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    n_bytes_ -= next.n_bytes;
    lock.unlock();
    next.job();
    next.job = nullptr;  // what it holds goes before the next one is waited for
    lock.lock();
  }
}

}  // namespace spanqa::serve

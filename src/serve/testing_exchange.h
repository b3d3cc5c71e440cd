// The way back of a request as tests look at it. Not installed.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "serve/exchange.h"

namespace spanqa::serve::testing {

/// Keeps what is sent and fails the test where the contract of Exchange is broken. Threads: any.
class RecordingExchange final : public Exchange {
 public:
  void respond(HttpResponse response) override {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(has_begun_) << "a second response";
    has_begun_ = true;
    is_over_ = true;
    response_ = std::move(response);
    changed_.notify_all();
  }
  void stream(HttpResponse head) override {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(has_begun_) << "a second response";
    has_begun_ = true;
    is_stream_ = true;
    response_ = std::move(head);
    changed_.notify_all();
  }
  bool send(std::string chunk, bool /*must_arrive*/) override {
    const std::lock_guard lock(mutex_);
    EXPECT_TRUE(is_stream_ && !is_over_) << "a chunk outside of a stream";
    response_.body += chunk;
    return true;
  }
  void end() override {
    const std::lock_guard lock(mutex_);
    EXPECT_TRUE(is_stream_ && !is_over_) << "the end of no stream";
    is_over_ = true;
    changed_.notify_all();
  }
  bool is_gone() const override {
    const std::lock_guard lock(mutex_);
    return is_gone_;
  }
  void on_gone(std::function<void()> call) override {
    std::unique_lock lock(mutex_);
    if (is_over_) return;
    on_gone_ = std::move(call);
    if (!is_gone_) return;
    lock.unlock();
    on_gone_();
  }

  /// The client leaves.
  void leave() {
    std::unique_lock lock(mutex_);
    is_gone_ = true;
    const auto call = std::exchange(on_gone_, nullptr);
    lock.unlock();
    if (call) call();
  }
  /// Whether the whole response is there, or comes in good time.
  bool is_answered() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [this] { return is_over_; });
  }
  bool has_begun() const {
    const std::lock_guard lock(mutex_);
    return has_begun_;
  }
  bool is_stream() const {
    const std::lock_guard lock(mutex_);
    return is_stream_;
  }
  /// With all chunks as its body.
  HttpResponse response() const {
    const std::lock_guard lock(mutex_);
    return response_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  HttpResponse response_;
  bool has_begun_ = false;
  bool is_stream_ = false;
  bool is_over_ = false;
  bool is_gone_ = false;
  std::function<void()> on_gone_;
};

}  // namespace spanqa::serve::testing

// A bounded cache of shared values, least recently used out first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace spanqa {

/// Keys are texts, values are shared and immutable; the bound is the sum of the costs (bytes) that insert() names.
///
/// Threads: every call may run concurrently (one mutex, held for the look-up only, never while a value is made).
/// A value in use survives its eviction: callers hold a shared_ptr.
template <typename Value>
class LruCache {
 public:
  explicit LruCache(std::size_t capacity_bytes) : capacity_(capacity_bytes) {}

  std::shared_ptr<const Value> find(std::string_view key) {
    const std::lock_guard lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) {
      ++misses_;
      return nullptr;
    }
    ++hits_;
    order_.splice(order_.begin(), order_, found->second);
    return found->second->value;
  }

  /// Keeps `value` under `key` unless it alone exceeds the capacity or the key is already there.
  void insert(std::string key, std::shared_ptr<const Value> value, std::size_t cost) {
    const std::lock_guard lock(mutex_);
    if (cost > capacity_ || by_key_.contains(key)) return;
    order_.push_front(Entry{std::move(key), std::move(value), cost});
    by_key_.emplace(std::string_view(order_.front().key), order_.begin());
    used_ += cost;
    while (used_ > capacity_) {
      used_ -= order_.back().cost;
      by_key_.erase(std::string_view(order_.back().key));
      order_.pop_back();
    }
  }

  /// Drops every value for which `is_stale(value)` holds. Cost: a call for each value, under the lock.
  template <typename Predicate>
  void erase_if(const Predicate& is_stale) {
    const std::lock_guard lock(mutex_);
    for (auto entry = order_.begin(); entry != order_.end();) {
      if (!is_stale(*entry->value)) {
        ++entry;
        continue;
      }
      used_ -= entry->cost;
      by_key_.erase(std::string_view(entry->key));
      entry = order_.erase(entry);
    }
  }

  struct Counts {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::size_t bytes = 0;
  };
  Counts counts() const {
    const std::lock_guard lock(mutex_);
    return {hits_, misses_, used_};
  }

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const Value> value;
    std::size_t cost = 0;
  };

  mutable std::mutex mutex_;
  std::size_t capacity_;
  std::size_t used_ = 0;
  std::uint64_t hits_ = 0;
  std::uint64_t misses_ = 0;
  std::list<Entry> order_;                                                            // most recently used first
  std::unordered_map<std::string_view, typename std::list<Entry>::iterator> by_key_;  // views into order_'s keys
};

}  // namespace spanqa

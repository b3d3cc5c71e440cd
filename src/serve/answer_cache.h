// Answers by content: what was asked before of the same model is not read again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/lru_cache.h"
#include "qa/reader.h"
#include "serve/digest.h"

namespace spanqa::serve {

/// What the answers to one question over one context depend on.
struct AnswerKey {
  std::uint64_t generation = 0;  // of the loaded model
  std::string digest;            // SHA-256 of generation, options and both texts
};

/// `question`, `context`: SHA-256 of the texts, so that a request hashes each once. `options` without a measure.
AnswerKey answer_key(std::uint64_t generation, const AskOptions& options, const Digest& question,
                     const Digest& context);

/// The least recently used go first. Nothing of a text is kept but what stands in its answers.
///
/// Threads: every call may run concurrently (one mutex, held for a look-up; forget() holds it for a walk over all,
/// about a millisecond for each 10,000).
class AnswerCache {
 public:
  /// 0: keeps nothing.
  explicit AnswerCache(std::size_t capacity_bytes) : is_on_(capacity_bytes > 0), entries_(capacity_bytes) {}

  /// False: neither looked into nor hashed for.
  bool is_on() const { return is_on_; }
  /// Null where nothing is kept. Counts as a hit or a miss.
  std::shared_ptr<const Answers> find(const AnswerKey& key);
  void insert(const AnswerKey& key, const Answers& answers);
  /// Drops the answers of a model that was replaced. Those that it still gives to requests under way leave in their
  /// turn, found by nobody.
  void forget(std::uint64_t generation);
  CacheCounts counts() const;

 private:
  struct Entry {
    std::uint64_t generation = 0;
    Answers answers;
  };
  bool is_on_;
  LruCache<Entry> entries_;
};

}  // namespace spanqa::serve

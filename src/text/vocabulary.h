// The vocabulary: ids to texts, texts to ids, and the longest entry that begins a word or goes on with one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace spanqa {

/// Up to 16 bytes in two registers: byte 0 is the lowest byte of `low`, what is past the text's length is zero.
struct ShortText {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  static constexpr std::uint32_t kMaxBytes = 16;

  /// The first `n` bytes, n at most 16.
  ShortText cut(std::uint32_t n) const {
    if (n <= 8) return {low & low_bytes(n), 0};
    return {low, high & low_bytes(n - 8)};
  }
  /// All but the first `n` bytes, n at most 16.
  ShortText without(std::uint32_t n) const {
    if (n == 0) return *this;
    if (n >= 8) return {n >= kMaxBytes ? 0 : high >> (8 * (n - 8)), 0};
    return {(low >> (8 * n)) | (high << (64 - 8 * n)), high >> (8 * n)};
  }
  /// Reads 16 bytes at `bytes` and keeps `length` of them.
  static ShortText load(const char* bytes, std::uint32_t length) {
    ShortText text;
    std::memcpy(&text.low, bytes, 8);
    std::memcpy(&text.high, bytes + 8, 8);
    return text.cut(length);
  }

 private:
  static std::uint64_t low_bytes(std::uint32_t n) {
    return n >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * n)) - 1;
  }
};

/// An entry that was found, and how many bytes of the word it covers; 0 bytes: none.
struct PieceMatch {
  std::int32_t id = -1;
  std::uint32_t bytes = 0;
};

/// A hash table of entries that answers "which is the longest that this text begins with".
///
/// Bit masks, found by a hash of the first three bytes, say which lengths are worth a look, so that most words cost one
/// probe. Entries lie in the order they came, which in a vocabulary is about that of their frequency, and slots are
/// four bytes: what a text needs stays in the cache. Cost of a search: O(longest entry) at worst.
class PieceTable {
 public:
  PieceTable();
  /// Room for `n` entries without moving any; optional.
  void reserve(std::size_t n);
  /// A later entry with the same text replaces the earlier one. `text` must outlive the table and not be empty. At most
  /// 2^24 - 1 entries.
  void insert(std::string_view text, std::int32_t id);
  std::optional<std::int32_t> find(std::string_view text) const;
  /// Longest entry that a word of `length` bytes (at most 16) begins with.
  PieceMatch longest(ShortText word, std::uint32_t length) const;
  /// The same for a word of any length; 16 bytes past its end must be readable.
  PieceMatch longest(const char* word, std::size_t length) const;

 private:
  struct Entry {
    ShortText head;              // the first 16 bytes
    const char* tail = nullptr;  // what follows them
    std::uint32_t length = 0;    // of both
    std::int32_t id = -1;
  };

  const Entry* look_up(ShortText head, std::string_view tail, std::uint32_t length) const;
  std::uint32_t lengths_worth_a_look(ShortText head, std::uint32_t length) const;
  void grow(std::size_t n_slots);
  void put_in_slot(std::size_t entry_index);

  std::vector<Entry> entries_;
  std::vector<std::uint32_t> slots_;    // 0: free; else 8 bits of the hash above the entry's index + 1
  std::vector<std::uint32_t> lengths_;  // bit n - 1: an entry of n bytes may exist; n from 3 to 32
  std::uint32_t longest_ = 0;
};

/// Threads: immutable once built.
class Vocabulary {
 public:
  using Entry = std::pair<std::string_view, std::int32_t>;

  Vocabulary() = default;
  Vocabulary(Vocabulary&&) = default;
  Vocabulary& operator=(Vocabulary&&) = default;

  /// Entries in any order; of two with one text the later holds. Ids must lie in [0, 2^24). Texts are copied.
  /// `apart` are entries that are found by text and id but are no part of any word, ordinary text never becomes one.
  static Result<Vocabulary> build(const std::vector<Entry>& entries, const std::vector<Entry>& apart,
                                  std::string_view continuing_prefix);

  /// One more than the highest id.
  std::size_t size() const { return texts_.size(); }
  /// The text of an id; empty where it has none.
  std::string_view text(std::int32_t id) const;
  std::optional<std::int32_t> find(std::string_view text) const;
  const PieceTable& starts() const { return starts_; }
  const PieceTable& continuations() const { return continuations_; }

 private:
  std::string_view keep(std::string_view text, std::int32_t id);

  std::vector<char> storage_;
  std::vector<std::string_view> texts_;
  PieceTable apart_;
  PieceTable starts_;
  PieceTable continuations_;
};

}  // namespace spanqa

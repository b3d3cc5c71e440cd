// The vocabulary: ids to texts, texts to ids, and the longest entry that begins a word or goes on with one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace spanqa {

/// Up to 16 bytes in two registers: byte 0 is the lowest byte of `low`, bytes past `length` are zero.
struct ShortText {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::uint32_t length = 0;

  static constexpr std::uint32_t kMaxBytes = 16;
  /// Reads 16 bytes at `bytes`, whatever `length` (at most 16) is.
  static ShortText load(const char* bytes, std::uint32_t length);
  /// The same text without its first `n` bytes; n <= length.
  ShortText without(std::uint32_t n) const;
};

/// An entry that was found, and how many bytes of the word it covers; 0 bytes: none.
struct PieceMatch {
  std::int32_t id = -1;
  std::uint32_t bytes = 0;
};

/// A hash table of entries that answers "which is the longest that this text begins with".
///
/// An array of bit masks, indexed by a hash of the first three bytes, says which lengths are worth a look, so that most
/// words cost one probe. Cost of a search: O(longest entry) at worst, independent of the vocabulary's size.
class PieceTable {
 public:
  PieceTable();
  /// Room for `n` entries; call before the first insert.
  void reserve(std::size_t n);
  /// A later entry with the same text replaces the earlier one. `text` must outlive the table and not be empty.
  void insert(std::string_view text, std::int32_t id);
  std::optional<std::int32_t> find(std::string_view text) const;
  /// Longest entry that `word` begins with.
  PieceMatch longest(const ShortText& word) const;
  /// The same for a word of any length; 16 bytes past its end must be readable.
  PieceMatch longest(const char* word, std::size_t length) const;

 private:
  struct Entry {
    std::uint64_t low = 0;  // the first 16 bytes, as in ShortText
    std::uint64_t high = 0;
    const char* text = nullptr;
    std::uint32_t length = 0;  // 0: a free slot
    std::int32_t id = -1;
  };

  const Entry* look_up(const ShortText& head, const char* text, std::uint32_t length) const;
  std::uint32_t lengths_worth_a_look(const ShortText& head) const;
  void grow(std::size_t n_slots);

  std::vector<Entry> slots_;
  std::vector<std::uint32_t> lengths_;  // bit n - 1: an entry of n bytes may exist; n from 3 to 32
  std::size_t n_entries_ = 0;
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

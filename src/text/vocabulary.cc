#include "text/vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace spanqa {
namespace {

constexpr std::int32_t kMaxId = (1 << 24) - 2;
constexpr std::uint32_t kMaskedLengths = 32;  // longer entries are looked for one length after another
constexpr std::uint32_t kShortest = 3;        // lengths 1 and 2 are always worth a look
constexpr std::size_t kPrefixSlots = 1U << 12;
constexpr std::uint32_t kIndexMask = (1U << 24) - 1;

static_assert(std::endian::native == std::endian::little, "ShortText reads bytes as little-endian words");

// Odd multipliers with well-mixed bits (the golden ratio, and two of the 64-bit finaliser family).
constexpr std::uint64_t kMixA = 0x9E3779B97F4A7C15ULL;
constexpr std::uint64_t kMixB = 0xC2B2AE3D27D4EB4FULL;
constexpr std::uint64_t kMixC = 0x165667B19E3779F9ULL;

std::uint64_t mix(std::uint64_t low, std::uint64_t high, std::uint64_t length) {
  std::uint64_t h = (low ^ std::rotl(high, 29)) * kMixA + high * kMixB + length * kMixC;
  h ^= h >> 32;
  return h * kMixB;
}

/// `tail` is what follows the first 16 bytes.
std::uint64_t hash_of(ShortText head, std::string_view tail, std::uint32_t length) {
  std::uint64_t h = mix(head.low, head.high, length);
  for (const char c : tail) h = (h ^ static_cast<std::uint8_t>(c)) * kMixA;
  return h;
}

std::string_view tail_of(std::string_view text) {
  return text.substr(std::min<std::size_t>(text.size(), ShortText::kMaxBytes));
}

/// Slots are numbered by bits 20 and up of the hash; the tag is of the highest eight.
std::size_t slot_of(std::uint64_t hash) { return static_cast<std::size_t>(hash >> 20); }
std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 56) << 24; }

std::size_t prefix_slot(ShortText head) {
  return static_cast<std::size_t>(((head.low & 0xFFFFFF) * kMixA) >> 52) % kPrefixSlots;
}

ShortText head_of(std::string_view text) {
  char bytes[ShortText::kMaxBytes] = {};
  const std::size_t n = std::min<std::size_t>(text.size(), ShortText::kMaxBytes);
  std::memcpy(bytes, text.data(), n);
  return ShortText::load(bytes, static_cast<std::uint32_t>(n));
}

std::size_t tail_length(std::uint32_t length) { return length - std::min(length, ShortText::kMaxBytes); }

std::uint32_t highest_length(std::uint32_t lengths) {
  return 32 - static_cast<std::uint32_t>(std::countl_zero(lengths));
}

}  // namespace

PieceTable::PieceTable() : slots_(16, 0), lengths_(kPrefixSlots, 0) {}

void PieceTable::reserve(std::size_t n) {
  entries_.reserve(n);
  grow(std::bit_ceil(n * 2));
}

void PieceTable::grow(std::size_t n_slots) {
  if (n_slots <= slots_.size()) return;
  slots_.assign(n_slots, 0);
  for (std::size_t i = 0; i < entries_.size(); ++i) put_in_slot(i);
}

void PieceTable::put_in_slot(std::size_t entry_index) {
  const Entry& entry = entries_[entry_index];
  const std::uint64_t hash = hash_of(entry.head, {entry.tail, tail_length(entry.length)}, entry.length);
  std::size_t i = slot_of(hash) & (slots_.size() - 1);
  while (slots_[i] != 0) i = (i + 1) & (slots_.size() - 1);
  slots_[i] = tag_of(hash) | static_cast<std::uint32_t>(entry_index + 1);
}

void PieceTable::insert(std::string_view text, std::int32_t id) {
  const auto length = static_cast<std::uint32_t>(text.size());
  const ShortText head = head_of(text);
  if (const Entry* earlier = look_up(head, tail_of(text), length)) {
    entries_[static_cast<std::size_t>(earlier - entries_.data())].id = id;
    return;
  }
  SPANQA_CHECK(entries_.size() < kIndexMask);
  if ((entries_.size() + 1) * 2 > slots_.size()) grow(slots_.size() * 2);
  const char* tail = text.data() + (length - tail_length(length));
  entries_.push_back({head, tail, length, id});
  put_in_slot(entries_.size() - 1);
  longest_ = std::max(longest_, length);
  if (length >= kShortest && length <= kMaskedLengths) lengths_[prefix_slot(head)] |= 1U << (length - 1);
}

inline const PieceTable::Entry* PieceTable::look_up(ShortText head, std::string_view tail, std::uint32_t length) const {
  const std::uint64_t hash = hash_of(head, tail, length);
  const std::uint32_t tag = tag_of(hash);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = slot_of(hash);; ++i) {
    const std::uint32_t slot = slots_[i & mask];
    if (slot == 0) return nullptr;
    if ((slot & ~kIndexMask) != tag) continue;
    const Entry& entry = entries_[(slot & kIndexMask) - 1];
    if (entry.head.low != head.low || entry.head.high != head.high || entry.length != length) continue;
    if (tail.empty() || std::memcmp(entry.tail, tail.data(), tail.size()) == 0) return &entry;
  }
}

std::optional<std::int32_t> PieceTable::find(std::string_view text) const {
  if (text.empty() || text.size() > longest_) return std::nullopt;
  const Entry* entry = look_up(head_of(text), tail_of(text), static_cast<std::uint32_t>(text.size()));
  if (entry == nullptr) return std::nullopt;
  return entry->id;
}

inline std::uint32_t PieceTable::lengths_worth_a_look(ShortText head, std::uint32_t length) const {
  constexpr std::uint32_t kOneAndTwo = 3;
  const std::uint32_t masked = lengths_[prefix_slot(head)] | kOneAndTwo;
  return length >= 32 ? masked : masked & ((1U << length) - 1);
}

PieceMatch PieceTable::longest(ShortText word, std::uint32_t length) const {
  for (std::uint32_t lengths = lengths_worth_a_look(word, length); lengths != 0;) {
    const std::uint32_t n = highest_length(lengths);
    if (const Entry* entry = look_up(word.cut(n), {}, n)) return {entry->id, n};
    lengths &= ~(1U << (n - 1));
  }
  return {};
}

PieceMatch PieceTable::longest(const char* word, std::size_t length) const {
  if (length <= ShortText::kMaxBytes) {
    const auto n = static_cast<std::uint32_t>(length);
    return longest(ShortText::load(word, n), n);
  }
  const ShortText head = ShortText::load(word, ShortText::kMaxBytes);
  auto n = static_cast<std::uint32_t>(std::min<std::size_t>(length, longest_));
  for (; n > kMaskedLengths; --n) {
    if (const Entry* entry = look_up(head, tail_of({word, n}), n)) return {entry->id, n};
  }
  for (std::uint32_t lengths = lengths_worth_a_look(head, n); lengths != 0;) {
    n = highest_length(lengths);
    const ShortText key = n >= ShortText::kMaxBytes ? head : head.cut(n);
    if (const Entry* entry = look_up(key, tail_of({word, n}), n)) return {entry->id, n};
    lengths &= ~(1U << (n - 1));
  }
  return {};
}

std::string_view Vocabulary::keep(std::string_view text, std::int32_t id) {
  const char* at = storage_.data() + storage_.size();
  storage_.insert(storage_.end(), text.begin(), text.end());
  const std::string_view kept(at, text.size());
  if (const auto earlier = find(kept)) texts_[static_cast<std::size_t>(*earlier)] = {};
  texts_[static_cast<std::size_t>(id)] = kept;
  return kept;
}

Result<Vocabulary> Vocabulary::build(const std::vector<Entry>& entries, const std::vector<Entry>& apart,
                                     std::string_view continuing_prefix) {
  Vocabulary vocabulary;
  std::size_t n_bytes = 0;
  std::int32_t highest = -1;
  for (const auto* list : {&entries, &apart}) {
    for (const auto& [text, id] : *list) {
      if (id < 0 || id > kMaxId) {
        return fail(ErrorCode::kCorrupt,
                    fmt::format("the vocabulary gives '{}' the id {}; ids run from 0 to {}", text, id, kMaxId));
      }
      n_bytes += text.size();
      highest = std::max(highest, id);
    }
  }
  vocabulary.texts_.resize(static_cast<std::size_t>(highest) + 1);
  vocabulary.storage_.reserve(n_bytes);  // never grows below: the tables keep pointers into it
  vocabulary.starts_.reserve(entries.size());
  for (const auto& [text, id] : apart) {
    if (!text.empty()) vocabulary.apart_.insert(vocabulary.keep(text, id), id);
  }
  for (const auto& [text, id] : entries) {
    // An empty line uses up an id and is nothing else.
    if (text.empty() || vocabulary.apart_.find(text)) continue;
    const std::string_view kept = vocabulary.keep(text, id);
    vocabulary.starts_.insert(kept, id);
    if (kept.size() > continuing_prefix.size() && kept.starts_with(continuing_prefix)) {
      vocabulary.continuations_.insert(kept.substr(continuing_prefix.size()), id);
    }
  }
  return vocabulary;
}

std::optional<std::int32_t> Vocabulary::find(std::string_view text) const {
  if (const auto id = starts_.find(text)) return id;
  return apart_.find(text);
}

std::string_view Vocabulary::text(std::int32_t id) const {
  if (id < 0 || static_cast<std::size_t>(id) >= texts_.size()) return {};
  return texts_[static_cast<std::size_t>(id)];
}

}  // namespace spanqa

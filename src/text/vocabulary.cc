#include "text/vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace spanqa {
namespace {

constexpr std::int32_t kMaxId = (1 << 24) - 1;
constexpr std::uint32_t kMaskedLengths = 32;  // longer entries are looked for one length after another
constexpr std::uint32_t kShortest = 3;        // lengths 1 and 2 are always worth a look
constexpr std::size_t kPrefixSlots = 1U << 12;

static_assert(std::endian::native == std::endian::little, "ShortText reads bytes as little-endian words");

std::uint64_t low_bytes(std::uint32_t n) { return n >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * n)) - 1; }

ShortText cut(const ShortText& text, std::uint32_t length) {
  return {text.low & low_bytes(length), length > 8 ? text.high & low_bytes(length - 8) : 0, length};
}

// Odd multipliers with well-mixed bits (the golden ratio, and two of the 64-bit finaliser family).
constexpr std::uint64_t kMixA = 0x9E3779B97F4A7C15ULL;
constexpr std::uint64_t kMixB = 0xC2B2AE3D27D4EB4FULL;
constexpr std::uint64_t kMixC = 0x165667B19E3779F9ULL;

std::uint64_t mix(std::uint64_t low, std::uint64_t high, std::uint64_t length) {
  std::uint64_t h = (low ^ std::rotl(high, 29)) * kMixA + high * kMixB + length * kMixC;
  h ^= h >> 32;
  return h * kMixB;
}

std::uint64_t hash_of(const ShortText& head, const char* text, std::uint32_t length) {
  std::uint64_t h = mix(head.low, head.high, length);
  for (std::uint32_t i = ShortText::kMaxBytes; i < length; ++i) h = (h ^ static_cast<std::uint8_t>(text[i])) * kMixA;
  return h;
}

std::size_t prefix_slot(const ShortText& head) {
  return static_cast<std::size_t>(((head.low & 0xFFFFFF) * kMixA) >> 52) % kPrefixSlots;
}

ShortText head_of(std::string_view text) {
  char bytes[ShortText::kMaxBytes] = {};
  const std::size_t n = std::min<std::size_t>(text.size(), ShortText::kMaxBytes);
  std::memcpy(bytes, text.data(), n);
  return ShortText::load(bytes, static_cast<std::uint32_t>(n));
}

}  // namespace

ShortText ShortText::load(const char* bytes, std::uint32_t length) {
  ShortText text;
  std::memcpy(&text.low, bytes, 8);
  std::memcpy(&text.high, bytes + 8, 8);
  return cut(text, length);
}

ShortText ShortText::without(std::uint32_t n) const {
  if (n == 0) return *this;
  if (n >= 8) return {n >= 16 ? 0 : high >> (8 * (n - 8)), 0, length - n};
  return {(low >> (8 * n)) | (high << (64 - 8 * n)), high >> (8 * n), length - n};
}

PieceTable::PieceTable() : slots_(16), lengths_(kPrefixSlots, 0) {}

void PieceTable::reserve(std::size_t n) { grow(std::bit_ceil(std::max<std::size_t>(16, n * 2))); }

void PieceTable::grow(std::size_t n_slots) {
  if (n_slots <= slots_.size()) return;
  std::vector<Entry> old(n_slots);
  old.swap(slots_);
  for (const Entry& entry : old) {
    if (entry.length == 0) continue;
    std::size_t i = hash_of({entry.low, entry.high, 0}, entry.text, entry.length) >> 20;
    while (slots_[i & (slots_.size() - 1)].length != 0) ++i;
    slots_[i & (slots_.size() - 1)] = entry;
  }
}

void PieceTable::insert(std::string_view text, std::int32_t id) {
  if (n_entries_ * 2 >= slots_.size()) grow(slots_.size() * 2);
  const auto length = static_cast<std::uint32_t>(text.size());
  const ShortText head = head_of(text);
  std::size_t i = hash_of(head, text.data(), length) >> 20;
  for (;; ++i) {
    Entry& entry = slots_[i & (slots_.size() - 1)];
    if (entry.length == 0) {
      entry = {head.low, head.high, text.data(), length, id};
      ++n_entries_;
      break;
    }
    if (entry.length == length && std::string_view(entry.text, length) == text) {
      entry.id = id;
      return;
    }
  }
  longest_ = std::max(longest_, length);
  if (length >= kShortest && length <= kMaskedLengths) lengths_[prefix_slot(head)] |= 1U << (length - 1);
}

const PieceTable::Entry* PieceTable::look_up(const ShortText& head, const char* text, std::uint32_t length) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = hash_of(head, text, length) >> 20;; ++i) {
    const Entry& entry = slots_[i & mask];
    if (entry.length == 0) return nullptr;
    if (entry.low != head.low || entry.high != head.high || entry.length != length) continue;
    if (length <= ShortText::kMaxBytes || std::memcmp(entry.text, text, length) == 0) return &entry;
  }
}

std::optional<std::int32_t> PieceTable::find(std::string_view text) const {
  if (text.empty() || text.size() > longest_) return std::nullopt;
  const Entry* entry = look_up(head_of(text), text.data(), static_cast<std::uint32_t>(text.size()));
  if (entry == nullptr) return std::nullopt;
  return entry->id;
}

std::uint32_t PieceTable::lengths_worth_a_look(const ShortText& head) const {
  constexpr std::uint32_t kOneAndTwo = 3;
  const std::uint32_t masked = head.length >= kShortest ? lengths_[prefix_slot(head)] : 0;
  return masked | kOneAndTwo;
}

PieceMatch PieceTable::longest(const ShortText& word) const {
  if (word.length == 0) return {};
  std::uint32_t lengths = lengths_worth_a_look(word) & ((1U << word.length) - 1);
  while (lengths != 0) {
    const std::uint32_t length = 32 - static_cast<std::uint32_t>(std::countl_zero(lengths));
    if (const Entry* entry = look_up(cut(word, length), nullptr, length)) return {entry->id, length};
    lengths &= ~(1U << (length - 1));
  }
  return {};
}

PieceMatch PieceTable::longest(const char* word, std::size_t length) const {
  if (length <= ShortText::kMaxBytes) return longest(ShortText::load(word, static_cast<std::uint32_t>(length)));
  const ShortText head = ShortText::load(word, ShortText::kMaxBytes);
  auto n = static_cast<std::uint32_t>(std::min<std::size_t>(length, longest_));
  for (; n > kMaskedLengths; --n) {
    if (const Entry* entry = look_up(head, word, n)) return {entry->id, n};
  }
  if (n == 0) return {};
  std::uint32_t lengths = lengths_worth_a_look(head) & (n == 32 ? ~0U : (1U << n) - 1);
  while (lengths != 0) {
    n = 32 - static_cast<std::uint32_t>(std::countl_zero(lengths));
    const ShortText key = n >= ShortText::kMaxBytes ? head : cut(head, n);
    if (const Entry* entry = look_up(key, word, n)) return {entry->id, n};
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
  vocabulary.texts_.resize(static_cast<std::size_t>(highest + 1));
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

#include "data/context_set.h"

#include <optional>
#include <string>

#include "base/check.h"
#include "data/internal/text_measure.h"

namespace spanqa {
namespace {

/// Null for a text without letters and digits.
std::optional<std::uint64_t> key_of(const Example& example) {
  SPANQA_CHECK(example.context != nullptr);
  std::string kept;
  kept.reserve(example.context->size());
  for (const char c : *example.context) {
    const bool is_upper = c >= 'A' && c <= 'Z';
    const bool is_kept = is_upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (is_kept) kept.push_back(is_upper ? static_cast<char>(c - 'A' + 'a') : c);
  }
  if (kept.empty()) return std::nullopt;
  return text_key(kept);
}

}  // namespace

void ContextSet::add(const Example& example) {
  if (const auto key = key_of(example)) keys_.insert(*key);
}

bool ContextSet::contains(const Example& example) const {
  const auto key = key_of(example);
  return key && keys_.contains(*key);
}

}  // namespace spanqa

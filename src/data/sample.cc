#include "data/sample.h"

#include <algorithm>

#include "base/check.h"
#include "data/internal/text_measure.h"

namespace spanqa {

void ReservoirSample::add(Example example) {
  const std::size_t number = n_seen_++;
  if (sample_.size() < size_) {
    sample_.emplace_back(number, std::move(example));
    return;
  }
  const std::uint64_t place = random_.below(n_seen_);
  if (place < size_) sample_[static_cast<std::size_t>(place)] = {number, std::move(example)};
}

std::vector<Example> ReservoirSample::take() {
  std::sort(sample_.begin(), sample_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Example> examples;
  examples.reserve(sample_.size());
  for (auto& [number, example] : sample_) examples.push_back(std::move(example));
  sample_.clear();
  return examples;
}

std::uint64_t GroupSplit::key_of(const Example& example) const {
  SPANQA_CHECK(example.context != nullptr);
  SplitMix64 random(seed_);
  const std::uint64_t of_contexts = random.next();
  if (by_ == SplitBy::kContext || example.title.empty()) return text_key(*example.context, of_contexts);
  return text_key(example.title, random.next());
}

void GroupSplit::add(const Example& example) {
  ++n_questions_[key_of(example)];
  ++n_examples_;
}

void GroupSplit::plan(double share) {
  SPANQA_CHECK(share >= 0.0 && share <= 1.0);
  // The keys are random numbers by themselves: sorted, they are a shuffle that no order of the file can change.
  std::vector<std::pair<std::uint64_t, std::size_t>> groups(n_questions_.begin(), n_questions_.end());
  std::sort(groups.begin(), groups.end());
  held_out_.clear();
  n_held_out_ = 0;
  const double target = share * static_cast<double>(n_examples_);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const double here = static_cast<double>(n_held_out_);
    const double after = here + static_cast<double>(groups[i].second);
    const bool is_nearer = after - target <= target - here;  // of stopping before and after this group
    const bool must_have = i == 0 && share > 0.0 && groups.size() > 1;
    const bool must_leave = i + 1 == groups.size() && share < 1.0 && groups.size() > 1;
    if (must_leave || !(is_nearer || must_have)) break;
    held_out_.insert(groups[i].first);
    n_held_out_ += groups[i].second;
  }
}

bool GroupSplit::is_held_out(const Example& example) const { return held_out_.contains(key_of(example)); }

}  // namespace spanqa

#include "qa/span_search.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"

namespace spanqa {
namespace {

constexpr double kNone = -std::numeric_limits<double>::infinity();
constexpr std::uint32_t kNoRow = std::numeric_limits<std::uint32_t>::max();

/// The larger one, passing over what is no number.
double larger(double a, double b) { return b > a ? b : a; }

}  // namespace

SpanSearch::SpanSearch(std::vector<float> start, std::vector<float> end, std::size_t max_tokens)
    : start_(std::move(start)), end_(std::move(end)), max_tokens_(max_tokens) {
  SPANQA_CHECK(start_.size() == end_.size() && start_.size() < kNoRow && max_tokens_ > 0);
  fill_rows();
  fill_tree();
}

/// Minus infinity where the sum is no number.
double SpanSearch::sum(std::size_t first, std::size_t last) const {
  return larger(kNone, static_cast<double>(start_[first]) + static_cast<double>(end_[last]));
}

/// From the last row to the first, with the end logits that may still be the largest of a row, the nearest in front.
/// Rounding keeps order, so the row's best sum is that of its largest end logit.
void SpanSearch::fill_rows() {
  const std::size_t n = size();
  row_.assign(n, kNone);
  std::vector<std::size_t> ends;  // places, ascending from the back; their logits descend from front to back
  std::size_t oldest = 0;         // ends before this one lie outside the row
  for (std::size_t i = n; i-- > 0;) {
    while (ends.size() > oldest && !(static_cast<double>(end_[ends.back()]) > larger(kNone, end_[i]))) ends.pop_back();
    ends.push_back(i);
    while (ends[oldest] - i >= max_tokens_) ++oldest;
    row_[i] = sum(i, ends[oldest]);
  }
}

void SpanSearch::fill_tree() {
  const std::size_t n = size();
  tree_.assign(2 * n, kNoRow);
  for (std::size_t i = 0; i < n; ++i) tree_[n + i] = static_cast<std::uint32_t>(i);
  for (std::size_t i = n; i-- > 1;) tree_[i] = better_row(tree_[2 * i], tree_[2 * i + 1]);
}

std::uint32_t SpanSearch::better_row(std::uint32_t a, std::uint32_t b) const {
  if (a == kNoRow || b == kNoRow) return std::min(a, b);
  if (row_[a] != row_[b]) return row_[a] > row_[b] ? a : b;
  return std::min(a, b);
}

/// The best among the spans that begin in [begin, end), wherever they end.
std::optional<SpanSearch::Span> SpanSearch::best_whole_row(std::size_t begin, std::size_t end) const {
  std::uint32_t best = kNoRow;
  for (std::size_t low = begin + size(), high = end + size(); low < high; low /= 2, high /= 2) {
    if (low % 2 == 1) best = better_row(best, tree_[low++]);
    if (high % 2 == 1) best = better_row(best, tree_[--high]);
  }
  if (best == kNoRow || row_[best] == kNone) return std::nullopt;
  std::size_t last = best;
  while (sum(best, last) != row_[best]) ++last;
  return Span{row_[best], best, last};
}

/// The best among the spans of [begin, end), all of which are short enough.
std::optional<SpanSearch::Span> SpanSearch::best_cut_row(std::size_t begin, std::size_t end) const {
  Span best{kNone, begin, begin};
  double best_end = kNone;
  for (std::size_t i = end; i-- > begin;) {
    best_end = larger(best_end, end_[i]);
    const double row = larger(kNone, static_cast<double>(start_[i]) + best_end);
    if (row >= best.sum) best = {row, i, i};
  }
  if (best.sum == kNone) return std::nullopt;
  while (sum(best.first, best.last) != best.sum) ++best.last;
  return best;
}

std::optional<SpanSearch::Span> SpanSearch::best(std::size_t begin, std::size_t end) const {
  SPANQA_CHECK(begin <= end && end <= size());
  // Rows from here on are cut by `end`; those before have all their spans within.
  const std::size_t cut = end - begin < max_tokens_ ? begin : end - max_tokens_ + 1;
  const auto whole = best_whole_row(begin, cut);
  const auto part = best_cut_row(cut, end);
  if (!whole || !part) return whole ? whole : part;
  return part->sum > whole->sum ? part : whole;
}

}  // namespace spanqa

// The best span in any part of a window, asked for many times.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace spanqa {

/// Keeps a window's logits and, for each token, the best span that begins there. Best is the highest sum of start and
/// end logit; of equal sums the earlier first token, then the shorter span. A sum that is no number, or minus infinity,
/// is none.
///
/// Memory: about 24 bytes a token. Cost: O(tokens) to build; O(log tokens + max_tokens) for each question.
class SpanSearch {
 public:
  struct Span {
    double sum = 0.0;
    std::size_t first = 0;
    std::size_t last = 0;  // inclusive
  };

  /// `start` and `end` are of equal length; spans have at most `max_tokens` > 0 tokens.
  SpanSearch(std::vector<float> start, std::vector<float> end, std::size_t max_tokens);

  std::size_t size() const { return start_.size(); }
  float start(std::size_t token) const { return start_[token]; }
  float end(std::size_t token) const { return end_[token]; }
  /// The best span whose tokens lie in [begin, end), within the window.
  std::optional<Span> best(std::size_t begin, std::size_t end) const;

 private:
  double sum(std::size_t first, std::size_t last) const;
  std::uint32_t better_row(std::uint32_t a, std::uint32_t b) const;
  std::optional<Span> best_whole_row(std::size_t begin, std::size_t end) const;
  std::optional<Span> best_cut_row(std::size_t begin, std::size_t end) const;
  void fill_rows();
  void fill_tree();

  std::vector<float> start_;
  std::vector<float> end_;
  std::size_t max_tokens_;
  std::vector<double> row_;          // the best sum of the spans that begin at a token
  std::vector<std::uint32_t> tree_;  // node i holds the best row below it; its children are 2i and 2i + 1
};

}  // namespace spanqa

// Questions without an answer, made of questions with one: training material for SQuAD v2.0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "data/example.h"

namespace spanqa {

struct UnanswerableOptions {
  double share = 0.5;  // of the answerable questions that get a twin without an answer, 0 to 1
  std::uint64_t seed = 0;
  std::size_t n_candidates = 50;  // paragraphs tried for each question, drawn where an article has more
  /// The least part of the question's words that the paragraph must share, each counted with its idf. The higher, the
  /// harder the questions, and the fewer.
  double min_overlap = 0.3;
};

/// Pairs questions with another paragraph of the same article (title) that looks like an answer and holds none: of the
/// candidates without any of the question's golds, the one that shares most of its words, rare words counting most.
/// That no answer stands there in other words is likely, not certain.
///
/// At most one for each question, `share` of the answerable ones where so many can be made: questions are drawn by the
/// seed until there are enough. Ids are "<id>-unanswerable-1"; the order is that of the paragraphs, so a nested file
/// names each once. Questions without a title, without golds, or whose golds are punctuation get no twin.
///
/// Words are runs of letters and digits, compared without case in ASCII, articles left out.
/// Memory: about twice the texts. Cost: O(texts) and n_candidates look-ups a drawn question.
std::vector<Example> make_unanswerable(std::span<const Example> examples, const UnanswerableOptions& options);

}  // namespace spanqa

// Exact match and F1 of SQuAD v1.1 and v2.0, equal to the official scripts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace spanqa {

/// Lower-cases (Python's str.lower, final sigma included), deletes ASCII punctuation, replaces the articles a, an, the
/// by spaces and joins what is left with single spaces. Unicode 14 tables (CPython 3.11).
std::string normalize_answer(std::string_view text);

struct AnswerScore {
  double exact = 0.0;  // 0 or 1
  double f1 = 0.0;     // 0 to 1
};

/// SQuAD v1.1: the best over the golds, EM and F1 apart. No golds: 0 and 0.
AnswerScore score_v1(std::string_view prediction, const std::vector<std::string>& golds);
/// SQuAD v2.0: as above, but golds that normalise to nothing are dropped, none left means the gold is "", and F1 of two
/// empty token lists is 1.
AnswerScore score_v2(std::string_view prediction, const std::vector<std::string>& golds);

}  // namespace spanqa

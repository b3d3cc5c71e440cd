#include "qa/window_loss.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "base/check.h"

namespace spanqa {
namespace {

double cross_entropy(std::span<const float> logits, std::size_t label) {
  const double highest = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double sum = 0.0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - highest);
  return highest + std::log(sum) - static_cast<double>(logits[label]);
}

}  // namespace

double window_loss(const WindowLogits& window, const WindowLabels& labels) {
  SPANQA_CHECK(labels.start < window.n_tokens && labels.end < window.n_tokens);
  return (cross_entropy({window.start, window.n_tokens}, labels.start) +
          cross_entropy({window.end, window.n_tokens}, labels.end)) /
         2.0;
}

}  // namespace spanqa

#include "nn/kernels/span_loss.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace spanqa {

double cross_entropy(const CrossEntropy& loss, float* gradient) {
  SPANQA_CHECK(loss.label < loss.n);
  const auto logit = [&](std::size_t i) { return static_cast<double>(loss.logits[i]); };
  const double largest = static_cast<double>(*std::max_element(loss.logits, loss.logits + loss.n));
  double sum = 0.0;
  double sum_of_logits = 0.0;
  for (std::size_t i = 0; i < loss.n; ++i) {
    sum += std::exp(logit(i) - largest);
    sum_of_logits += logit(i);
  }
  const double log_sum = largest + std::log(sum);
  const double spread = loss.smoothing / static_cast<double>(loss.n);
  for (std::size_t i = 0; gradient != nullptr && i < loss.n; ++i) {
    const double target = spread + (i == loss.label ? 1.0 - loss.smoothing : 0.0);
    gradient[i] = static_cast<float>(loss.weight * (std::exp(logit(i) - log_sum) - target));
  }
  const double of_label = log_sum - logit(loss.label);
  const double of_all = log_sum - sum_of_logits / static_cast<double>(loss.n);
  return loss.weight * ((1.0 - loss.smoothing) * of_label + loss.smoothing * of_all);
}

}  // namespace spanqa

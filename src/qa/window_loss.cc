#include "qa/window_loss.h"

#include "nn/kernels/span_loss.h"

namespace spanqa {

double window_loss(const WindowLogits& window, const WindowLabels& labels) {
  const auto loss = [&](const float* logits, std::uint32_t label) {
    return cross_entropy({.logits = logits, .n = window.n_tokens, .label = label}, nullptr);
  };
  return (loss(window.start, labels.start) + loss(window.end, labels.end)) / 2.0;
}

}  // namespace spanqa

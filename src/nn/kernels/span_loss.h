// The loss of an answer's place: cross-entropy of a softmax over one sequence's tokens.
#pragma once

#include <cstddef>
#include <cstdint>

namespace spanqa {

struct CrossEntropy {
  const float* logits = nullptr;  // [n]
  std::size_t n = 0;
  std::uint32_t label = 0;  // below n
  double smoothing = 0.0;   // share of the target spread evenly over all n, as PyTorch's label_smoothing
  double weight = 1.0;      // of the loss and its gradient
};

/// weight x ((1 - smoothing) (-log p[label]) + smoothing mean(-log p)), p the softmax of the logits; writes its
/// gradient by the logits, weight x (p - target), where `gradient` [n] is not null. In float64: a sequence is short,
/// and a label's probability may be tiny. Cost: an exponential for each token, two with the gradient.
double cross_entropy(const CrossEntropy& loss, float* gradient);

}  // namespace spanqa

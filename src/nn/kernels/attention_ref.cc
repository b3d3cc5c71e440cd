// The formula of attention.h, loop by loop.
#include <algorithm>
#include <cmath>
#include <vector>

#include "nn/kernels/attention.h"

namespace spanqa {
namespace {

// One query against the `n` tokens of its sequence, whose rows begin at `rows`; `head` is the head's first column.
void attend(const AttentionInput& input, const float* query, const float* rows, std::size_t n, float* out) {
  const float* const keys = rows + input.hidden();
  const float* const values = rows + 2 * input.hidden();
  std::vector<double> weights(n);
  double largest = -HUGE_VAL;
  for (std::size_t u = 0; u < n; ++u) {
    double dot = 0.0;
    for (std::size_t d = 0; d < input.head_size; ++d) {
      dot += static_cast<double>(query[d]) * static_cast<double>(keys[u * input.row_stride + d]);
    }
    weights[u] = dot / std::sqrt(static_cast<double>(input.head_size));
    largest = std::max(largest, weights[u]);
  }
  double sum = 0.0;
  for (double& weight : weights) sum += (weight = std::exp(weight - largest));
  for (std::size_t d = 0; d < input.head_size; ++d) {
    double mixed = 0.0;
    for (std::size_t u = 0; u < n; ++u) mixed += weights[u] * static_cast<double>(values[u * input.row_stride + d]);
    out[d] = static_cast<float>(mixed / sum);
  }
}

}  // namespace

void attention_ref(const AttentionInput& input, float* out) {
  for (std::size_t sequence = 0; sequence + 1 < input.offsets.size(); ++sequence) {
    const std::size_t begin = input.offsets[sequence];
    const std::size_t end = input.offsets[sequence + 1];
    for (std::size_t t = begin; t < end; ++t) {
      for (std::size_t column = 0; column < input.hidden(); column += input.head_size) {
        attend(input, input.qkv + t * input.row_stride + column, input.qkv + begin * input.row_stride + column,
               end - begin, out + t * input.hidden() + column);
      }
    }
  }
}

}  // namespace spanqa

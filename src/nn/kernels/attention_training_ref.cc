// The formulas of attention_training.h, loop by loop, in double precision.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "nn/kernels/attention_item.h"
#include "nn/kernels/attention_training.h"

namespace spanqa {
namespace {

double dot(const float* a, const float* b, std::size_t n) {
  double sum = 0.0;
  for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

// One item with its dropout.
struct Head {
  Head(const AttentionInput& input, const Dropout& drop, std::size_t i)
      : item(input, i), rows(input, item), n_heads(input.n_heads), dropout(drop) {}
  AttentionItem item;
  HeadInput rows;
  std::size_t n_heads;
  const Dropout& dropout;

  std::size_t n() const { return item.n; }
  std::size_t size() const { return rows.queries.width; }
  double scale() const { return 1.0 / std::sqrt(static_cast<double>(size())); }
  // Of query t of the sequence.
  std::size_t softmax(std::size_t t) const { return (item.begin + t) * n_heads + item.head; }
  double score(std::size_t t, std::size_t u) const {
    return dot(rows.queries.row(t), rows.keys.row(u), size()) * scale();
  }
  // Of weight (t, u): scale, or 0 where it is dropped.
  double factor(std::size_t t, std::size_t u) const {
    const bool kept = is_kept(dropout, static_cast<std::uint32_t>(softmax(t)), static_cast<std::uint32_t>(u));
    return kept ? static_cast<double>(dropout.scale) : 0.0;
  }
};

// Returns the logarithm of the softmax's sum.
double attend(const Head& head, std::size_t t, float* out) {
  std::vector<double> weights(head.n());
  for (std::size_t u = 0; u < head.n(); ++u) weights[u] = head.score(t, u);
  const double largest = *std::max_element(weights.begin(), weights.end());
  double sum = 0.0;
  for (double& weight : weights) sum += (weight = std::exp(weight - largest));
  for (std::size_t u = 0; u < head.n(); ++u) weights[u] *= head.factor(t, u) / sum;
  for (std::size_t d = 0; d < head.size(); ++d) {
    double mixed = 0.0;
    for (std::size_t u = 0; u < head.n(); ++u) mixed += weights[u] * static_cast<double>(head.rows.values.row(u)[d]);
    out[d] = static_cast<float>(mixed);
  }
  return largest + std::log(sum);
}

// Gradients of one item's queries, keys and values, rows side by side.
struct HeadSums {
  explicit HeadSums(std::size_t n) : queries(n), keys(n), values(n) {}
  std::vector<double> queries;
  std::vector<double> keys;
  std::vector<double> values;
};

// The share of weight (t, u) in all three; `delta` is D[t].
void add_weight(const Head& head, const AttentionGradient& gradient, std::size_t t, std::size_t u, double delta,
                HeadSums& sums) {
  const std::size_t size = head.size();
  const float* const d_out = gradient.d_out + (head.item.begin + t) * head.n_heads * size + head.item.column;
  const double weight = std::exp(head.score(t, u) - static_cast<double>(gradient.log_sums[head.softmax(t)]));
  const double factor = head.factor(t, u);
  const double d_score = weight * (factor * dot(d_out, head.rows.values.row(u), size) - delta) * head.scale();
  for (std::size_t d = 0; d < size; ++d) {
    sums.queries[t * size + d] += d_score * static_cast<double>(head.rows.keys.row(u)[d]);
    sums.keys[u * size + d] += d_score * static_cast<double>(head.rows.queries.row(t)[d]);
    sums.values[u * size + d] += weight * factor * static_cast<double>(d_out[d]);
  }
}

void write_rows(const std::vector<double>& sums, std::size_t size, std::size_t stride, float* out) {
  for (std::size_t i = 0; i < sums.size(); ++i) out[i / size * stride + i % size] = static_cast<float>(sums[i]);
}

}  // namespace

void attention_train_ref(const AttentionInput& input, const Dropout& dropout, float* out, float* log_sums) {
  for (std::size_t i = 0; i < count_attention_items(input); ++i) {
    const Head head(input, dropout, i);
    for (std::size_t t = 0; t < head.n(); ++t) {
      float* const row = out + (head.item.begin + t) * input.hidden() + head.item.column;
      log_sums[head.softmax(t)] = static_cast<float>(attend(head, t, row));
    }
  }
}

void attention_backward_ref(const AttentionInput& input, const Dropout& dropout, const AttentionGradient& gradient) {
  const std::size_t size = input.head_size;
  for (std::size_t i = 0; i < count_attention_items(input); ++i) {
    const Head head(input, dropout, i);
    HeadSums sums(head.n() * size);
    for (std::size_t t = 0; t < head.n(); ++t) {
      const std::size_t at = (head.item.begin + t) * input.hidden() + head.item.column;
      const double delta = dot(gradient.out + at, gradient.d_out + at, size);
      for (std::size_t u = 0; u < head.n(); ++u) add_weight(head, gradient, t, u, delta, sums);
    }
    float* const first = gradient.d_qkv + head.item.begin * input.row_stride + head.item.column;
    write_rows(sums.queries, size, input.row_stride, first);
    write_rows(sums.keys, size, input.row_stride, first + input.hidden());
    write_rows(sums.values, size, input.row_stride, first + 2 * input.hidden());
  }
}

}  // namespace spanqa

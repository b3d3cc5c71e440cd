// What the attention kernels share whatever their instruction set: the unit of work, one sequence and head.
#pragma once

#include <omp.h>

#include <cstddef>

#include "base/check.h"
#include "nn/kernels/attention.h"
#include "nn/kernels/dropout.h"

namespace spanqa {

/// Item i of a batch: head i % n_heads of sequence i / n_heads.
struct AttentionItem {
  AttentionItem(const AttentionInput& input, std::size_t i)
      : head(i % input.n_heads),
        column(head * input.head_size),
        begin(input.offsets[i / input.n_heads]),
        n(input.offsets[i / input.n_heads + 1] - begin) {}
  std::size_t head;
  std::size_t column;  // the head's first
  std::size_t begin;   // the sequence's first row
  std::size_t n;       // rows of the sequence
};

inline std::size_t count_attention_items(const AttentionInput& input) {
  return input.offsets.size() < 2 ? 0 : (input.offsets.size() - 1) * input.n_heads;
}

void check_attention_input(const AttentionInput& input, int n_threads);

/// A softmax's number is a row of is_kept, 32 bits wide.
inline void check_dropout_rows(const AttentionInput& input) {
  SPANQA_CHECK(input.offsets.empty() || input.offsets.back() * input.n_heads <= std::size_t{1} << 32U);
}

/// Rows of the longest sequence; checks that offsets ascend.
std::size_t longest_sequence(const AttentionInput& input);

/// Calls `work(i, i_next, thread)` for each item i, on `n_threads` OpenMP threads (1: the calling thread alone).
/// `i_next` is a guess at what the same thread does next; it may lie behind the last item.
template <typename Work>
void for_each_attention_item(const AttentionInput& input, int n_threads, const Work& work) {
  const std::size_t n_items = count_attention_items(input);
  if (n_threads == 1) {
    for (std::size_t i = 0; i < n_items; ++i) work(i, i + 1, 0);
    return;
  }
#pragma omp parallel for num_threads(n_threads) schedule(dynamic, 1)
  for (std::size_t i = 0; i < n_items; ++i) work(i, i + static_cast<std::size_t>(n_threads), omp_get_thread_num());
}

/// One head's part of some rows: `n` rows of `width` floats, `stride` apart.
struct HeadRows {
  const float* first = nullptr;
  std::size_t n = 0;
  std::size_t stride = 0;
  std::size_t width = 0;

  const float* row(std::size_t i) const { return first + i * stride; }
  /// Rows [begin, begin + count), or as many of them as there are.
  HeadRows slice(std::size_t begin, std::size_t count) const {
    return {.first = row(begin), .n = count < n - begin ? count : n - begin, .stride = stride, .width = width};
  }
};

/// Queries, keys and values of one item, or none (n is 0).
struct HeadInput {
  HeadInput() = default;
  HeadInput(const AttentionInput& input, const AttentionItem& item)
      : queries{.first = input.qkv + item.begin * input.row_stride + item.column,
                .n = item.n,
                .stride = input.row_stride,
                .width = input.head_size},
        keys(queries),
        values(queries) {
    keys.first += input.hidden();
    values.first += 2 * input.hidden();
  }
  /// Of item `i`; none where `i` lies behind the last item.
  static HeadInput of(const AttentionInput& input, std::size_t i) {
    return i < count_attention_items(input) ? HeadInput(input, AttentionItem(input, i)) : HeadInput();
  }
  HeadRows queries;
  HeadRows keys;
  HeadRows values;
};

/// The forward pass of one item.
struct AttentionHeadWork {
  HeadInput input;
  HeadInput next;  // of the item that this thread is likely to do next
  float* out;      // rows out_stride apart
  std::size_t out_stride;
  float* scratch;
};

/// Calls `work(item, head)` for each item that has rows, spread as for_each_attention_item spreads them; `head` writes
/// to its place in `out` [offsets.back(), hidden()].
template <typename Work>
void for_each_attention_head(const AttentionInput& input, float* out, AttentionScratch& scratch, int n_threads,
                             const Work& work) {
  for_each_attention_item(input, n_threads, [&](std::size_t i, std::size_t i_next, int thread) {
    const AttentionItem item(input, i);
    if (item.n == 0) return;
    const AttentionHeadWork head{.input = HeadInput(input, item),
                                 .next = HeadInput::of(input, i_next),
                                 .out = out + item.begin * input.hidden() + item.column,
                                 .out_stride = input.hidden(),
                                 .scratch = scratch.of_thread(thread)};
    work(item, head);
  });
}

/// Dropout of one item's weights: those of query t (of the sequence) are row first_row + t * n_heads.
struct ItemDropout {
  const Dropout& dropout;
  std::size_t first_row;
  std::size_t n_heads;
  float* factors;  // scratch for a row: dropout_scratch_size() floats at a multiple of 64 bytes
};

constexpr std::size_t round_up(std::size_t n, std::size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

/// Every panel width and vector length divides it.
constexpr std::size_t kPanelMultiple = 96;

/// Floats of scratch of a forward pass over a sequence of `n` tokens, enough for every instruction set.
inline std::size_t attention_scratch_size(std::size_t n, std::size_t head_size) {
  const std::size_t rows = round_up(n, kPanelMultiple);
  const std::size_t width = round_up(head_size, kPanelMultiple);
  return 3 * rows * width + rows * kPanelMultiple + kPanelMultiple;
}

inline std::size_t dropout_scratch_size(std::size_t n) { return round_up(n, 128); }

}  // namespace spanqa

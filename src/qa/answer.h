// What every decoder hands out: answers with their exact places.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace spanqa {

/// One answer. `text` is the context's bytes at `span`, always; no answer is an empty span at 0.
struct Answer {
  std::string text = {};
  ByteSpan span = {};        // bytes of the context
  double score = 0.0;        // what it means is the decoder's business: see its header
  float start_logit = 0.0F;  // of the best occurrence
  float end_logit = 0.0F;
  double margin = 0.0;     // global only: start + end logit less its window's no-answer sum, before the temperature
  std::size_t window = 0;  // number of the window it was found in, from 0
  bool is_no_answer = false;
};

/// Logits of one window as a decoder reads them, all in model order ([CLS] is position 0). Views; nothing is copied.
struct WindowLogits {
  const float* start = nullptr;  // [n_tokens]
  const float* end = nullptr;    // [n_tokens]
  std::size_t n_tokens = 0;
  std::size_t context_position = 0;  // position of the window's first context token
  std::size_t context_begin = 0;     // that token's index in the tokenised context
  std::size_t n_context = 0;
};

}  // namespace spanqa

// The training loss of one window, from logits that are there already.
#pragma once

#include "qa/answer.h"
#include "qa/windows.h"

namespace spanqa {

/// (cross-entropy of the start logits + cross-entropy of the end logits) / 2, each a softmax over the window's own
/// tokens, question and special ones included, as training has it (without label smoothing). Summed in double. `labels`
/// lie within the window. NaN where a logit is NaN.
///
/// Threads: any number. Cost: two exponentials a token, about 1 us for 100 tokens; the model takes thousands of times
/// that.
double window_loss(const WindowLogits& window, const WindowLabels& labels);

}  // namespace spanqa

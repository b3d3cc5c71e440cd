// The sentence an answer stands in, for showing it to a person.
#pragma once

#include <cstddef>
#include <string_view>

#include "text/tokenizer.h"

namespace spanqa {

struct SentenceOptions {
  std::size_t max_bytes = 0;  // longest passage, the answer always whole; 0: no bound
};

struct Sentence {
  ByteSpan span;           // of the context; no blanks at either end unless the answer has them
  bool cut_begin = false;  // something of the sentence was left out before or after, for want of room:
  bool cut_end = false;    // the place for the caller's ellipsis
};

/// The sentence around `answer`, or all sentences it touches. By rule, not by model: a sentence ends at a newline, at
/// an ideographic full stop, and at . ! ? before a blank; not after titles and initials ("Dr.", "J."), not inside
/// numbers, not where a small letter goes on. In doubt it does not end. Never splits a code point.
///
/// `answer` must lie within `context`. Cost: O(length of the passage), at most O(max_bytes) where that is set.
Sentence sentence_around(std::string_view context, ByteSpan answer, const SentenceOptions& options = {});

}  // namespace spanqa

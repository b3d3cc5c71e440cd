// Answers as JSON: the pipeline's fields, and beside them what it never gave (bytes, UTF-16, window, sentence).
#pragma once

#include <string>
#include <string_view>

#include "qa/reader.h"

namespace spanqa {

struct AnswerJsonOptions {
  std::string_view id;  // first field of the object when not empty
  bool with_question = true;
  bool with_sentence = true;
  int indent = -1;  // spaces; -1: one line
};

/// {"id", "question", "answers": [{"score", "start", "end", "answer", "byte_start", "byte_end", "utf16_start",
/// "utf16_end", "sentence", "window", "start_logit", "end_logit"}], "no_answer_score", "windows", "tokens",
/// "question_truncated"}
///
/// `start` and `end` count code points, as in Python. UTF-8 is written as it is; ill-formed parts of the context come
/// out as U+FFFD, which is also how they are counted. Numbers read back to the same float.
std::string answers_to_json(const Answers& answers, const Question& question, const AnswerJsonOptions& options = {});

/// The pipeline's own result: an object when there is one answer, else a list; fields score, start, end, answer.
std::string answers_to_pipeline_json(const Answers& answers, const Question& question, bool always_list);

}  // namespace spanqa

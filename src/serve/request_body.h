// Bodies of requests, as bytes, to what they ask for, in types. Every shape of every route; no socket, no model.
//
// What one field may hold stands in openapi.json, and nothing that it allows is refused here: numbers that do not fit
// together are lowered by the reader (LongQuestion::kFit). Only sizes in bytes are beyond it (413, with the limit).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "answer/answer_request.h"
#include "serve/api_error.h"

namespace spanqa::serve {

/// docs/server.md says why each has its value.
struct BodyLimits {
  std::size_t question_bytes = std::size_t{16} << 10;
  std::size_t context_bytes = std::size_t{2} << 20;     // of each context
  std::size_t contexts_bytes = std::size_t{4} << 20;    // of all contexts of a request
  std::size_t tokenize_bytes = std::size_t{256} << 10;  // of a text whose tokens are listed: each makes 200 bytes
  std::size_t questions = 32;
  std::size_t contexts = 64;  // contexts, instances, documents or inputs of a request
  int top_k = 100;
};

/// The pipeline's parameters by the names of the Python stack.
struct PipelineParameters {
  int top_k = 1;
  std::optional<std::size_t> doc_stride;  // unset: 128, at most half of max_seq_len
  std::size_t max_seq_len = 384;
  int max_answer_len = 15;
  std::optional<std::size_t> max_question_len;  // unset: all of the question that fits
  bool handle_impossible_answer = false;
  bool align_to_words = true;
};

/// `window` of /v1/answer.
struct WindowFields {
  std::size_t max_length = 384;
  std::optional<std::size_t> overlap;
  std::optional<std::size_t> max_question_length;
};

/// The scalar fields of /v1/answer.
struct AnswerFields {
  std::string model;
  std::string decoder = "global";
  int top_k = 1;
  std::optional<int> max_answer_tokens;  // unset: the decoder's own, 15 for the pipeline, else 30
  bool no_answer = true;
  std::optional<double> no_answer_threshold;
  bool align_to_words = true;
  WindowFields window;
  bool include_tokens = false;
};

/// How the answers are to be laid out.
enum class AnswerShape : std::uint8_t {
  kFlat,     // {"question", "context", "answer", "score"}
  kList,     // the answers of the only pair, always a list
  kEntry,    // the same, an object where top_k is 1
  kEntries,  // a list with one entry for each pair
  kFull,     // /v1/answer
};

/// What a caller named a document, as JSON to hand back; empty where nothing was given.
struct DocumentLabel {
  std::string id_json;
  std::string meta_json;
};

/// A request for answers.
struct AnswerCall {
  AnswerRequest request;
  AnswerShape shape = AnswerShape::kFull;
  int top_k = 1;
  std::string model;                  // empty: the default
  std::vector<DocumentLabel> labels;  // one for each document
  bool include_tokens = false;
};

/// POST /predict. kMissingFields where a flat body lacks its question or context, or one is "" or null.
Parsed<AnswerCall> parse_predict_body(std::string_view body, const BodyLimits& limits);
/// POST / and POST /models/{name}.
Parsed<AnswerCall> parse_hugging_face_body(std::string_view body, const BodyLimits& limits);
/// POST /v1/answer. Unknown fields are refused; "index" by kNoIndex.
Parsed<AnswerCall> parse_answer_body(std::string_view body, const BodyLimits& limits);

struct TokenizeCall {
  std::string text;
  std::string model;  // empty: the default
  bool add_special_tokens = false;
};
/// POST /v1/tokenize.
Parsed<TokenizeCall> parse_tokenize_body(std::string_view body, const BodyLimits& limits);

enum class Verdict : std::uint8_t { kRight, kWrong, kCorrected };

struct FeedbackCall {
  std::string question;
  std::string context;
  Verdict verdict = Verdict::kRight;
  std::string answer;            // empty: "no answer" is what is right or was said
  std::size_t answer_start = 0;  // code points of the context; 0 without an answer
  std::string model;
};
/// The fields of /v1/feedback as they are written.
struct FeedbackFields {
  std::string question;
  std::string context;
  std::string verdict;
  std::string answer;
  std::optional<std::size_t> answer_start;
  std::string model;
};
/// POST /v1/feedback. kMisplacedAnswer where the answer does not stand at its place; without a place it is looked for.
Parsed<FeedbackCall> parse_feedback_body(std::string_view body, const BodyLimits& limits);

/// kUnsupportedMediaType unless `content_type` is JSON in UTF-8; an empty one passes.
std::optional<ApiError> check_content_type(std::string_view content_type);

}  // namespace spanqa::serve

// Bodies of every route from anywhere: an error that is JSON, or a request within the limits.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/check.h"
#include "base/utf8.h"
#include "serve/request_body.h"

namespace {

using spanqa::serve::AnswerCall;
using spanqa::serve::BodyLimits;
using spanqa::serve::Parsed;

// Small, so that inputs of a fuzzer's size reach them.
constexpr BodyLimits kLimits{
    .question_bytes = 64, .context_bytes = 128, .contexts_bytes = 192, .questions = 4, .contexts = 8};

template <typename Call>
void check_error(const Parsed<Call>& call) {
  if (!call) SPANQA_CHECK(nlohmann::json::accept(spanqa::serve::error_json(call.error())));
}

void check(const Parsed<AnswerCall>& call) {
  check_error(call);
  if (!call) return;
  const spanqa::AnswerRequest& request = call->request;
  SPANQA_CHECK(!request.pairs.empty() && request.documents.size() == call->labels.size());
  std::size_t total = 0;
  for (const spanqa::Document& document : request.documents) {
    SPANQA_CHECK(!document.text.empty() && document.text.size() <= kLimits.context_bytes);
    SPANQA_CHECK(spanqa::is_valid_utf8(document.text));
    total += document.text.size();
  }
  SPANQA_CHECK(total <= kLimits.contexts_bytes);
  for (const std::string& question : request.questions) {
    SPANQA_CHECK(!question.empty() && question.size() <= kLimits.question_bytes);
    SPANQA_CHECK(spanqa::is_valid_utf8(question));
  }
  for (const spanqa::QuestionPair& pair : request.pairs) {
    SPANQA_CHECK(pair.question < request.questions.size() && pair.document < request.documents.size());
  }
  SPANQA_CHECK(call->top_k >= 1 && call->top_k <= kLimits.top_k);
  SPANQA_CHECK(std::visit([](const auto& options) { return spanqa::check_options(options).has_value(); },
                          request.options.decoder));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  check(spanqa::serve::parse_predict_body(body, kLimits));
  check(spanqa::serve::parse_hugging_face_body(body, kLimits));
  check(spanqa::serve::parse_answer_body(body, kLimits));
  check_error(spanqa::serve::parse_tokenize_body(body, kLimits));
  const auto feedback = spanqa::serve::parse_feedback_body(body, kLimits);
  check_error(feedback);
  if (feedback) {
    const std::size_t begin = spanqa::TextIndex(feedback->context).at_code_point(feedback->answer_start).byte;
    SPANQA_CHECK(std::string_view(feedback->context).substr(begin).starts_with(feedback->answer));
  }
  (void)spanqa::serve::check_content_type(body);
  return 0;
}

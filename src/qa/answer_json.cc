#include "qa/answer_json.h"

#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "qa/sentence.h"

namespace spanqa {
namespace {

using Json = nlohmann::ordered_json;

// Text without full stops (tables, code) has "sentences" of any length; this much is given of one.
constexpr std::size_t kSentenceBytes = 2000;

std::string dump(const Json& json, int indent) { return json.dump(indent, ' ', false, Json::error_handler_t::replace); }

Json pipeline_fields(const Answer& answer, const TextIndex& index) {
  Json fields;
  fields["score"] = answer.score;
  fields["start"] = index.at_byte(answer.span.begin).code_point;
  fields["end"] = index.at_byte(answer.span.end).code_point;
  fields["answer"] = to_valid_utf8(answer.text);
  return fields;
}

Json all_fields(const Answer& answer, const TextIndex& index, bool with_sentence) {
  Json fields = pipeline_fields(answer, index);
  fields["byte_start"] = answer.span.begin;
  fields["byte_end"] = answer.span.end;
  fields["utf16_start"] = index.at_byte(answer.span.begin).utf16;
  fields["utf16_end"] = index.at_byte(answer.span.end).utf16;
  if (answer.is_no_answer) {
    fields["no_answer"] = true;
    return fields;
  }
  if (with_sentence) {
    const ByteSpan sentence = sentence_around(index.text(), answer.span, {.max_bytes = kSentenceBytes}).span;
    fields["sentence"] = to_valid_utf8(index.text().substr(sentence.begin, sentence.end - sentence.begin));
  }
  fields["window"] = answer.window;
  fields["start_logit"] = answer.start_logit;
  fields["end_logit"] = answer.end_logit;
  return fields;
}

}  // namespace

std::string answers_to_json(const Answers& answers, const Question& question, const AnswerJsonOptions& options) {
  const TextIndex index(question.context);
  Json json;
  if (!options.id.empty()) json["id"] = to_valid_utf8(options.id);
  if (options.with_question) json["question"] = to_valid_utf8(question.question);
  Json list = Json::array();
  for (const Answer& answer : answers.answers) list.push_back(all_fields(answer, index, options.with_sentence));
  json["answers"] = std::move(list);
  json["no_answer_score"] = answers.no_answer_score;
  json["windows"] = answers.n_windows;
  json["tokens"] = answers.n_tokens;
  json["question_truncated"] = answers.question_truncated;
  return dump(json, options.indent);
}

std::string answers_to_pipeline_json(const Answers& answers, const Question& question, bool always_list) {
  const TextIndex index(question.context);
  Json list = Json::array();
  for (const Answer& answer : answers.answers) list.push_back(pipeline_fields(answer, index));
  return dump(list.size() == 1 && !always_list ? list.front() : list, -1);
}

}  // namespace spanqa

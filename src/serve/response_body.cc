#include "serve/response_body.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/check.h"
#include "base/utf8.h"
#include "qa/sentence.h"

namespace spanqa::serve {
namespace {

using Json = nlohmann::ordered_json;

// Text without full stops (tables, code) has "sentences" of any length; this much is given of one.
constexpr std::size_t kSentenceBytes = 2000;

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// Positions within a request's documents; each is indexed once, when it is first asked for.
class Positions {
 public:
  explicit Positions(const AnswerRequest& request) : request_(&request), indices_(request.documents.size()) {}
  const TextIndex& of(std::size_t document) {
    std::optional<TextIndex>& index = indices_[document];
    if (!index) index.emplace(std::string_view(request_->documents[document].text));
    return *index;
  }

 private:
  const AnswerRequest* request_;
  std::vector<std::optional<TextIndex>> indices_;
};

/// Puts back what the caller sent: the text is JSON of ours.
void set_json(Json& object, const char* name, const std::string& json) {
  if (!json.empty()) object[name] = Json::parse(json);
}

Json pipeline_answer(const Answer& answer, const TextIndex& index) {
  return {{"score", answer.score},
          {"start", index.at_byte(answer.span.begin).code_point},
          {"end", index.at_byte(answer.span.end).code_point},
          {"answer", answer.text}};
}

/// Answers of one pair with the names that the caller gave its document.
std::vector<Json> pair_answers(const AnswerCall& call, std::size_t document, const Answers& found,
                               Positions& positions) {
  std::vector<Json> list;
  const Answer nothing;
  const std::span<const Answer> answers =
      found.answers.empty() ? std::span<const Answer>(&nothing, 1) : std::span<const Answer>(found.answers);
  for (const Answer& answer : answers) {
    Json entry = Json::object();
    set_json(entry, "id", call.labels[document].id_json);
    entry.update(pipeline_answer(answer, positions.of(document)));
    set_json(entry, "meta", call.labels[document].meta_json);
    list.push_back(std::move(entry));
  }
  return list;
}

/// An object where one answer was asked for, else a list.
Json entry_of(std::vector<Json> answers, int top_k) {
  if (top_k == 1) return std::move(answers.front());
  return Json(std::move(answers));
}

Json flat(const AnswerCall& call, const Answers& found) {
  const Answer nothing;
  const Answer& best = found.answers.empty() ? nothing : found.answers.front();
  return {{"question", call.request.questions.front()},
          {"context", call.request.documents.front().text},
          {"answer", best.text},
          {"score", best.score}};
}

Json range(std::size_t begin, std::size_t end) { return {{"start", begin}, {"end", end}}; }

Json full_answer(const AnswerCall& call, const PlacedAnswer& placed, Positions& positions) {
  const Answer& answer = placed.answer;
  Json json = {{"text", answer.text}, {"score", answer.score}, {"no_answer", answer.is_no_answer}};
  if (answer.is_no_answer) return json;
  const TextIndex& index = positions.of(placed.document);
  const TextPosition begin = index.at_byte(answer.span.begin);
  const TextPosition end = index.at_byte(answer.span.end);
  json["context"] = placed.document;
  set_json(json, "id", call.labels[placed.document].id_json);
  json["code_points"] = range(begin.code_point, end.code_point);
  json["bytes"] = range(begin.byte, end.byte);
  json["utf16"] = range(begin.utf16, end.utf16);
  const ByteSpan sentence = sentence_around(index.text(), answer.span, {.max_bytes = kSentenceBytes}).span;
  json["sentence"] = std::string(index.text().substr(sentence.begin, sentence.end - sentence.begin));
  json["window"] = answer.window;
  json["start_logit"] = answer.start_logit;
  json["end_logit"] = answer.end_logit;
  return json;
}

Json probabilities(const WindowProbabilities& window, Positions& positions) {
  const TextIndex& index = positions.of(window.document);
  Json tokens = Json::array();
  for (const TokenProbability& token : window.tokens) {
    const TextPosition begin = index.at_byte(token.span.begin);
    const TextPosition end = index.at_byte(token.span.end);
    tokens.push_back({{"text", std::string(index.text().substr(begin.byte, end.byte - begin.byte))},
                      {"start", begin.code_point},
                      {"end", end.code_point},
                      {"p_start", token.start},
                      {"p_end", token.end}});
  }
  return {{"context", window.document},
          {"window", window.window},
          {"no_answer", {{"p_start", window.no_answer_start}, {"p_end", window.no_answer_end}}},
          {"tokens", std::move(tokens)}};
}

Json question_result(const AnswerCall& call, const FullAnswer& full, std::size_t question, Positions& positions) {
  const MergedAnswers& merged = full.by_question[question];
  Json answers = Json::array();
  for (const PlacedAnswer& placed : merged.answers) answers.push_back(full_answer(call, placed, positions));
  Json result = {{"question", call.request.questions[question]},
                 {"question_truncated", merged.question_truncated},
                 {"no_answer", merged.no_answer},
                 {"no_answer_score", merged.no_answer_score},
                 {"answers", std::move(answers)},
                 {"windows", merged.n_windows},
                 {"tokens", merged.n_tokens}};
  if (!full.probabilities.empty()) {
    result["token_probabilities"] = probabilities(full.probabilities[question], positions);
  }
  return result;
}

Json model_json(const ModelSummary& model) {
  return {{"name", model.name},
          {"default", model.is_default},
          {"family", model.family},
          {"weights", model.weight_type},
          {"parameters", model.n_parameters},
          {"max_length", model.max_length},
          {"temperature", model.settings.temperature},
          {"no_answer_threshold", model.settings.no_answer_threshold},
          {"generation", model.generation}};
}

}  // namespace

std::string pipeline_body(const AnswerCall& call, std::span<const Answers> by_pair) {
  const std::vector<QuestionPair>& pairs = call.request.pairs;
  SPANQA_CHECK(!pairs.empty() && by_pair.size() == pairs.size() && call.shape != AnswerShape::kFull);
  if (call.shape == AnswerShape::kFlat) return dump(flat(call, by_pair.front()));
  Positions positions(call.request);
  if (call.shape != AnswerShape::kEntries) {
    std::vector<Json> answers = pair_answers(call, pairs.front().document, by_pair.front(), positions);
    return dump(call.shape == AnswerShape::kList ? Json(std::move(answers)) : entry_of(std::move(answers), call.top_k));
  }
  Json entries = Json::array();
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    entries.push_back(entry_of(pair_answers(call, pairs[i].document, by_pair[i], positions), call.top_k));
  }
  return dump(entries);
}

std::string full_body(const AnswerCall& call, const FullAnswer& answer) {
  const std::size_t n_questions = call.request.questions.size();
  SPANQA_CHECK(answer.by_question.size() == n_questions);
  SPANQA_CHECK(answer.probabilities.empty() || answer.probabilities.size() == n_questions);
  Positions positions(call.request);
  Json results = Json::array();
  for (std::size_t q = 0; q < n_questions; ++q) results.push_back(question_result(call, answer, q, positions));
  const StageTimes& times = answer.times;
  const Json json = {{"model", answer.model},
                     {"decoder", answer.decoder},
                     {"results", std::move(results)},
                     {"window", {{"max_length", answer.max_length}, {"overlap", answer.overlap}}},
                     {"timing",
                      {{"tokenize_ms", times.tokenize},
                       {"queue_ms", times.queue},
                       {"inference_ms", times.inference},
                       {"total_ms", times.total},
                       {"cached", times.cached}}}};
  return dump(json);
}

// Written without a tree: a long text has a hundred thousand tokens, and each would be a dozen values.
std::string tokenize_body(const std::string& model, const std::string& text, std::span<const TokenText> tokens) {
  const TextIndex index{std::string_view(text)};
  std::string body = fmt::format(R"({{"model":{},"tokens":[)", dump(model));
  for (const TokenText& token : tokens) {
    const TextPosition begin = index.at_byte(token.span.begin);
    const TextPosition end = index.at_byte(token.span.end);
    if (body.back() == '}') body += ',';
    fmt::format_to(std::back_inserter(body), R"({{"id":{},"token":{},"special":{},)", token.id, dump(token.text),
                   token.special);
    fmt::format_to(std::back_inserter(body),
                   R"("code_points":{{"start":{},"end":{}}},"bytes":{{"start":{},"end":{}}},)", begin.code_point,
                   end.code_point, begin.byte, end.byte);
    fmt::format_to(std::back_inserter(body), R"("utf16":{{"start":{},"end":{}}}}})", begin.utf16, end.utf16);
  }
  return body + "]}";
}

std::string models_body(std::span<const ModelSummary> models) {
  Json list = Json::array();
  for (const ModelSummary& model : models) list.push_back(model_json(model));
  return dump(Json{{"models", std::move(list)}});
}

std::string health_body(bool is_ready, std::span<const ModelSummary> models) {
  Json names = Json::array();
  for (const ModelSummary& model : models) names.push_back(model.name);
  return dump(
      Json{{"status", is_ready ? "ready" : "not_ready"}, {"live", true}, {"ready", is_ready}, {"models", names}});
}

}  // namespace spanqa::serve

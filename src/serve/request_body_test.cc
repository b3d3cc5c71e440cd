#include "serve/request_body.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>

namespace spanqa::serve {
namespace {

const BodyLimits kLimits;

/// "422 invalid_field parameters.top_k: message", or "ok".
template <typename Call>
std::string outcome(const Parsed<Call>& call) {
  if (call) return "ok";
  const ErrorRow& row = error_row(call.error().kind);
  return std::to_string(row.status) + " " + std::string(row.code) + " " + call.error().field + ": " +
         call.error().message;
}
std::string predict(std::string_view body) { return outcome(parse_predict_body(body, kLimits)); }
std::string hugging_face(std::string_view body) { return outcome(parse_hugging_face_body(body, kLimits)); }
std::string answer(std::string_view body) { return outcome(parse_answer_body(body, kLimits)); }

const PipelineOptions& pipeline(const AnswerCall& call) {
  return std::get<PipelineOptions>(call.request.options.decoder);
}

TEST(PredictBody, FlatIsOneQuestionOverOneContextWithThePipelinesDefaults) {
  const auto call = parse_predict_body(R"({"question": "Who?", "context": "Ann did."})", kLimits);
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_EQ(call->shape, AnswerShape::kFlat);
  EXPECT_EQ(call->request.questions, std::vector<std::string>{"Who?"});
  ASSERT_EQ(call->request.documents.size(), 1U);
  EXPECT_EQ(call->request.documents[0].text, "Ann did.");
  EXPECT_EQ(call->request.pairs, (std::vector<QuestionPair>{{0, 0}}));
  EXPECT_EQ(call->labels.size(), 1U);
  EXPECT_EQ(pipeline(*call).top_k, 1);
  EXPECT_EQ(pipeline(*call).max_answer_tokens, 15);
  EXPECT_FALSE(pipeline(*call).handle_impossible_answer);
  EXPECT_TRUE(pipeline(*call).align_to_words);
  const WindowOptions& windows = call->request.options.windows;
  EXPECT_EQ(windows.max_length, 384U);
  EXPECT_EQ(windows.overlap, 128U);
  EXPECT_EQ(windows.long_question, LongQuestion::kFit);
  EXPECT_EQ(windows.max_question_length, std::numeric_limits<std::size_t>::max());
}

TEST(PredictBody, MissingAndEmptyFieldsGiveTheContractsOwnError) {
  for (const char* body :
       {R"({})", R"({"question": "q"})", R"({"context": "c"})", R"({"question": "", "context": "c"})",
        R"({"question": "q", "context": ""})", R"({"question": null, "context": "c"})", R"({"top_k": 3})"}) {
    const auto call = parse_predict_body(body, kLimits);
    ASSERT_FALSE(call) << body;
    EXPECT_EQ(error_json(call.error()), R"({"error":"Please provide both question and context"})") << body;
    EXPECT_EQ(error_row(call.error().kind).status, 400);
  }
  EXPECT_EQ(predict(R"({"question": " ", "context": " "})"), "ok") << "blanks are texts";
  EXPECT_EQ(predict(R"({"question": 5, "context": "c"})"),
            "422 invalid_field question: question must be a text (got 5)");
  EXPECT_EQ(predict("[]"), "400 invalid_json : the body must be a JSON object");
}

TEST(PredictBody, ParametersStandBesideTheFieldsOrInAnObjectThatWins) {
  const auto call = parse_predict_body(
      R"({"question": "q", "context": "c", "top_k": 3, "doc_stride": 9, "max_answer_len": 20,
          "parameters": {"top_k": 4, "align_to_words": false, "max_seq_len": 100, "max_question_len": 7}, "x": [1]})",
      kLimits);
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_EQ(call->top_k, 4);
  EXPECT_EQ(pipeline(*call).top_k, 4);
  EXPECT_EQ(pipeline(*call).max_answer_tokens, 20);
  EXPECT_FALSE(pipeline(*call).align_to_words);
  EXPECT_EQ(call->request.options.windows.max_length, 100U);
  EXPECT_EQ(call->request.options.windows.overlap, 9U);
  EXPECT_EQ(call->request.options.windows.max_question_length, 7U);
}

TEST(PredictBody, WithoutAStrideAShortWindowHalvesIt) {
  const auto call = parse_predict_body(R"({"question": "q", "context": "c", "max_seq_len": 100})", kLimits);
  ASSERT_TRUE(call);
  EXPECT_EQ(call->request.options.windows.overlap, 50U);
}

TEST(PredictBody, InputsInstancesAndDocumentsAreLists) {
  const auto inputs = parse_predict_body(R"({"inputs": {"question": "q", "context": "c"}})", kLimits);
  ASSERT_TRUE(inputs);
  EXPECT_EQ(inputs->shape, AnswerShape::kList);

  const auto many = parse_predict_body(
      R"({"inputs": [{"question": "q", "context": "c"}, {"question": "r", "context": "d"}]})", kLimits);
  ASSERT_TRUE(many);
  EXPECT_EQ(many->shape, AnswerShape::kEntries);
  EXPECT_EQ(many->request.pairs, (std::vector<QuestionPair>{{0, 0}, {1, 1}}));

  const auto instances = parse_predict_body(R"({"instances": [{"question": "q", "context": "c"}]})", kLimits);
  ASSERT_TRUE(instances);
  EXPECT_EQ(instances->shape, AnswerShape::kEntries);

  const auto documents = parse_predict_body(
      R"({"question": "q", "documents": [{"id": 7, "text": "c", "meta": {"page": 2}}, {"id": "é", "text": "d"},
          {"text": "e", "more": 1}], "parameters": {"top_k": 2}})",
      kLimits);
  ASSERT_TRUE(documents) << documents.error().message;
  EXPECT_EQ(documents->shape, AnswerShape::kEntries);
  EXPECT_EQ(documents->request.pairs, (std::vector<QuestionPair>{{0, 0}, {0, 1}, {0, 2}}));
  EXPECT_EQ(documents->request.documents[0].id, "7");
  EXPECT_EQ(documents->labels[0].id_json, "7");
  EXPECT_EQ(documents->labels[0].meta_json, R"({"page":2})");
  EXPECT_EQ(documents->labels[1].id_json, "\"é\"");
  EXPECT_EQ(documents->labels[2].id_json, "");
}

TEST(PredictBody, ErrorsNameTheField) {
  EXPECT_EQ(predict(R"({"inputs": 5})"), "422 invalid_field inputs: inputs must be an object (got 5)");
  EXPECT_EQ(predict(R"({"inputs": []})"),
            "422 invalid_field inputs: inputs must be a list of 1 to 64 entries (got 0 of them)");
  EXPECT_EQ(predict(R"({"inputs": {"question": "q"}})"), "422 invalid_field inputs.context: inputs.context is missing");
  EXPECT_EQ(predict(R"({"instances": [{"question": "q", "context": "c"}, {"question": "", "context": "c"}]})"),
            "422 invalid_field instances[1].question: instances[1].question must not be empty");
  EXPECT_EQ(predict(R"({"question": "q", "documents": [{"text": "t", "id": true}]})"),
            "422 invalid_field documents[0].id: documents[0].id must be a whole number or a text of at most 256 "
            "characters (got true)");
  EXPECT_EQ(predict(R"({"documents": [{"text": "t"}]})"), "422 invalid_field question: question is missing");
  EXPECT_EQ(predict(R"({"question": "q", "context": "c", "parameters": []})"),
            "422 invalid_field parameters: parameters must be an object (got a list)");
}

TEST(PredictBody, NumbersOutOfRangeAndOfTheWrongKindAreRefused) {
  const auto with = [](const std::string& parameter) {
    return predict(R"({"question": "q", "context": "c", )" + parameter + "}");
  };
  EXPECT_EQ(with(R"("top_k": 0)"), "422 invalid_field top_k: top_k must be a whole number from 1 to 100 (got 0)");
  EXPECT_EQ(with(R"("top_k": 100)"), "ok");
  EXPECT_EQ(with(R"("top_k": 2.0)"), "ok") << "a whole number, as JSON Schema has it";
  for (const char* wrong : {"101", "-1", "1.5", "true", "null", "\"1\"", "[1]", "18446744073709551615", "1e300"}) {
    EXPECT_NE(with(std::string(R"("top_k": )") + wrong), "ok") << wrong;
  }
  EXPECT_EQ(with(R"("align_to_words": 1)"),
            "422 invalid_field align_to_words: align_to_words must be true or false (got 1)");
  EXPECT_EQ(with(R"("max_seq_len": 15)"),
            "422 invalid_field max_seq_len: max_seq_len must be a whole number from 16 to 4096 (got 15)");
  EXPECT_EQ(with(R"("parameters": {"max_answer_len": "long"})"),
            "422 invalid_field parameters.max_answer_len: parameters.max_answer_len must be a whole number from 1 to "
            "512 (got \"long\")");
}

TEST(PredictBody, LongTextsAreRefusedWithTheLimitAndNeverQuoted) {
  const BodyLimits small{.question_bytes = 4, .context_bytes = 6, .contexts_bytes = 10};
  const auto question = parse_predict_body(R"({"question": "12345", "context": "c"})", small);
  ASSERT_FALSE(question);
  EXPECT_EQ(outcome(question), "413 question_too_long question: question has 5 bytes; at most 4 are taken");
  EXPECT_EQ(question.error().limit, 4U);
  const auto context = parse_predict_body(R"({"question": "q", "context": "éééé"})", small);
  EXPECT_EQ(outcome(context), "413 context_too_long context: context has 8 bytes; at most 6 are taken");
  const auto sum =
      parse_predict_body(R"({"question": "q", "documents": [{"text": "123456"}, {"text": "12345"}]})", small);
  EXPECT_EQ(outcome(sum), "413 context_too_long : the contexts have 11 bytes together; at most 10 are taken");
  const std::string long_text(10000, 'x');
  EXPECT_LT(predict(R"({"inputs": ")" + long_text + "\"}").size(), 200U);
}

TEST(HuggingFaceBody, TakesWhatTheClientsSend) {
  const auto call = parse_hugging_face_body(
      R"({"inputs": {"question": "q", "context": "c"}, "parameters": {"top_k": 2, "handle_impossible_answer": true}})",
      kLimits);
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_EQ(call->shape, AnswerShape::kEntry);
  EXPECT_EQ(call->top_k, 2);
  EXPECT_TRUE(pipeline(*call).handle_impossible_answer);
  EXPECT_EQ(hugging_face(R"({"inputs": {"question": "q", "context": "c"}, "options": {"wait": true}})"), "ok");
  EXPECT_EQ(hugging_face(R"({"inputs": {"question": "q", "context": "c"}, "top_k": 2})"), "ok");
  EXPECT_EQ(hugging_face(R"({"question": "q", "context": "c"})"), "422 invalid_field inputs: inputs is missing");
}

TEST(AnswerBody, AsksEveryQuestionOfEveryContext) {
  const auto call = parse_answer_body(
      R"({"question": "a", "questions": ["b"], "context": "x", "contexts": ["y", {"id": "n", "text": "z"}],
          "top_k": 5, "model": "m/n", "include": ["tokens"], "window": {"max_length": 64, "overlap": 3}})",
      kLimits);
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_EQ(call->request.questions, (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(call->request.documents.size(), 3U);
  EXPECT_EQ(call->request.documents[2].text, "z");
  EXPECT_EQ(call->labels[2].id_json, "\"n\"");
  EXPECT_EQ(call->request.pairs.size(), 6U);
  EXPECT_EQ(call->model, "m/n");
  EXPECT_EQ(call->top_k, 5);
  EXPECT_TRUE(call->include_tokens);
  const auto& global = std::get<GlobalOptions>(call->request.options.decoder);
  EXPECT_EQ(global.top_k, 5);
  EXPECT_EQ(global.max_answer_tokens, 30);
  EXPECT_EQ(global.no_answer_threshold, 0.0) << "decided over all contexts";
  EXPECT_FALSE(call->request.no_answer_threshold.has_value()) << "the model's fitted one";
  EXPECT_EQ(call->request.options.windows.max_length, 64U);
  EXPECT_EQ(call->request.options.windows.overlap, 3U);
}

TEST(AnswerBody, DecodersTakeTheFieldsInTheirOwnWay) {
  const auto run_qa = parse_answer_body(
      R"({"question": "q", "context": "c", "decoder": "run_qa", "top_k": 30, "no_answer_threshold": -2.5})", kLimits);
  ASSERT_TRUE(run_qa);
  const auto& options = std::get<RunQaOptions>(run_qa->request.options.decoder);
  EXPECT_EQ(options.n_best, 30);
  EXPECT_TRUE(options.version_2);
  EXPECT_EQ(run_qa->request.no_answer_threshold, -2.5);

  const auto none = parse_answer_body(R"({"question": "q", "context": "c", "no_answer": false})", kLimits);
  ASSERT_TRUE(none);
  EXPECT_EQ(none->request.no_answer_threshold, 0.0);

  const auto piped = parse_answer_body(R"({"question": "q", "context": "c", "decoder": "pipeline"})", kLimits);
  ASSERT_TRUE(piped);
  EXPECT_EQ(pipeline(*piped).max_answer_tokens, 15);
  EXPECT_TRUE(pipeline(*piped).handle_impossible_answer);
}

TEST(AnswerBody, IsStrict) {
  EXPECT_EQ(answer(R"({"question": "q", "context": "c", "topk": 1})"), "422 invalid_field topk: topk is no field here");
  EXPECT_EQ(answer(R"({"question": "q", "context": "c", "window": {"stride": 1}})"),
            "422 invalid_field window.stride: window.stride is no field here");
  EXPECT_EQ(answer(R"({"question": "q", "contexts": [{"text": "c", "meta": 1}]})"),
            "422 invalid_field contexts[0].meta: contexts[0].meta is no field here");
  EXPECT_EQ(answer(R"({"context": "c"})"), "422 invalid_field question: question is missing");
  EXPECT_EQ(answer(R"({"question": "q"})"), "422 invalid_field context: context is missing");
  EXPECT_EQ(answer(R"({"question": "q", "contexts": []})"),
            "422 invalid_field contexts: contexts must be a list of 1 to 64 entries (got 0 of them)");
  EXPECT_EQ(answer(R"({"question": "q", "context": "c", "decoder": "best"})"),
            "422 invalid_field decoder: decoder must be one of \"global\", \"pipeline\", \"run_qa\" (got \"best\")");
  EXPECT_EQ(answer(R"({"question": "q", "context": "c", "include": ["logits"]})"),
            "422 invalid_field include: include must be a list of \"tokens\"");
  EXPECT_EQ(answer(R"({"question": "q", "context": "c", "no_answer_threshold": "high"})"),
            "422 invalid_field no_answer_threshold: no_answer_threshold must be a number from -1000 to 1000 (got "
            "\"high\")");
}

TEST(AnswerBody, TheIndexIsReserved) {
  const auto call = parse_answer_body(R"({"question": "q", "index": "docs"})", kLimits);
  ASSERT_FALSE(call);
  EXPECT_EQ(error_json(call.error()), R"({"error":"no index loaded","code":"no_index","field":"index"})");
}

TEST(TokenizeBody, ReadsItsFields) {
  const auto call = parse_tokenize_body(R"({"text": "t", "model": "m", "add_special_tokens": true})", kLimits);
  ASSERT_TRUE(call);
  EXPECT_EQ(call->text, "t");
  EXPECT_EQ(call->model, "m");
  EXPECT_TRUE(call->add_special_tokens);
  EXPECT_EQ(outcome(parse_tokenize_body("{}", kLimits)), "422 invalid_field text: text is missing");
  EXPECT_EQ(outcome(parse_tokenize_body(R"({"text": "t", "x": 1})", kLimits)),
            "422 invalid_field x: x is no field here");
}

TEST(FeedbackBody, HoldsAnAnswerThatStandsAtItsPlace) {
  const auto feedback = [](const std::string& rest) {
    return parse_feedback_body(R"({"question": "q", "context": "é😀 ab ab", )" + rest + "}", kLimits);
  };
  const auto placed = feedback(R"("verdict": "corrected", "answer": "ab", "answer_start": 6)");
  ASSERT_TRUE(placed) << placed.error().message;
  EXPECT_EQ(placed->verdict, Verdict::kCorrected);
  EXPECT_EQ(placed->answer_start, 6U);
  const auto found = feedback(R"("verdict": "right", "answer": "ab")");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->answer_start, 3U) << "code points";
  const auto none = feedback(R"("verdict": "right", "answer_start": 4)");
  ASSERT_TRUE(none);
  EXPECT_EQ(none->answer_start, 0U);
  EXPECT_EQ(outcome(feedback(R"("verdict": "right", "answer": "ab", "answer_start": 4)")),
            "409 misplaced_answer answer: ");
  EXPECT_EQ(outcome(feedback(R"("verdict": "right", "answer": "ab", "answer_start": 99)")),
            "409 misplaced_answer answer: ");
  EXPECT_EQ(outcome(feedback(R"("verdict": "right", "answer": "abc")")), "409 misplaced_answer answer: ");
  EXPECT_EQ(outcome(feedback(R"("verdict": "maybe")")),
            "422 invalid_field verdict: verdict must be one of \"right\", \"wrong\", \"corrected\" (got \"maybe\")");
}

TEST(ContentType, IsJsonInUtf8) {
  for (const char* good : {"", "application/json", "Application/JSON ; charset=UTF-8",
                           "application/json;charset=\"utf-8\"", "application/json; profile=x"}) {
    EXPECT_FALSE(check_content_type(good).has_value()) << good;
  }
  for (const char* bad : {"text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "json",
                          ";", "application/json5", "application/json; charset=\"utf-16\""}) {
    EXPECT_TRUE(check_content_type(bad).has_value()) << bad;
  }
}

TEST(EveryBody, CutAnywhereIsAnErrorAndDamagedNeverCrashes) {
  const std::string whole =
      R"({"question":"q","questions":["r"],"contexts":["x",{"id":1,"text":"y"}],"top_k":2,"window":{"overlap":1}})";
  ASSERT_EQ(answer(whole), "ok");
  for (std::size_t n = 0; n < whole.size(); ++n) EXPECT_NE(answer(whole.substr(0, n)), "ok") << n;
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const auto call = parse_answer_body(damaged, kLimits);
    if (call) continue;
    EXPECT_TRUE(nlohmann::json::accept(error_json(call.error())));
  }
}

}  // namespace
}  // namespace spanqa::serve

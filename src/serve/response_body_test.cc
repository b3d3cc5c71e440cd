#include "serve/response_body.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace spanqa::serve {
namespace {

using Json = nlohmann::json;

// Before the answer stand an emoji (1 code point, 4 bytes, 2 UTF-16 units) and a letter of 2 bytes.
constexpr const char* kContext = "😀 é. Ann wrote it. Bob did not.";
constexpr std::uint32_t kAnn = 9;  // byte at which "Ann" begins

Answer ann(double score) {
  Answer answer;
  answer.text = "Ann";
  answer.span = {kAnn, kAnn + 3};
  answer.score = score;
  answer.start_logit = 1.5F;
  answer.end_logit = 2.5F;
  answer.window = 1;
  return answer;
}

AnswerCall call_of(AnswerShape shape, int top_k, std::size_t n_documents = 1) {
  AnswerCall call;
  call.shape = shape;
  call.top_k = top_k;
  call.request.questions = {"Who?"};
  for (std::size_t i = 0; i < n_documents; ++i) call.request.documents.push_back({.id = {}, .text = kContext});
  call.request.pair_all();
  call.labels.resize(n_documents);
  return call;
}

Answers found(const std::vector<Answer>& answers) {
  Answers result;
  result.answers = answers;
  result.n_windows = 2;
  result.n_tokens = 30;
  return result;
}

TEST(PipelineBody, FlatIsTheContractsObject) {
  const std::vector<Answers> by_pair = {found({ann(0.5), ann(0.25)})};
  EXPECT_EQ(pipeline_body(call_of(AnswerShape::kFlat, 1), by_pair),
            std::string(R"({"question":"Who?","context":")") + kContext + R"(","answer":"Ann","score":0.5})");
}

TEST(PipelineBody, OffsetsCountCodePoints) {
  const std::vector<Answers> by_pair = {found({ann(0.5)})};
  EXPECT_EQ(pipeline_body(call_of(AnswerShape::kEntry, 1), by_pair),
            R"({"score":0.5,"start":5,"end":8,"answer":"Ann"})");
}

TEST(PipelineBody, AnEntryIsAnObjectForOneAnswerAndAListForMore) {
  const std::vector<Answers> one = {found({ann(0.5)})};
  const std::string object = R"({"score":0.5,"start":5,"end":8,"answer":"Ann"})";
  EXPECT_EQ(pipeline_body(call_of(AnswerShape::kEntry, 3), one), "[" + object + "]");
  EXPECT_EQ(pipeline_body(call_of(AnswerShape::kList, 1), one), "[" + object + "]");
  const std::vector<Answers> two = {found({ann(0.5)}), found({ann(0.5), ann(0.5)})};
  EXPECT_EQ(pipeline_body(call_of(AnswerShape::kEntries, 1, 2), std::vector<Answers>{one[0], one[0]}),
            "[" + object + "," + object + "]");
  EXPECT_EQ(pipeline_body(call_of(AnswerShape::kEntries, 2, 2), two),
            "[[" + object + "],[" + object + "," + object + "]]");
}

TEST(PipelineBody, DocumentsComeBackWithTheirNames) {
  AnswerCall call = call_of(AnswerShape::kEntries, 1, 2);
  call.labels[0] = {.id_json = "7", .meta_json = R"({"page":[1,null]})"};
  call.labels[1] = {.id_json = "\"b\"", .meta_json = ""};
  const std::vector<Answers> by_pair = {found({ann(0.5)}), found({})};
  EXPECT_EQ(pipeline_body(call, by_pair),
            R"([{"id":7,"score":0.5,"start":5,"end":8,"answer":"Ann","meta":{"page":[1,null]}},)"
            R"({"id":"b","score":0.0,"start":0,"end":0,"answer":""}])");
}

TEST(PipelineBody, WhereNothingIsFoundStandsTheEmptyAnswer) {
  const std::vector<Answers> by_pair = {found({})};
  const std::string empty = R"({"score":0.0,"start":0,"end":0,"answer":""})";
  EXPECT_EQ(pipeline_body(call_of(AnswerShape::kEntry, 1), by_pair), empty);
  EXPECT_EQ(pipeline_body(call_of(AnswerShape::kEntry, 5), by_pair), "[" + empty + "]");
  EXPECT_EQ(pipeline_body(call_of(AnswerShape::kList, 1), by_pair), "[" + empty + "]");
  const Json flat = Json::parse(pipeline_body(call_of(AnswerShape::kFlat, 1), by_pair));
  EXPECT_EQ(flat["answer"], "");
  EXPECT_EQ(flat["score"], 0.0);
}

FullAnswer full_answer() {
  MergedAnswers merged;
  merged.answers = {{ann(0.75), 0}};
  merged.no_answer_score = 0.25;
  merged.n_windows = 2;
  merged.n_tokens = 30;
  FullAnswer full;
  full.model = "m";
  full.decoder = "global";
  full.max_length = 384;
  full.overlap = 128;
  full.by_question = {merged};
  full.times = {.tokenize = 0.5, .queue = 0.25, .inference = 8.0, .total = 9.0, .cached = false};
  return full;
}

TEST(FullBody, CountsEachAnswersPlaceInThreeWaysAndShowsItsSentence) {
  const Json json = Json::parse(full_body(call_of(AnswerShape::kFull, 1), full_answer()));
  EXPECT_EQ(json["model"], "m");
  EXPECT_EQ(json["window"], Json::parse(R"({"max_length": 384, "overlap": 128})"));
  EXPECT_EQ(json["timing"]["inference_ms"], 8.0);
  const Json& result = json["results"][0];
  EXPECT_EQ(result["question"], "Who?");
  EXPECT_EQ(result["no_answer"], false);
  EXPECT_EQ(result["windows"], 2);
  const Json& answer = result["answers"][0];
  EXPECT_EQ(answer["code_points"], Json::parse(R"({"start": 5, "end": 8})"));
  EXPECT_EQ(answer["bytes"], Json::parse(R"({"start": 9, "end": 12})"));
  EXPECT_EQ(answer["utf16"], Json::parse(R"({"start": 6, "end": 9})"));
  EXPECT_EQ(answer["sentence"], "Ann wrote it.");
  EXPECT_EQ(answer["context"], 0);
  EXPECT_EQ(answer["start_logit"], 1.5);
  EXPECT_FALSE(answer.contains("id"));
  EXPECT_FALSE(result.contains("token_probabilities"));
}

TEST(FullBody, NoAnswerHasNoPlace) {
  FullAnswer full = full_answer();
  full.by_question[0].answers[0].answer = Answer{.score = 0.9, .is_no_answer = true};
  full.by_question[0].no_answer = true;
  const Json json = Json::parse(full_body(call_of(AnswerShape::kFull, 1), full));
  EXPECT_EQ(json["results"][0]["no_answer"], true);
  EXPECT_EQ(json["results"][0]["answers"][0], Json::parse(R"({"text": "", "score": 0.9, "no_answer": true})"));
}

TEST(FullBody, TellsTheProbabilitiesOfTheTokensWhereAsked) {
  FullAnswer full = full_answer();
  full.probabilities = {{.document = 0, .window = 1, .no_answer_start = 0.125F, .no_answer_end = 0.25F, .tokens = {}}};
  full.probabilities[0].tokens = {{.span = {0, 4}, .start = 0.5F, .end = 0.0F},
                                  {.span = {kAnn, kAnn + 3}, .start = 0.25F, .end = 0.75F}};
  const Json json = Json::parse(full_body(call_of(AnswerShape::kFull, 1), full));
  const Json& window = json["results"][0]["token_probabilities"];
  EXPECT_EQ(window["window"], 1);
  EXPECT_EQ(window["no_answer"]["p_end"], 0.25);
  EXPECT_EQ(window["tokens"][0], Json::parse(R"({"text":"😀","start":0,"end":1,"p_start":0.5,"p_end":0.0})"));
  EXPECT_EQ(window["tokens"][1]["start"], 5);
}

TEST(FullBody, IdsOfContextsComeBack) {
  AnswerCall call = call_of(AnswerShape::kFull, 1, 2);
  call.labels[1].id_json = "\"report\"";
  FullAnswer full = full_answer();
  full.by_question[0].answers[0].document = 1;
  const Json json = Json::parse(full_body(call, full));
  EXPECT_EQ(json["results"][0]["answers"][0]["id"], "report");
  EXPECT_EQ(json["results"][0]["answers"][0]["context"], 1);
}

TEST(TokenizeBody, GivesEachTokensPlace) {
  const std::vector<TokenText> tokens = {{.id = 101, .text = "[CLS]", .span = {}, .special = true},
                                         {.id = 7, .text = "ann", .span = {5, 8}, .special = false}};
  const Json json = Json::parse(tokenize_body("m", "😀 Ann", tokens));
  EXPECT_EQ(json["model"], "m");
  EXPECT_EQ(json["tokens"][0]["special"], true);
  EXPECT_EQ(json["tokens"][1]["code_points"], Json::parse(R"({"start": 2, "end": 5})"));
  EXPECT_EQ(json["tokens"][1]["utf16"], Json::parse(R"({"start": 3, "end": 6})"));
}

TEST(ModelsBody, TellsNamesAndWhatWasFitted) {
  ModelSummary model{.name = "org/m", .is_default = true, .family = "bert", .weight_type = "float16"};
  model.settings.temperature = 1.5;
  const Json json = Json::parse(models_body(std::vector{model}));
  EXPECT_EQ(json["models"][0]["name"], "org/m");
  EXPECT_EQ(json["models"][0]["default"], true);
  EXPECT_EQ(json["models"][0]["temperature"], 1.5);
  EXPECT_EQ(health_body(false, std::vector{model}),
            R"({"status":"not_ready","live":true,"ready":false,"models":["org/m"]})");
}

}  // namespace
}  // namespace spanqa::serve

#include "qa/answer_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace spanqa {
namespace {

const std::string kContext = "\U0001F600 Caf\u00e9 Zola opened. It closed.";

Answers one_answer() {
  Answers answers;
  const auto begin = static_cast<std::uint32_t>(kContext.find("Zola"));
  answers.answers.push_back({.text = "Zola", .span = {begin, begin + 4}, .score = 0.25, .window = 1});
  answers.n_windows = 2;
  return answers;
}

TEST(AnswersToJson, CountsPlacesInCodePointsBytesAndUtf16) {
  const auto json = nlohmann::json::parse(answers_to_json(one_answer(), {"who?", kContext}, {.id = "q1"}));
  const auto& answer = json["answers"][0];
  EXPECT_EQ(json["id"], "q1");
  EXPECT_EQ(answer["start"], 7);  // the emoji is one code point
  EXPECT_EQ(answer["end"], 11);
  EXPECT_EQ(answer["byte_start"], 11);
  EXPECT_EQ(answer["utf16_start"], 8);  // and two UTF-16 units
  EXPECT_EQ(answer["answer"], "Zola");
  EXPECT_EQ(answer["window"], 1);
  EXPECT_EQ(json["windows"], 2);
  EXPECT_NE(answer["sentence"].get<std::string>().find("Zola opened."), std::string::npos);
}

TEST(AnswersToPipelineJson, IsAnObjectForOneAnswerUnlessAListIsAskedFor) {
  EXPECT_EQ(answers_to_pipeline_json(one_answer(), {"who?", kContext}, false),
            R"({"score":0.25,"start":7,"end":11,"answer":"Zola"})");
  EXPECT_EQ(answers_to_pipeline_json(one_answer(), {"who?", kContext}, true),
            R"([{"score":0.25,"start":7,"end":11,"answer":"Zola"}])");
  EXPECT_EQ(answers_to_pipeline_json({}, {"who?", kContext}, false), "[]");
}

TEST(AnswersToJson, IllFormedBytesComeOutAsReplacementCharacters) {
  const std::string context = "a\xFF\xFEz";
  Answers answers;
  answers.answers.push_back({.text = context, .span = {0, 4}, .score = 1.0});
  const auto json = nlohmann::json::parse(answers_to_json(answers, {"\xFF?", context}));
  EXPECT_EQ(json["answers"][0]["answer"], "a\uFFFD\uFFFDz");
  EXPECT_EQ(json["answers"][0]["end"], 4);
}

TEST(AnswersToJson, NoAnswerSaysSo) {
  Answers answers;
  answers.answers.push_back({.score = 0.9, .is_no_answer = true});
  const auto json = nlohmann::json::parse(answers_to_json(answers, {"who?", kContext}));
  EXPECT_EQ(json["answers"][0]["answer"], "");
  EXPECT_EQ(json["answers"][0]["no_answer"], true);
}

}  // namespace
}  // namespace spanqa

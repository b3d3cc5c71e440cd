// spanqa ask, as a user runs it.
#include "base/utf8.h"
#include "program.h"

namespace spanqa::testing {
namespace {

constexpr const char* kDocument =
    "The Pharos of Alexandria was built by Sostratus of Cnidus around 280 BC. \U0001F600 In Z\u00fcrich, the caf\u00e9 "
    "Odeon opened on 1 July 1911.\nIts first owner was Julius Uster, who sold it in 1918.\n";
constexpr const char* kQuestion = "Who built the Pharos?";

class AskTest : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    write(folder() / "doc.txt", kDocument);
  }
};

TEST_F(AskTest, TextFileAndStandardInputGiveTheSameAnswer) {
  const Outcome text = run({"ask", "--text", kDocument, "--json", kQuestion});
  const Outcome file = run({"ask", "--file", "doc.txt", "--json", kQuestion});
  const Outcome input = run({"ask", "--json", kQuestion}, kDocument);
  const Outcome dash = run({"ask", "--file", "-", "--json", kQuestion}, kDocument);
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_EQ(text.out, file.out);
  EXPECT_EQ(text.out, input.out);
  EXPECT_EQ(text.out, dash.out);
  EXPECT_HAS(text.json()["answers"][0]["answer"].get<std::string>(), "Sostratus");
}

TEST_F(AskTest, ThreeCountsOfAPlaceLeadToTheAnswer) {
  const Outcome asked = run({"ask", "--file", "doc.txt", "--json", "--top-k", "5", "Where did the café open?"});
  ASSERT_EQ(asked.code, 0) << asked.err;
  const std::string document = kDocument;
  const TextIndex index(document);
  const auto answers = asked.json()["answers"];
  ASSERT_GE(answers.size(), 2U);
  for (const auto& answer : answers) {
    const TextPosition begin = index.at_code_point(answer["start"]);
    const TextPosition end = index.at_code_point(answer["end"]);
    EXPECT_EQ(document.substr(begin.byte, end.byte - begin.byte), answer["answer"].get<std::string>());
    EXPECT_EQ(begin.byte, answer["byte_start"].get<std::size_t>());
    EXPECT_EQ(end.byte, answer["byte_end"].get<std::size_t>());
    EXPECT_EQ(begin.utf16, answer["utf16_start"].get<std::size_t>());
    EXPECT_EQ(end.utf16, answer["utf16_end"].get<std::size_t>());
  }
}

TEST_F(AskTest, SeveralQuestionsAreAnsweredInTheirOrder) {
  write(folder() / "questions.txt", "When did the Odeon open?\n\nWho was its first owner?\n");
  const Outcome asked = run({"ask", "-f", "doc.txt", "--json", "-q", "questions.txt", kQuestion});
  ASSERT_EQ(asked.code, 0) << asked.err;
  std::istringstream lines(asked.out);
  std::vector<std::string> questions;
  for (std::string line; std::getline(lines, line);) {
    questions.push_back(nlohmann::json::parse(line)["question"]);
  }
  EXPECT_EQ(questions, (std::vector<std::string>{kQuestion, "When did the Odeon open?", "Who was its first owner?"}));
}

TEST_F(AskTest, TheAnswerIsMarkedInItsSentence) {
  const Outcome asked = run({"ask", "--file", "doc.txt", kQuestion});
  ASSERT_EQ(asked.code, 0) << asked.err;
  EXPECT_HAS(asked.out, "[Sostratus of Cnidus]");
  EXPECT_HAS(asked.out, "The Pharos of Alexandria was built by");
  EXPECT_EQ(asked.out.find('\x1b'), std::string::npos) << "colour without a terminal";
}

TEST_F(AskTest, NoColourInATerminalThatForbidsIt) {
  const Outcome coloured =
      shell("TERM=xterm script -qec \"$SPANQA ask --file doc.txt Who? 2>/dev/null\" /dev/null </dev/null");
  if (coloured.code == 127 || coloured.out.find("not found") != std::string::npos) GTEST_SKIP() << "no script(1) here";
  EXPECT_NE(coloured.out.find('\x1b'), std::string::npos) << coloured.out;
  const Outcome plain =
      shell("NO_COLOR=1 TERM=xterm script -qec \"$SPANQA ask --file doc.txt Who? 2>/dev/null\" /dev/null </dev/null");
  EXPECT_EQ(plain.out.find('\x1b'), std::string::npos) << plain.out;
}

TEST_F(AskTest, PipelineJsonHasThePipelinesFields) {
  const Outcome one = run({"ask", "--text", kDocument, "--pipeline-json", kQuestion});
  ASSERT_EQ(one.code, 0) << one.err;
  std::vector<std::string> keys;
  const auto json = nlohmann::ordered_json::parse(one.out);
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"score", "start", "end", "answer"}));
  const Outcome several = run({"ask", "--text", kDocument, "--pipeline-json", "-k", "3", kQuestion});
  EXPECT_TRUE(several.json().is_array());
}

TEST_F(AskTest, EveryDecoderAnswers) {
  for (const char* decoder : {"pipeline", "run_qa", "global"}) {
    const Outcome asked = run({"ask", "--file", "doc.txt", "--json", "--decoder", decoder, kQuestion});
    ASSERT_EQ(asked.code, 0) << decoder << asked.err;
    EXPECT_HAS(asked.json()["answers"][0]["answer"].get<std::string>(), "Sostratus");
  }
}

TEST_F(AskTest, ThePromptKeepsTheDocument) {
  const Outcome asked = run({"ask", "--file", "doc.txt", "-i"}, "Who built the Pharos?\nWho sold the Odeon?\n\n");
  ASSERT_EQ(asked.code, 0) << asked.err;
  EXPECT_HAS(asked.out, "Sostratus");
  EXPECT_HAS(asked.out, "Uster");
}

TEST_F(AskTest, ThePromptTalksOnStandardErrorSoThatJsonStaysJson) {
  const Outcome asked = run({"ask", "--file", "doc.txt", "-i", "--json"}, std::string(kQuestion) + "\r\n  \nWho?\n");
  ASSERT_EQ(asked.code, 0) << asked.err;
  EXPECT_EQ(asked.json()["question"], kQuestion) << "one line: a blank one ends";
  EXPECT_HAS(asked.err, "Type a question");
}

TEST_F(AskTest, AQuestionThatCannotBeAnsweredDoesNotKeepTheOthers) {
  const std::string too_long = "why " + std::string(600, '?');
  const Outcome asked = run({"ask", "--file", "doc.txt", "--json", too_long, "  ", kQuestion});
  EXPECT_EQ(asked.code, 2);
  EXPECT_EQ(asked.json()["question"], kQuestion);
  EXPECT_HAS(asked.err, "\"why ???");
  EXPECT_HAS(asked.err, "`question` cannot be empty");
  EXPECT_EQ(run({"ask", "--file", "doc.txt", ""}).code, 2);
}

TEST_F(AskTest, QuestionsComeFromStandardInputToo) {
  const Outcome asked = run({"ask", "-f", "doc.txt", "--json", "-q", "-"}, "Who built the Pharos?\r\n \r\n");
  ASSERT_EQ(asked.code, 0) << asked.err;
  EXPECT_EQ(asked.json()["question"], kQuestion) << "a line end of Windows is no part of it";
  EXPECT_EQ(run({"ask", "-f", "doc.txt", "-q", "-"}, " \n").code, 2);
  for (const std::vector<std::string>& twice : std::vector<std::vector<std::string>>{
           {"ask", "-q", "-"}, {"ask", "-f", "-", "-q", "-"}, {"ask", "-f", "doc.txt", "-i", "-q", "-"}}) {
    const Outcome refused = run(twice, "Who?\n");
    EXPECT_EQ(refused.code, 2);
    EXPECT_HAS(refused.err, "--questions -");
  }
  write(folder() / "binary.txt", std::string_view("Who\0?\n", 6));
  const Outcome binary = run({"ask", "-f", "doc.txt", "-q", "binary.txt"});
  EXPECT_EQ(binary.code, 3);
  EXPECT_HAS(binary.err, "binary.txt: holds NUL bytes");
}

TEST_F(AskTest, WhatThePersonShouldKnowOfTheModelIsSaidBesideTheAnswer) {
  const Outcome kept =
      run({"ask", "--file", "doc.txt", "--json", "--no-lowercase", "--max-length", "100000", kQuestion});
  ASSERT_EQ(kept.code, 0) << kept.err;
  EXPECT_TRUE(kept.json().contains("answers"));
  EXPECT_HAS(kept.err, "is this an uncased model?");
  EXPECT_HAS(kept.err, "--max-length 100000 is more than the model reads");
  EXPECT_EQ(run({"ask", "--file", "doc.txt", kQuestion}).err, "");
}

TEST_F(AskTest, ALongDocumentIsReadInWindows) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "Nothing of note happened in year " + std::to_string(i) + ". ";
  text += "The keeper of the lighthouse was called Ada Green. ";
  write(folder() / "long.txt", text);
  const Outcome asked = run({"ask", "--file", "long.txt", "--json", "Who was the keeper of the lighthouse?"});
  ASSERT_EQ(asked.code, 0) << asked.err;
  EXPECT_GT(asked.json()["windows"].get<int>(), 3);
  EXPECT_HAS(asked.json()["answers"][0]["answer"].get<std::string>(), "Ada Green");
}

TEST_F(AskTest, ImpossibleRequestsAreUsageErrors) {
  EXPECT_EQ(run({"ask", "--text", kDocument, "--top-k", "0", kQuestion}).code, 2);
  EXPECT_EQ(run({"ask", "--text", kDocument, "--max-answer-len", "0", kQuestion}).code, 2);
  EXPECT_EQ(run({"ask", "--text", kDocument, "--file", "doc.txt", kQuestion}).code, 2);
  EXPECT_EQ(run({"ask", "--text", kDocument}).code, 2) << "no question";
  EXPECT_EQ(run({"ask", "--text", kDocument, "--decoder", "best", kQuestion}).code, 2);
  EXPECT_EQ(run({"ask", "--text", kDocument, "--max-length", "20", "--overlap", "19", kQuestion}).code, 2);
  const std::string long_question(3000, 'x');
  const Outcome too_long = run({"ask", "--text", kDocument, "--max-length", "24", "why " + std::string(200, '?')});
  EXPECT_EQ(too_long.code, 2);
  EXPECT_HAS(too_long.err, "question");
}

TEST_F(AskTest, FilesThatAreNoTextAreNamed) {
  std::filesystem::create_directory(folder() / "sub");
  write(folder() / "empty.txt", "");
  write(folder() / "blank.txt", " \n\t\n");
  write(folder() / "binary.pdf", std::string_view("%PDF-1.4\0\1\2\3", 12));
  for (const char* name : {"sub", "empty.txt", "blank.txt", "binary.pdf", "missing.txt"}) {
    const Outcome asked = run({"ask", "--file", name, kQuestion});
    EXPECT_EQ(asked.code, 3) << name;
    EXPECT_HAS(asked.err, name);
    EXPECT_EQ(asked.out, "");
  }
}

TEST_F(AskTest, BytesThatAreNotUtf8AreReadAsReplacementCharacters) {
  write(folder() / "latin1.txt", "The caf\xE9 Odeon opened in 1911.");
  const Outcome asked = run({"ask", "--file", "latin1.txt", "--json", "When did the Odeon open?"});
  ASSERT_EQ(asked.code, 0) << asked.err;
  EXPECT_EQ(asked.json()["answers"][0]["answer"], "1911");
}

}  // namespace
}  // namespace spanqa::testing

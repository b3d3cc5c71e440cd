// The three decoders through whole readers that the repository carries, BERT and DistilBERT, against the reference
// (tools/make_tiny_reader_rows.py).
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "base/utf8.h"
#include "pipeline_settings.h"
#include "qa/reader.h"
#include "shared_data.h"

namespace spanqa {
namespace {

using testing::source_path;
using Json = nlohmann::json;

constexpr double kScoreTolerance = 2e-4;
constexpr double kLogitTolerance = 1e-4;

const Reader& reader_of(const std::string& model) {
  static std::map<std::string, std::shared_ptr<const Reader>> readers;
  auto& reader = readers[model];
  if (reader == nullptr) reader = Reader::open(source_path("tests/fixtures/nn") / model).value();
  return *reader;
}

AskOptions options_of(const std::string& decoder, const Json& settings) {
  AskOptions options = testing::pipeline_options(settings);
  if (decoder == "run_qa") {
    options.decoder = RunQaOptions{.n_best = settings["n_best"],
                                   .max_answer_tokens = settings["max_answer_len"],
                                   .version_2 = settings["version_2"]};
  } else if (decoder == "global") {
    options.decoder = GlobalOptions{
        .top_k = settings["top_k"], .max_answer_tokens = settings["max_answer_len"], .align_to_words = false};
  }
  return options;
}

void expect_answers(const Answers& answers, const std::string& context, const Json& output) {
  const Json expected = output.is_array() ? output : Json::array({output});
  const TextIndex index(context);
  ASSERT_EQ(answers.answers.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Answer& answer = answers.answers[i];
    EXPECT_EQ(answer.text, expected[i]["answer"].get<std::string>()) << "answer " << i;
    EXPECT_EQ(index.at_byte(answer.span.begin).code_point, expected[i]["start"]) << "answer " << i;
    EXPECT_EQ(index.at_byte(answer.span.end).code_point, expected[i]["end"]) << "answer " << i;
    EXPECT_NEAR(answer.score, expected[i]["score"].get<double>(), kScoreTolerance) << "answer " << i;
  }
}

void expect_run_qa(const RunQaResult& result, const Json& output) {
  EXPECT_EQ(result.prediction, output["predictions"].get<std::string>());
  if (output.contains("null_odds")) {
    EXPECT_NEAR(result.score_diff, output["null_odds"].get<double>(), kLogitTolerance);
  }
  const Json& expected = output["nbest_predictions"];
  ASSERT_EQ(result.n_best.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(result.n_best[i].text, expected[i]["text"].get<std::string>()) << "entry " << i;
    EXPECT_NEAR(result.n_best[i].start_logit, expected[i]["start_logit"].get<double>(), kLogitTolerance);
    EXPECT_NEAR(result.n_best[i].end_logit, expected[i]["end_logit"].get<double>(), kLogitTolerance);
    EXPECT_NEAR(result.n_best[i].probability, expected[i]["probability"].get<double>(), kScoreTolerance);
  }
}

TEST(TinyReaders, AnswerAsTheReferenceWithEachDecoder) {
  std::ifstream file(source_path("tests/fixtures/qa/tiny_readers.json"));
  const Json rows = Json::parse(file).at("rows");
  std::map<std::string, int> n_rows;
  for (const Json& row : rows) {
    const std::string model = row["model"];
    const std::string decoder = row["decoder"];
    const std::string context = row["context"];
    SCOPED_TRACE(model + ", " + decoder + ", " + row["question"].get<std::string>() + ", " + row["settings"].dump());
    ++n_rows[model + " " + decoder];
    const auto answers =
        reader_of(model).ask(row["question"].get<std::string>(), context, options_of(decoder, row["settings"]));
    ASSERT_TRUE(answers) << answers.error().message;
    if (decoder == "run_qa") {
      expect_run_qa(answers->run_qa, row["output"]);
    } else {
      expect_answers(*answers, context, row["output"]);
    }
  }
  ASSERT_EQ(n_rows.size(), 6U);  // two models, three decoders
  for (const auto& [name, n] : n_rows) EXPECT_GE(n, 8) << name;
}

}  // namespace
}  // namespace spanqa

#include "data/example_reader.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/scratch_file.h"
#include "shared_data.h"

namespace spanqa {
namespace {

using testing::ScratchFile;
using testing::source_path;

std::vector<Example> read_fixture(const std::string& name) {
  auto examples = read_examples(source_path("tests/fixtures/data/" + name));
  EXPECT_TRUE(examples) << examples.error().message;
  return examples ? std::move(*examples) : std::vector<Example>();
}

/// The message of the first error in a file of this name and text; "" when it is read to its end.
std::string error_of(std::string_view name, std::string_view text, const ExampleReaderOptions& options = {}) {
  const ScratchFile file(name, text);
  const auto examples = read_examples(file.path(), 0, options);
  if (examples) return "";
  const std::string folder = file.path().parent_path().string() + "/";
  std::string message = examples.error().message;
  for (std::size_t at = message.find(folder); at != std::string::npos; at = message.find(folder)) {
    message.erase(at, folder.size());
  }
  return message;
}

std::vector<Example> read_text(std::string_view name, std::string_view text) {
  const ScratchFile file(name, text);
  auto examples = read_examples(file.path());
  EXPECT_TRUE(examples) << examples.error().message;
  return examples ? std::move(*examples) : std::vector<Example>();
}

DataFormat format_of(std::string_view name, std::string_view text) {
  const ScratchFile file(name, text);
  const auto reader = ExampleReader::open(file.path());
  EXPECT_TRUE(reader) << reader.error().message;
  return reader ? (*reader)->format() : DataFormat::kAuto;
}

TEST(SquadReader, ReadsVersion2WithKeysInAnyOrder) {
  const auto path = source_path("tests/fixtures/data/squad_v2.json");
  const auto reader = ExampleReader::open(path);
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ((*reader)->format(), DataFormat::kSquad);
  EXPECT_EQ((*reader)->version(), "v2.0");
  const auto examples = read_fixture("squad_v2.json");
  ASSERT_EQ(examples.size(), 4U);
  EXPECT_EQ(examples[0].id, "r1");
  EXPECT_EQ(examples[0].title, "Rivers");
  EXPECT_EQ(examples[0].question, "Where does the Elbe rise?");
  ASSERT_EQ(examples[0].answers.size(), 2U);
  EXPECT_EQ(examples[0].answers[1].text, "the Giant Mountains");
  EXPECT_EQ(examples[0].answers[1].start, 18);
  EXPECT_EQ(examples[0].where, path.string() + ": question r1");
  EXPECT_EQ(examples[0].context, examples[1].context) << "questions of a paragraph share one string";
  EXPECT_TRUE(examples[1].has_answers_field);
  EXPECT_TRUE(examples[1].answers.empty()) << "plausible answers are not golds";
  EXPECT_EQ(examples[1].is_impossible, true);
  EXPECT_EQ(*examples[2].context, "Die Mürz 𝄞 flows through “Mürzzuschlag”.");
  EXPECT_EQ(examples[3].id, "7");
  EXPECT_EQ(examples[3].title, "");
  EXPECT_FALSE(examples[3].has_answers_field);
}

TEST(SquadReader, KnowsAVersionThatStandsBehindTheData) {
  const auto reader = ExampleReader::open(source_path("tests/fixtures/data/squad_v1.json"));
  ASSERT_TRUE(reader) << reader.error().message;
  ASSERT_TRUE((*reader)->next());
  EXPECT_EQ((*reader)->version(), "1.1");
  EXPECT_EQ(read_fixture("squad_v1.json").size(), 2U);
}

TEST(SquadReader, ReadsAnArrayOfArticlesAndTitlesBehindParagraphs) {
  const auto examples =
      read_text("a.json", R"([{"paragraphs":[{"context":"c","qas":[{"id":"1","question":"q"}]}],"title":"late"}])");
  ASSERT_EQ(examples.size(), 1U);
  EXPECT_EQ(examples[0].title, "late");
}

TEST(FlatJsonReader, ReadsEveryFormOfAnswers) {
  const auto examples = read_fixture("rows.json");
  ASSERT_EQ(examples.size(), 5U);
  EXPECT_EQ(examples[0].answers[0].start, 4);
  EXPECT_EQ(examples[1].id, "12") << "numbers become text";
  EXPECT_EQ(examples[1].context, examples[0].context) << "equal neighbours share one string";
  ASSERT_EQ(examples[1].answers.size(), 2U);
  EXPECT_EQ(examples[2].id, "row-3");
  EXPECT_EQ(examples[2].answers[0].text, "büro");
  EXPECT_EQ(*examples[2].context, "büro 𝄞");
  EXPECT_TRUE(examples[3].has_answers_field);
  EXPECT_TRUE(examples[3].answers.empty());
  EXPECT_FALSE(examples[4].has_answers_field) << "no golds: a row to predict only";
}

TEST(FlatJsonReader, TakesRowsBelowDataAndAnswersOfOtherShapes) {
  const auto examples = read_text("rows.json", R"({"version": "x", "data": [
    {"question": "q", "context": "c d", "answers": {"text": "c", "answer_start": 0}},
    {"question": "q", "context": "c d", "answers": ["c", "d"]},
    {"question": "q", "context": "c d", "answer": {"text": ["d"], "answer_start": [2]}},
    {"question": "q", "context": "c d", "answer": "", "answer_start": -1},
    {"question": "q", "context": "c d", "answers": null, "answer": ["d"], "answer_start": [2.0]},
    {"question": "q", "context": "c d", "answer": "d"}]})");
  ASSERT_EQ(examples.size(), 6U);
  EXPECT_EQ(examples[0].answers[0].text, "c");
  EXPECT_EQ(examples[1].answers[1].text, "d");
  EXPECT_EQ(examples[1].answers[1].start, -1) << "no start given";
  EXPECT_EQ(examples[2].answers[0].start, 2);
  EXPECT_TRUE(examples[3].has_answers_field && examples[3].answers.empty());
  EXPECT_EQ(examples[4].answers[0].start, 2) << "whole numbers written as 2.0";
  EXPECT_EQ(examples[5].answers[0].start, -1);
}

TEST(JsonlReader, ReadsRowsAndNamesTheirLines) {
  const auto examples = read_fixture("rows.jsonl");
  ASSERT_EQ(examples.size(), 3U);
  EXPECT_EQ(examples[1].answers[0].start, 0);
  EXPECT_EQ(examples[0].context, examples[1].context);
  EXPECT_TRUE(examples[2].where.ends_with("rows.jsonl:4")) << examples[2].where;
  EXPECT_EQ(examples[2].id, "row-3");
}

TEST(JsonlReader, ReadsAStreamRowByRow) {
  std::stringstream stream(
      "\xEF\xBB\xBF{\"question\":\"q\",\"context\":\"c\"}\r\n{\"question\":\"r\",\"context\":\"c\"}");
  const auto reader = ExampleReader::from_jsonl(stream, "stdin");
  const auto first = reader->next();
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->where, "stdin:1");
  EXPECT_GT(stream.tellg(), 0) << "the second row is not read ahead";
  const auto second = reader->next();
  ASSERT_TRUE(second && *second);
  EXPECT_EQ((*second)->question, "r");
  const auto end = reader->next();
  ASSERT_TRUE(end);
  EXPECT_FALSE(*end);
  EXPECT_EQ(reader->progress(), 1.0);
}

TEST(JsonlReader, ReadsLongLinesFromAStream) {
  const std::string context(700'000, 'x');
  std::stringstream stream("{\"question\":\"q\",\"context\":\"" + context +
                           "\"}\n{\"question\":\"r\",\"context\":\"c\"}\n");
  stream.exceptions(std::ios::failbit | std::ios::badbit | std::ios::eofbit);
  const auto reader = ExampleReader::from_jsonl(stream, "stdin");
  const auto first = reader->next();
  ASSERT_TRUE(first && *first) << first.error().message;
  EXPECT_EQ(*(*first)->context, context);
  const auto second = reader->next();
  ASSERT_TRUE(second && *second);
  EXPECT_EQ((*second)->question, "r");
}

TEST(JsonlReader, SaysWhenTheNextRowIsNotThereYet) {
  const std::string row = "{\"question\":\"q\",\"context\":\"c\"}\n";
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe(ends), 0);
  const auto send = [&](const std::string& text) {
    ASSERT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  };
  send(row);
  const auto reader = ExampleReader::open("/dev/fd/" + std::to_string(ends[0])).value();
  EXPECT_EQ(reader->format(), DataFormat::kJsonl) << "told by the first row alone";
  EXPECT_FALSE(reader->would_wait());
  ASSERT_TRUE(reader->next().value());
  EXPECT_TRUE(reader->would_wait());
  send("\n\n" + row.substr(0, 9));
  EXPECT_TRUE(reader->would_wait());
  send(row.substr(9));
  EXPECT_FALSE(reader->would_wait());
  ASSERT_TRUE(reader->next().value());
  EXPECT_TRUE(reader->would_wait());
  ::close(ends[1]);
  EXPECT_FALSE(reader->would_wait()) << "the end is there";
  EXPECT_FALSE(reader->next().value());
  ::close(ends[0]);
}

TEST(ExampleReader, AWaitForAPipeCanBeCancelled) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe(ends), 0);
  int n_asked = 0;
  const auto reader = ExampleReader::open(
      "/dev/fd/" + std::to_string(ends[0]),
      {.cancelled = [&] { return ++n_asked < 3 ? Status() : Status(fail(ErrorCode::kCancelled, "enough")); }});
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, ErrorCode::kCancelled);
  for (const int end : ends) ::close(end);
}

TEST(JsonlReader, EndsAfterAnError) {
  std::stringstream stream("{\"question\":1}\n{\"question\":\"r\",\"context\":\"c\"}\n");
  const auto reader = ExampleReader::from_jsonl(stream, "stdin");
  EXPECT_FALSE(reader->next());
  const auto after = reader->next();
  ASSERT_TRUE(after);
  EXPECT_FALSE(*after);
}

TEST(CsvReader, ReadsQuotesLineEndsAndAByteOrderMark) {
  const auto examples = read_fixture("rows.csv");
  ASSERT_EQ(examples.size(), 2U);
  EXPECT_EQ(examples[0].id, "a");
  EXPECT_EQ(examples[0].question, "Which, please?");
  EXPECT_EQ(*examples[0].context, "one \"two\"\r\nthree");
  EXPECT_EQ(examples[0].answers[0].text, "two");
  EXPECT_EQ(examples[0].answers[0].start, 5);
  EXPECT_TRUE(examples[0].where.ends_with("rows.csv:2"));
  EXPECT_TRUE(examples[1].where.ends_with("rows.csv:5")) << examples[1].where;
  EXPECT_TRUE(examples[1].has_answers_field && examples[1].answers.empty());
}

TEST(CsvReader, ReadsAnswersAsJson) {
  const auto examples = read_fixture("rows_answers.csv");
  ASSERT_EQ(examples.size(), 2U);
  EXPECT_EQ(examples[0].answers[0].start, 4);
  EXPECT_EQ(examples[0].id, "row-1");
  EXPECT_FALSE(examples[1].has_answers_field);
}

TEST(ExampleReader, TellsTheFormatByContentWhateverTheName) {
  const std::string row = R"({"question": "q", "context": "c"})";
  EXPECT_EQ(format_of("rows.json", row + "\n" + row + "\n"), DataFormat::kJsonl);
  EXPECT_EQ(format_of("rows.json", row), DataFormat::kJsonl);
  EXPECT_EQ(format_of("rows.jsonl", row + "\n"), DataFormat::kJsonl);
  EXPECT_EQ(format_of("rows.json", " \n[" + row + "]"), DataFormat::kJson);
  EXPECT_EQ(format_of("rows", "{\"data\": [" + row + "]}"), DataFormat::kJson);
  EXPECT_EQ(format_of("x.jsonl", R"({"data": [{"title": "t", "paragraphs": []}]})"), DataFormat::kSquad);
  EXPECT_EQ(format_of("empty.json", R"({"version": "v2.0", "data": []})"), DataFormat::kSquad);
  EXPECT_EQ(format_of("rows.txt", "id,question,context\n"), DataFormat::kCsv);
  EXPECT_EQ(format_of("rows.csv", "\"question\",\"context\"\n"), DataFormat::kCsv);
}

struct ErrorCase {
  const char* name;
  std::string_view text;
  const char* message;  // a part of it
};

TEST(ExampleReader, SaysWhatIsWrongAndWhere) {
  const ErrorCase cases[] = {
      {"d.json", R"({"data":[{"title":"t","paragraphs":[{"context":"c","qas":[{"id":"x","question":5}]}]}]})",
       "d.json: data[0].paragraphs[0].qas[0] (question x): question: expected a string; found a number"},
      {"d.json", R"({"data":[{"title":"t","paragraphs":[{"qas":[]}]}]})",
       "d.json: data[0].paragraphs[0], line 1, column 37: expected a context, a string"},
      {"d.json", R"({"data":[{"title":"t","paragraphs":[{"context":"c"}]}]})", "expected qas, an array of questions"},
      {"d.json", R"({"data":[{"title":"t","paragraphs":[7]}]})",
       "expected an object with context and qas; found a number"},
      {"d.json", R"({"data":[{"title":"t","paragraphs":[]}, 3]})",
       "data[1], line 1, column 41: expected an object with title and an array of paragraphs"},
      {"d.json", R"({"data":[{"title":5,"paragraphs":[]}]})", "data[0], line 1, column 19: title: expected a string"},
      {"d.json", R"({"data":[{"title":"t","paragraphs":[{"context":"c","qas":[)", "line 1, column 59: not JSON: "},
      {"d.json", "{\"data\":[\n{\"title\":\"t\" \"paragraphs\":[]}]}", "line 2, column 14: not JSON: "},
      {"d.json", R"({"data": 5})", "data, line 1, column 10: expected an array of articles or rows; found a number"},
      {"d.json", R"({"a": [1], "b": 2})",
       "expected an object with data (articles or rows) or an array of rows; found "
       "an object with a, b"},
      {"d.json", R"({"56be4db0": "Denver", "56be4db1": ""})", "looks like a predictions file"},
      {"d.json", R"({"data":[]} x)", "line 1, column 13: not JSON: "},
      {"d.json", "[5]", "[0], line 1, column 2: expected an object with question and context; found a number"},
      {"d.json", R"([{"_id": 1, "text": "t"}])", "found one with _id, text"},
      {"d.json", R"([{"question": "q"}])", "expected a context beside the question"},
      {"d.json", R"([{"question": "q", "context": "c", "answers": {"text": ["a"], "answer_start": []}}])",
       "answers: 1 texts but 0 values of answer_start"},
      {"d.json", R"([{"question": "q", "context": "c", "answers": [{"text": "a", "answer_start": "0"}]}])",
       "answer_start: expected a whole number (code points from the start of the context); found a string"},
      {"d.json", R"([{"question": "q", "context": "c", "answers": [{"text": "a", "answer_start": 0.5}]}])",
       "answer_start: expected a whole number"},
      {"d.json", R"([{"question": "q", "context": "c", "answers": 5}])", "answers: expected an array of objects"},
      {"d.json", R"([{"question": "q", "context": "c", "id": []}])", "id: expected a string or a number"},
      {"d.json", "[{\"question\": \"q\", \"context\": \"c\xE9\"}]", "byte 0xE9 is not UTF-8"},
      {"r.jsonl", "{\"question\":\"q\",\"context\":\"c\"}\n\n5\n",
       "r.jsonl:3: expected an object with question and context; found a number"},
      {"r.jsonl", "{\"question\":\"q\",\"context\":\"c\"}\n{\"question\":\"q\"", "r.jsonl:2: byte 16: not JSON: "},
      {"r.jsonl", "{\"question\":\"q\",\"context\":\"\xFF\"}\n{}", "r.jsonl:1: byte 28: byte 0xFF is not UTF-8"},
      {"r.csv", "question,context\nq,c\nq\n", "r.csv:3: expected 2 fields as in the header; found 1"},
      {"r.csv", "question,context\nq,c,d\n", "r.csv:2: expected 2 fields as in the header; found 3"},
      {"r.csv", "question,context\n\"q\nr\",\"c", "r.csv:2: the file ends within a quoted field"},
      {"r.csv", "question,context\n\"q\"x,c\n", "r.csv:2: field 1 goes on after its closing quote"},
      {"r.csv", "question,context\nq,caf\xE9\n", "r.csv:2: field 2, byte 4: 0xE9 is not UTF-8"},
      {"r.csv", "question,context,answer,answer_start\nq,c,c,zero\n",
       "r.csv:2: answer_start: expected a whole number; found \"zero\""},
      {"r.csv", "question,context,answers\nq,c,{'text': ['c']}\n", "a Python dict must be written with json.dumps"},
      {"r.csv", "id;question;context\n", "columns must be separated by commas"},
      {"r.csv", "a,b\n", "r.csv:1: expected a header with question and context"},
  };
  for (const ErrorCase& c : cases) {
    EXPECT_NE(error_of(c.name, c.text).find(c.message), std::string::npos)
        << c.text << "\n  gave: " << error_of(c.name, c.text) << "\n  expected: " << c.message;
  }
}

TEST(ExampleReader, KnowsFilesThatCannotHoldExamples) {
  const ErrorCase cases[] = {
      {"d.json", "", "d.json: is empty"},
      {"d.json", " \n ", "d.json: is blank"},
      {"d.json", "\x1F\x8B\x08", "compressed with gzip"},
      {"d.json", std::string_view("PK\x03\x04", 4), "zip archive"},
      {"d.json", std::string_view("\xFF\xFE{\0", 4), "UTF-16"},
      {"d.json", std::string_view("{\0\"\0", 4), "binary, or UTF-16"},
      {"d.json", "\n<!DOCTYPE html><html>", "web page"},
      {"d.json", "PAR1\x15", "Parquet"},
      {"d.txt", "Once upon a time", "is a text file that begins with \"Once upon a time\""},
      {"d.csv", "", "is empty"},
      {"d.jsonl", "", "is empty"},
  };
  for (const ErrorCase& c : cases) {
    EXPECT_NE(error_of(c.name, c.text).find(c.message), std::string::npos)
        << c.message << "\n  gave: " << error_of(c.name, c.text);
  }
  EXPECT_NE(read_examples(source_path("tests")).error().message.find("is a folder"), std::string::npos);
  const auto missing = read_examples("/nowhere/d.json");
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
}

TEST(ExampleReader, RefusesAFormatThatIsNotTheOneNamed) {
  const std::string_view nested = R"({"data":[{"title":"t","paragraphs":[{"context":"c","qas":[]}]}]})";
  const std::string_view flat = R"([{"question":"q","context":"c"}])";
  EXPECT_NE(error_of("d.json", nested, {.format = DataFormat::kJson}).find("format squad"), std::string::npos);
  EXPECT_NE(error_of("d.json", flat, {.format = DataFormat::kSquad}).find("format json"), std::string::npos);
  EXPECT_NE(error_of("d.json", flat, {.format = DataFormat::kJsonl}).find("expected an object"), std::string::npos);
  EXPECT_NE(error_of("d.json", flat, {.format = DataFormat::kCsv}).find("expected a header"), std::string::npos)
      << error_of("d.json", flat, {.format = DataFormat::kCsv});
  EXPECT_NE(error_of("d.csv", "question,context\n", {.format = DataFormat::kSquad}).find("expected JSON"),
            std::string::npos);
}

TEST(ExampleReader, AsksForIdsWhereTheCallerDoes) {
  const ExampleReaderOptions strict{.number_missing_ids = false};
  EXPECT_NE(error_of("d.json", R"([{"question":"q","context":"c"}])", strict).find("expected an id"),
            std::string::npos);
  EXPECT_NE(error_of("d.csv", "id,question,context\n,q,c\n", strict).find("d.csv:2: expected an id"),
            std::string::npos);
}

TEST(ExampleReader, ReadsLoneSurrogatesAsOneReplacementCharacter) {
  const auto examples = read_text(
      "d.json",
      R"([{"question":"\ud800","context":"a\udc00b\ud834\udd1e\ud834 \\ud800","answer":"b","answer_start":2}])");
  ASSERT_EQ(examples.size(), 1U);
  EXPECT_EQ(examples[0].question, "\uFFFD");
  EXPECT_EQ(*examples[0].context, "a\uFFFDb𝄞\uFFFD \\ud800");
}

TEST(ExampleReader, SurvivesDeepNesting) {
  EXPECT_NE(error_of("d.json", "{\"data\":[{\"x\":" + std::string(100'000, '[')), "");
  EXPECT_NE(error_of("d.jsonl", "{\"question\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}"), "");
}

TEST(ExampleReader, ReportsAFileThatShrinks) {
  std::string rows = R"({"question":"q","context":"c"})";
  rows += "\n";
  std::string text;
  while (text.size() < 3'000'000) text += rows;
  const ScratchFile file("rows.jsonl", text);
  const auto reader = ExampleReader::open(file.path());
  ASSERT_TRUE(reader);
  file.write(rows);
  Result<std::optional<Example>> example = (*reader)->next();
  while (example && *example) example = (*reader)->next();
  ASSERT_FALSE(example);
  EXPECT_EQ(example.error().code, ErrorCode::kIo);
  EXPECT_NE(example.error().message.find("shrank"), std::string::npos);
}

TEST(ExampleReader, CountsItsProgressUpToOne) {
  for (const char* name : {"squad_v1.json", "squad_v2.json", "rows.json", "rows.jsonl", "rows.csv"}) {
    const auto reader = ExampleReader::open(source_path(std::string("tests/fixtures/data/") + name));
    ASSERT_TRUE(reader) << name;
    double last = (*reader)->progress();
    EXPECT_GE(last, 0.0);
    while (true) {
      const auto example = (*reader)->next();
      ASSERT_TRUE(example) << name;
      EXPECT_GE((*reader)->progress(), last) << name;
      last = (*reader)->progress();
      if (!*example) break;
    }
    EXPECT_EQ(last, 1.0) << name;
  }
}

TEST(ReadExamples, StopsAtTheLimit) {
  EXPECT_EQ(read_examples(source_path("tests/fixtures/data/rows.json"), 2)->size(), 2U);
}

}  // namespace
}  // namespace spanqa

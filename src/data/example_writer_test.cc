#include "data/example_writer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/scratch_file.h"
#include "shared_data.h"

namespace spanqa {
namespace {

using testing::ScratchFile;

/// Titles that change and come back, golds of every kind, and every character a format could stumble over.
std::vector<Example> awkward_examples() {
  const auto quotes = std::make_shared<const std::string>("a,\"b\"\r\n\tc\\ \u2028 büro 𝄞 \x01\x7F");
  const auto plain = std::make_shared<const std::string>(" plain ");
  const auto empty = std::make_shared<const std::string>("");
  std::vector<Example> examples;
  const auto add = [&](std::string title, std::shared_ptr<const std::string> context, std::vector<GoldAnswer> answers) {
    Example example;
    example.id = "id \"" + std::to_string(examples.size()) + "\"";
    example.question = "q\n" + std::to_string(examples.size());
    example.context = std::move(context);
    example.answers = std::move(answers);
    example.has_answers_field = true;
    example.title = std::move(title);
    examples.push_back(std::move(example));
  };
  add("T, 1", quotes, {{"b", 3}, {"𝄞", 18}});
  add("T, 1", quotes, {});
  add("T, 1", plain, {{"plain", -1}});
  add("", plain, {{"plain", 1}, {"\"", -7}});
  add("T, 1", quotes, {{"", 0}});
  add("T, 1", empty, {});
  examples.back().has_answers_field = false;
  return examples;
}

void expect_equal(const Example& got, const Example& want, const std::string& label) {
  EXPECT_EQ(got.id, want.id) << label;
  EXPECT_EQ(got.question, want.question) << label;
  EXPECT_EQ(*got.context, *want.context) << label;
  EXPECT_EQ(got.title, want.title) << label;
  EXPECT_EQ(got.has_answers_field, want.has_answers_field) << label;
  ASSERT_EQ(got.answers.size(), want.answers.size()) << label;
  for (std::size_t i = 0; i < want.answers.size(); ++i) {
    EXPECT_EQ(got.answers[i].text, want.answers[i].text) << label;
    EXPECT_EQ(got.answers[i].start, want.answers[i].start) << label;
  }
}

Result<std::string> written(const std::vector<Example>& examples, const ExampleWriterOptions& options) {
  std::string text;
  ExampleWriter writer = ExampleWriter::to_sink(
      [&text](std::string_view bytes) {
        text += bytes;
        return Status();
      },
      options);
  for (const Example& example : examples) SPANQA_TRY(writer.write(example));
  SPANQA_TRY(writer.finish());
  return text;
}

constexpr DataFormat kFormats[] = {DataFormat::kSquad, DataFormat::kJson, DataFormat::kJsonl, DataFormat::kCsv};

TEST(ExampleWriter, WritesWhatReadsBackEqual) {
  const std::vector<Example> examples = awkward_examples();
  for (const DataFormat format : kFormats) {
    const auto text = written(examples, {.format = format});
    ASSERT_TRUE(text) << text.error().message;
    const ScratchFile file("examples", *text);
    const auto reader = ExampleReader::open(file.path());
    ASSERT_TRUE(reader) << reader.error().message;
    EXPECT_EQ((*reader)->format(), format) << "found without being told";
    const auto back = read_examples(file.path());
    ASSERT_TRUE(back) << back.error().message;
    ASSERT_EQ(back->size(), examples.size()) << data_format_name(format);
    for (std::size_t i = 0; i < examples.size(); ++i) {
      expect_equal((*back)[i], examples[i], std::string(data_format_name(format)) + " " + std::to_string(i));
    }
  }
}

TEST(ExampleWriter, GroupsNeighboursByTitleAndContext) {
  const auto text = written(awkward_examples(), {.format = DataFormat::kSquad});
  ASSERT_TRUE(text);
  const auto count = [&text](std::string_view part) {
    std::size_t n = 0;
    for (std::size_t at = text->find(part); at != std::string::npos; at = text->find(part, at + 1)) ++n;
    return n;
  };
  EXPECT_EQ(count("\"title\""), 3U);
  EXPECT_EQ(count("\"context\""), 5U);
  EXPECT_EQ(count("\"qas\""), 5U);
  EXPECT_EQ(count("\"is_impossible\": true"), 1U);
  EXPECT_EQ(count("\"is_impossible\": false"), 4U) << "not where no golds are given";
}

TEST(ExampleWriter, LeavesIsImpossibleOutOfVersion1) {
  const auto text = written(awkward_examples(), {.format = DataFormat::kSquad, .version = "1.1"});
  ASSERT_TRUE(text);
  EXPECT_EQ(text->find("is_impossible"), std::string::npos);
  EXPECT_TRUE(text->starts_with("{\"version\": \"1.1\""));
}

TEST(ExampleWriter, WritesEmptySetsThatReadBackEmpty) {
  for (const DataFormat format : {DataFormat::kSquad, DataFormat::kJson, DataFormat::kCsv}) {
    const auto text = written({}, {.format = format});
    ASSERT_TRUE(text);
    const ScratchFile file("examples.csv", *text);
    const auto back = read_examples(file.path());
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_TRUE(back->empty());
  }
}

TEST(ExampleWriter, MakesBytesThatAreNotUtf8ReadableAgain) {
  Example example = awkward_examples()[0];
  example.context = std::make_shared<const std::string>("caf\xE9");
  for (const DataFormat format : kFormats) {
    const auto text = written({example}, {.format = format});
    ASSERT_TRUE(text);
    const ScratchFile file("examples", *text);
    const auto back = read_examples(file.path());
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*(*back)[0].context, "caf\uFFFD");
  }
}

TEST(ExampleWriter, LeavesNoFileBehindUnlessFinished) {
  const ScratchFile folder("old.jsonl", "old");
  const auto path = folder.path().parent_path() / "new.jsonl";
  {
    auto writer = ExampleWriter::create(path);
    ASSERT_TRUE(writer);
    EXPECT_EQ(writer->format(), DataFormat::kJsonl);
    ASSERT_TRUE(writer->write(awkward_examples()[0]));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  auto writer = ExampleWriter::create(path);
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->write(awkward_examples()[0]));
  ASSERT_TRUE(writer->finish());
  EXPECT_EQ(read_examples(path)->size(), 1U);
  EXPECT_FALSE(ExampleWriter::create("/nowhere/x.json"));
}

TEST(ExampleWriter, HandsOnTheErrorOfItsSink) {
  ExampleWriter writer =
      ExampleWriter::to_sink([](std::string_view) -> Status { return fail(ErrorCode::kIo, "full"); });
  const Status status = writer.write(awkward_examples()[0]);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "full");
}

TEST(ExampleWriter, KeepsTheDevSetThroughEveryFormat) {
  SPANQA_NEEDS_SHARED("data/squad-v2.0/dev-v2.0.json");
  const auto examples = read_examples(testing::shared_path("data/squad-v2.0/dev-v2.0.json"));
  ASSERT_TRUE(examples);
  for (const DataFormat format : kFormats) {
    const auto text = written(*examples, {.format = format});
    ASSERT_TRUE(text);
    const ScratchFile file("dev", *text);
    const auto back = read_examples(file.path());
    ASSERT_TRUE(back) << back.error().message;
    ASSERT_EQ(back->size(), examples->size());
    for (std::size_t i = 0; i < back->size(); ++i) expect_equal((*back)[i], (*examples)[i], data_format_name(format));
  }
}

}  // namespace
}  // namespace spanqa

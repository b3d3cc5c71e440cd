// What the documents show is what the program prints.
#include <regex>

#include "program.h"

namespace spanqa::testing {
namespace {

struct Example {
  std::size_t line = 0;
  std::string command;
  std::string output;
};

/// The commands of the ```console blocks of a document: a line "$ command", then what it prints.
std::vector<Example> examples_of(const std::string& document) {
  std::istringstream lines(document);
  std::vector<Example> examples;
  bool inside = false;
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.starts_with("```")) {
      inside = line == "```console";
    } else if (inside && line.starts_with("$ ")) {
      examples.push_back({number, line.substr(2), ""});
    } else if (inside && !examples.empty()) {
      examples.back().output += line + "\n";
    }
  }
  return examples;
}

/// Numbers, bars and the default model's name may differ from machine to machine and from model to model.
std::string masked(std::string text) {
  std::erase(text, '\r');  // CSV ends its lines as RFC 4180 wants; a page does not
  text = std::regex_replace(text, std::regex("models/[^\\s]+"), "models/#");
  text = std::regex_replace(text, std::regex(">?-?[0-9][0-9.,]*(e-[0-9]+)?"), "#");
  text = std::regex_replace(text, std::regex("(\xE2\x96[\x80-\x8F])+"), "#");
  text = std::regex_replace(text, std::regex("# min # s"), "# s");
  text = std::regex_replace(text, std::regex(" +"), " ");
  return std::regex_replace(text, std::regex(" ?\n+"), "\n");
}

class DocumentsTest : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    for (const char* name : {"examples", "models", "tests"}) {
      std::filesystem::create_directory_symlink(source_path(name), folder() / name);
    }
    ::unsetenv("SPANQA_MODELS");  // a reader of the documents has none
  }
};

TEST_F(DocumentsTest, ExamplesOfTheCommandLinePagePrintWhatItShows) {
  const std::vector<Example> examples = examples_of(contents(source_path("docs/cli.md")));
  ASSERT_GE(examples.size(), 10U);
  for (const Example& example : examples) {
    const Outcome outcome = shell("spanqa() { \"$SPANQA\" \"$@\"; }; " + example.command);
    EXPECT_LE(outcome.code, 1) << outcome.err;
    EXPECT_EQ(masked(outcome.out), masked(example.output)) << "docs/cli.md:" << example.line << ": " << example.command;
  }
}

}  // namespace
}  // namespace spanqa::testing

// Help, typos, models that are not there, files that are something else.
#include <cstring>
#include <sstream>

#include "base/utf8.h"
#include "program.h"

namespace spanqa::testing {
namespace {

class CommandLineTest : public ProgramTest {
 protected:
  static std::vector<std::vector<std::string>> commands() {
    return {{"ask"},           {"predict"},         {"evaluate"},        {"train"},          {"curves"},
            {"export"},        {"metrics"},         {"tokenize"},        {"data"},           {"data", "inspect"},
            {"data", "check"}, {"data", "convert"}, {"data", "exclude"}, {"data", "sample"}, {"data", "unanswerable"},
            {"info"},          {"bench"},           {"completion"},      {"serve"}};
  }
};

TEST_F(CommandLineTest, EveryHelpFits80ColumnsAndHasAnExample) {
  for (std::vector<std::string> command : commands()) {
    const std::string name = command.back();
    command.push_back("--help");
    const Outcome help = run(command);
    EXPECT_EQ(help.code, 0) << name;
    EXPECT_HAS(help.out, "Example");
    EXPECT_HAS(help.out, "spanqa " + command.front());
    std::istringstream lines(help.out);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(count_code_points(line), 80U) << name << ": " << line;
  }
}

TEST_F(CommandLineTest, TheProgramsHelpNamesEverySubcommand) {
  const Outcome help = run({"--help"});
  EXPECT_EQ(help.code, 0);
  for (const auto& command : commands()) EXPECT_HAS(help.out, "\n  " + command.front());
  const Outcome version = run({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_TRUE(std::isdigit(static_cast<unsigned char>(version.out[0]))) << version.out;
}

TEST_F(CommandLineTest, TyposGetAHint) {
  const Outcome option = run({"ask", "--modle", "x", "Who?"});
  EXPECT_EQ(option.code, 2);
  EXPECT_HAS(option.err, "--modle");
  EXPECT_HAS(option.err, "did you mean --model?");
  EXPECT_HAS(option.err, "spanqa ask --help");
  const Outcome command = run({"predcit"});
  EXPECT_EQ(command.code, 2);
  EXPECT_HAS(command.err, "did you mean predict?");
  const Outcome nested = run({"data", "chek", "x.json"});
  EXPECT_EQ(nested.code, 2);
  EXPECT_HAS(nested.err, "did you mean check?");
  const Outcome nothing = run({});
  EXPECT_EQ(nothing.code, 2);
  EXPECT_HAS(nothing.err, "spanqa --help");
  const Outcome number = run({"ask", "--top-k", "many", "--text", "x", "Who?"});
  EXPECT_EQ(number.code, 2);
  EXPECT_HAS(number.err, "--top-k");
}

TEST_F(CommandLineTest, CountsBelowZeroOrBeyondAllBoundsAreUsageErrors) {
  write(folder() / "rows.jsonl", R"({"id": "1", "question": "who?", "context": "ada.", "answers": ["ada"]})");
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"data", "sample", "rows.jsonl", "--count"},
                                             {"data", "sample", "rows.jsonl", "--count", "1", "--seed"},
                                             {"data", "unanswerable", "rows.jsonl", "--seed"},
                                             {"data", "check", "rows.jsonl", "--most"},
                                             {"data", "inspect", "rows.jsonl", "--max-length"},
                                             {"data", "inspect", "rows.jsonl", "--overlap"},
                                             {"predict", "rows.jsonl", "--limit"},
                                             {"evaluate", "rows.jsonl", "--limit"},
                                             {"bench", "rows.jsonl", "--limit"},
                                             {"tokenize", "text", "--max-length"},
                                             {"tokenize", "text", "--overlap"},
                                             {"curves", "run", "--smooth"},
                                             {"train", "--batch-size"},
                                             {"train", "--seed"}}) {
    for (const char* number : {"-1", "99999999999999999999"}) {
      std::vector<std::string> with_number = command;
      with_number.push_back(number);
      const Outcome refused = run(with_number);
      EXPECT_EQ(refused.code, 2) << command.front() << " " << command.back() << " " << number;
      EXPECT_HAS(refused.err, command.back() + ": '" + number + "' is not a whole number");
      EXPECT_EQ(refused.out, "");
    }
  }
}

TEST_F(CommandLineTest, AFlagOfAnotherDecoderIsAUsageErrorThatNamesBoth) {
  const Outcome ask = run({"ask", "--decoder", "run_qa", "--top-k", "3", "--text", "Ada lives here.", "Who?"});
  EXPECT_EQ(ask.code, 2);
  EXPECT_HAS(ask.err, "--top-k belongs to the decoder pipeline or global, the chosen one is run_qa");
  const Outcome evaluate = run({"evaluate", "none.json", "--temperature", "2"});
  EXPECT_EQ(evaluate.code, 2);
  EXPECT_HAS(evaluate.err, "--temperature belongs to the decoder global");
  const Outcome predict = run({"predict", "--n-best", "3"});
  EXPECT_EQ(predict.code, 2);
  EXPECT_HAS(predict.err, "--n-best belongs to the decoder run_qa");
}

TEST_F(CommandLineTest, FlagsAndVariablesThatWouldDoNothingAreUsageErrors) {
  const Outcome two_forms = run({"ask", "--text", "Ada lives here.", "--json", "--pipeline-json", "Who?"});
  EXPECT_EQ(two_forms.code, 2);
  EXPECT_HAS(two_forms.err, "--json");
  EXPECT_EQ(run({"ask", "--text", "Ada lives here.", "--max-question-len", "9", "Who?"}).code, 2);
  const Outcome limit = shell("SPANQA_ISA=avx3 $SPANQA ask --text 'Ada lives here.' 'Who?'");
  EXPECT_EQ(limit.code, 2);
  EXPECT_HAS(limit.err, "SPANQA_ISA is set to 'avx3'; it takes one of ref, sse4, avx2, avx512");
  EXPECT_EQ(shell("SPANQA_ISA=ref $SPANQA ask --text 'Ada lives here.' 'Who?'").code, 0);
}

TEST_F(CommandLineTest, AModelThatIsNotThereIsExitCode4WithAWayOut) {
  ::setenv("SPANQA_MODELS", (folder() / "none").c_str(), 1);
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"ask", "--text", "Ada lives here.", "Who?"}, {"tokenize", "text"}, {"info"}}) {
    const Outcome missing = run(command);
    EXPECT_EQ(missing.code, 4) << command.front();
    EXPECT_HAS(missing.err, "--model");
  }
  const Outcome named = run({"ask", "--model", "nowhere", "--text", "Ada lives here.", "Who?"});
  EXPECT_EQ(named.code, 4);
  EXPECT_HAS(named.err, "nowhere");
  for (const char* part : {"config.json", "model.safetensors", "tokenizer"}) EXPECT_HAS(named.err, part);
}

TEST_F(CommandLineTest, AModelFolderThatCannotBeUsedSaysWhy) {
  const std::filesystem::path model = folder() / "model";
  std::filesystem::create_directory(model);
  const std::vector<std::string> ask = {"ask", "--model", "model", "--text", "Ada lives here.", "Who?"};
  EXPECT_EQ(run(ask).code, 4);
  EXPECT_HAS(run(ask).err, "config.json");
  const std::filesystem::path whole = source_path("models") / contents(source_path("models/DEFAULT"));
  const std::string name = whole.string().substr(0, whole.string().find_last_not_of("\n") + 1);
  std::filesystem::copy_file(std::filesystem::path(name) / "config.json", model / "config.json");
  write(model / "pytorch_model.bin", "PK");
  const Outcome pickle = run(ask);
  EXPECT_EQ(pickle.code, 4);
  EXPECT_HAS(pickle.err, "pytorch_model.bin");
  EXPECT_HAS(pickle.err, "safetensors");
  write(model / "model.safetensors", "not a weight file");
  EXPECT_EQ(run(ask).code, 4);
  EXPECT_HAS(run(ask).err, "model.safetensors");
}

/// A copy of the tiny model whose words are all NaN.
void write_damaged_model(const std::filesystem::path& folder) {
  std::filesystem::copy(source_path("tests/fixtures/nn/tiny-bert"), folder);
  std::string bytes = contents(folder / "model.safetensors");
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  const auto header = nlohmann::json::parse(bytes.substr(sizeof(length), length));
  const auto place = header.at("bert.embeddings.word_embeddings.weight").at("data_offsets");
  const std::size_t begin = sizeof(length) + length + place[0].get<std::size_t>();
  const std::size_t n = place[1].get<std::size_t>() - place[0].get<std::size_t>();
  bytes.replace(begin, n, n, '\xFF');
  write(folder / "model.safetensors", bytes);
}

TEST_F(CommandLineTest, AModelThatAnswersWithNoNumbersIsExitCode4) {
  write_damaged_model(folder() / "model");
  write(folder() / "rows.jsonl",
        R"({"id": "1", "question": "who?", "context": "ada.", "answers": {"text": ["ada"], "answer_start": [0]}})");
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"ask", "--text", "ada lives here.", "--json", "who?"},
                                             {"predict", "rows.jsonl"},
                                             {"evaluate", "rows.jsonl", "-o", "results"}}) {
    std::vector<std::string> with_model = command;
    with_model.insert(with_model.end(), {"--model", "model"});
    const Outcome damaged = run(with_model);
    EXPECT_EQ(damaged.code, 4) << command.front() << damaged.out << damaged.err;
    EXPECT_EQ(damaged.out, "") << command.front();
    EXPECT_HAS(damaged.err, "model.safetensors");
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder() / "results"));
}

TEST_F(CommandLineTest, FilesThatAreSomethingElseAreNamed) {
  std::filesystem::create_directory(folder() / "folder.json");
  write(folder() / "empty.json", "");
  write(folder() / "binary.json", std::string_view("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16));
  write(folder() / "packed.json.gz", std::string_view("\x1f\x8b\x08\0\0\0\0\0\0\3\0", 11));
  write(folder() / "page.json", "<!DOCTYPE html>\n<html><body>404</body></html>\n");
  write(folder() / "predictions.json", R"({"56be4db0acb8001400a502ec": "Denver Broncos"})");
  for (const char* name : {"folder.json", "empty.json", "binary.json", "packed.json.gz", "page.json",
                           "predictions.json", "missing.json"}) {
    for (const std::vector<std::string>& command :
         std::vector<std::vector<std::string>>{{"predict", name},
                                               {"data", "inspect", name, "--no-tokens"},
                                               {"data", "check", name},
                                               {"metrics", name, "predictions.json"}}) {
      const Outcome wrong = run(command);
      EXPECT_EQ(wrong.code, 3) << command.front() << " " << name << ": " << wrong.out << wrong.err;
      EXPECT_HAS(wrong.err, name);
      EXPECT_EQ(wrong.err.find("[json.exception"), std::string::npos) << wrong.err;
    }
  }
}

TEST_F(CommandLineTest, OutputThatCannotBeWrittenIsAnErrorInEverySubcommand) {
  for (const char* line :
       {"$SPANQA --help", "$SPANQA info --json", "$SPANQA tokenize text", "$SPANQA completion bash"}) {
    const Outcome full = shell(std::string(line) + " >/dev/full");
    EXPECT_EQ(full.code, 3) << line;
    EXPECT_HAS(full.err, "No space left");
  }
}

}  // namespace
}  // namespace spanqa::testing

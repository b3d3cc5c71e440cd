#include "cli/completion_script.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "base/file.h"

namespace spanqa::cli {
namespace {

struct SmallProgram {
  SmallProgram() {
    CLI::App* ask = app.add_subcommand("ask", "Ask a document's questions");
    ask->add_option("--decoder", text, "Which")->check(CLI::IsMember({"pipeline", "run_qa"}));
    ask->add_option("-f,--file", text, "The document [text]: one");
    ask->add_flag("--json", flag, "As JSON");
    CLI::App* data = app.add_subcommand("data", "Data");
    data->add_subcommand("check", "Looks")->add_flag("--strict", flag, "All");
    data->add_subcommand("convert", "Writes");
  }
  CLI::App app{"A program", "spanqa"};
  std::string text;
  bool flag = false;
};

/// What bash offers for the last of `words`, joined by blanks.
std::string offered(const std::string& script, const std::string& words, int count) {
  std::string name = (std::filesystem::temp_directory_path() / "spanqa-completion-XXXXXX").string();
  EXPECT_NE(::mkdtemp(name.data()), nullptr);
  EXPECT_TRUE(write_file(name + "/script", script));
  const std::string command = "bash -c '. " + name + "/script; COMP_WORDS=(spanqa " + words +
                              "); COMP_CWORD=" + std::to_string(count) + "; _spanqa; echo ${COMPREPLY[*]}' 2>&1";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  std::array<char, 4096> line = {};
  std::string out;
  while (std::fgets(line.data(), static_cast<int>(line.size()), pipe.get()) != nullptr) out += line.data();
  std::filesystem::remove_all(name);
  if (!out.empty()) out.pop_back();
  return out;
}

TEST(BashCompletion, OffersWhatTheProgramTakes) {
  SmallProgram program;
  const std::string script = bash_completion(program.app);
  EXPECT_EQ(offered(script, "\"\"", 1), "ask data");
  EXPECT_EQ(offered(script, "a", 1), "ask");
  EXPECT_EQ(offered(script, "ask --f", 2), "--file");
  EXPECT_EQ(offered(script, "ask --decoder \"\"", 3), "pipeline run_qa");
  EXPECT_EQ(offered(script, "ask --decoder r", 3), "run_qa");
  EXPECT_EQ(offered(script, "ask --file \"\"", 3), "");  // bash itself offers file names
  EXPECT_EQ(offered(script, "data \"\"", 2), "check convert");
  EXPECT_EQ(offered(script, "data check --s", 3), "--strict");
  EXPECT_EQ(offered(script, "ask data --", 3), offered(script, "ask --", 2));  // a question may be called "data"
}

TEST(ZshCompletion, HoldsEveryOptionWithItsWords) {
  SmallProgram program;
  const std::string script = zsh_completion(program.app);
  EXPECT_TRUE(script.starts_with("#compdef spanqa\n"));
  EXPECT_NE(script.find("'--decoder[Which]:value:(pipeline run_qa)'"), std::string::npos) << script;
  EXPECT_NE(script.find("'--file[The document \\[text\\]\\: one]:value:_files'"), std::string::npos) << script;
  EXPECT_NE(script.find("_spanqa_data_check()"), std::string::npos) << script;
  EXPECT_NE(script.find("'ask:Ask a document'\\''s questions'"), std::string::npos) << script;
}

TEST(FishCompletion, HoldsEveryOptionWithItsWords) {
  SmallProgram program;
  const std::string script = fish_completion(program.app);
  EXPECT_NE(script.find("-l decoder -r -f -a 'pipeline run_qa'"), std::string::npos) << script;
  EXPECT_NE(script.find("-s f -l file -r -d"), std::string::npos) << script;
  EXPECT_NE(script.find("__fish_seen_subcommand_from data; and __fish_seen_subcommand_from check"), std::string::npos);
  EXPECT_NE(script.find("-a ask -d 'Ask a document\\'s questions'"), std::string::npos) << script;
}

}  // namespace
}  // namespace spanqa::cli

#include "cli/help_format.h"

#include <gtest/gtest.h>

#include <sstream>

#include "cli/layout.h"
#include "cli/terminal.h"

namespace spanqa::cli {
namespace {

struct SmallProgram {
  SmallProgram() {
    app.formatter(std::make_shared<HelpFormatter>());
    CLI::App* read =
        app.add_subcommand("read", std::string(20, 'w') + std::string(" long description").append(90, '.'));
    read->add_option("--decoder", decoder, "Which decoder")
        ->check(CLI::IsMember({"pipeline", "run_qa"}))
        ->capture_default_str();
    read->add_option("--a-very-long-name-of-an-option,--another-name", decoder,
                     "A description that is longer than one line of help has room for, so that it must be wrapped")
        ->envname("SPANQA_TEST");
    read->add_option("--rows", rows, "Rows")->required();
    app.add_subcommand("write", "Writes");
    app.require_subcommand(1);
  }
  std::string complain(const std::string& command_line) {
    try {
      app.parse(command_line);
    } catch (const CLI::ParseError& error) {
      return complaint(app, error);
    }
    return "";
  }
  CLI::App app{"A program", "spanqa"};
  std::string decoder = "pipeline";
  int rows = 0;
};

TEST(HelpFormat, ChoicesDefaultsAndEnvironmentStandInTheHelp) {
  SmallProgram program;
  const std::string help = one_line(program.app.get_subcommand("read")->help());
  EXPECT_NE(help.find("--decoder NAME"), std::string::npos) << help;
  EXPECT_NE(help.find("[one of: pipeline, run_qa]"), std::string::npos) << help;
  EXPECT_NE(help.find("[default: pipeline]"), std::string::npos) << help;
  EXPECT_NE(help.find("[environment: SPANQA_TEST]"), std::string::npos) << help;
  EXPECT_NE(help.find("[required]"), std::string::npos) << help;
}

TEST(HelpFormat, LinesOfWordsFit80Columns) {
  SmallProgram program;
  std::istringstream help(program.app.get_subcommand("read")->help());
  for (std::string line; std::getline(help, line);) {
    // A word that is wider than the column stands alone and is not broken.
    if (line.find("....") == std::string::npos) {
      EXPECT_LE(display_width(line), 80U) << line;
    }
  }
}

TEST(HelpFormat, ChoicesOfAnOption) {
  SmallProgram program;
  const CLI::App* read = program.app.get_subcommand("read");
  EXPECT_EQ(choices_of(*read->get_option("--decoder")), (std::vector<std::string>{"pipeline", "run_qa"}));
  EXPECT_TRUE(choices_of(*read->get_option("--rows")).empty());
}

TEST(ClosestWord, FindsTyposAndNothingElse) {
  const std::vector<std::string> words = {"--model", "--threads", "--json"};
  EXPECT_EQ(closest_word("--modle", words), "--model");
  EXPECT_EQ(closest_word("--thread", words), "--threads");
  EXPECT_EQ(closest_word("--frobnicate", words), "");
  EXPECT_EQ(closest_word("", words), "");
}

TEST(Complaint, NamesTheFaultWhatWasMeantAndWhereHelpStands) {
  const std::string option = SmallProgram().complain("read --rows 1 --decodre run_qa");
  EXPECT_NE(option.find("unknown option --decodre; did you mean --decoder?"), std::string::npos) << option;
  EXPECT_NE(option.find("spanqa read --help"), std::string::npos) << option;
  const std::string command = SmallProgram().complain("raed --rows 1");
  EXPECT_NE(command.find("there is no subcommand 'raed'; did you mean read?"), std::string::npos) << command;
  const std::string value = SmallProgram().complain("read --rows 1 --decoder best");
  EXPECT_NE(value.find("best"), std::string::npos) << value;
  EXPECT_NE(value.find("run_qa"), std::string::npos) << value;
  const std::string missing = SmallProgram().complain("read");
  EXPECT_NE(missing.find("--rows is required"), std::string::npos) << missing;
}

}  // namespace
}  // namespace spanqa::cli

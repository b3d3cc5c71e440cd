// Runs the program as a user does and looks at what comes out.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "shared_data.h"

namespace spanqa::testing {

struct Outcome {
  int code = -1;  // exit code; 128 and the signal's number when one ended it
  std::string out;
  std::string err;
  nlohmann::json json() const { return nlohmann::json::parse(out); }
};

inline std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void write(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  ASSERT_TRUE(file.flush()) << path;
}

/// A started program; its standard input stays open until wait().
class Running {
 public:
  Running(pid_t process, int input, std::filesystem::path folder)
      : process_(process), input_(input), folder_(std::move(folder)) {}

  void send(std::string_view text) const {
    EXPECT_EQ(::write(input_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::string out() const { return contents(folder_ / "out"); }
  /// Waits until `n` lines have come out.
  bool wait_for_lines(std::ptrdiff_t n) const {
    for (int i = 0; i < 1200; ++i) {
      const std::string text = out();
      if (std::count(text.begin(), text.end(), '\n') >= n) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }
  void signal(int number) const { ::kill(process_, number); }
  bool ended() const {
    siginfo_t info = {};
    return ::waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
  }
  Outcome wait(bool close_input = true) {
    if (close_input) ::close(input_);
    int status = 0;
    ::waitpid(process_, &status, 0);
    if (!close_input) ::close(input_);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), contents(folder_ / "out"),
            contents(folder_ / "err")};
  }

 private:
  pid_t process_;
  int input_;
  std::filesystem::path folder_;
};

/// Each test gets an empty folder, in which the program runs, and the repository's default model.
class ProgramTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "spanqa-e2e-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    std::filesystem::create_directories(folder());
    std::filesystem::create_directories(root_ / "streams");
    ::setenv("SPANQA_MODELS", source_path("models").c_str(), 1);
    ::unsetenv("SPANQA_MODEL");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::filesystem::path folder() const { return root_ / "here"; }

  std::vector<std::string> files_here() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder())) names.push_back(entry.path().filename());
    return names;
  }

  /// Waits until the folder holds at least `n` files: the program has come to where it writes.
  bool wait_for_files(std::size_t n) const {
    for (int i = 0; i < 1200; ++i) {
      if (files_here().size() >= n) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }

  Running start(const std::vector<std::string>& arguments) const {
    int input[2] = {-1, -1};
    EXPECT_EQ(::pipe2(input, O_CLOEXEC), 0);
    std::filesystem::remove(root_ / "streams" / "out");  // so that nobody reads that of an earlier run
    const pid_t process = ::fork();
    if (process == 0) {
      ::dup2(input[0], STDIN_FILENO);
      ::dup2(::creat((root_ / "streams" / "out").c_str(), 0600), STDOUT_FILENO);
      ::dup2(::creat((root_ / "streams" / "err").c_str(), 0600), STDERR_FILENO);
      if (::chdir(folder().c_str()) != 0) ::_exit(126);
      std::vector<char*> words = {const_cast<char*>(SPANQA_PROGRAM)};
      for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
      words.push_back(nullptr);
      ::execv(SPANQA_PROGRAM, words.data());
      ::_exit(127);
    }
    ::close(input[0]);
    return {process, input[1], root_ / "streams"};
  }

  /// `input` is at most what a pipe holds (64 KiB).
  Outcome run(const std::vector<std::string>& arguments, std::string_view input = "") const {
    Running running = start(arguments);
    if (!input.empty()) running.send(input);
    return running.wait();
  }

  /// A shell's line; $SPANQA is the program.
  Outcome shell(const std::string& line) const {
    ::setenv("SPANQA", SPANQA_PROGRAM, 1);
    const std::string command = "cd '" + folder().string() + "' && { " + line + "\n} >'" +
                                (root_ / "streams/out").string() + "' 2>'" + (root_ / "streams/err").string() + "'";
    const int status = std::system(("bash -c '" + replaced(command) + "'").c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), contents(root_ / "streams/out"),
            contents(root_ / "streams/err")};
  }

 private:
  static std::string replaced(const std::string& command) {
    std::string out;
    for (const char c : command) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out;
  }
  std::filesystem::path root_;
};

#define EXPECT_HAS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

}  // namespace spanqa::testing

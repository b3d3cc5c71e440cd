#include "cli/interrupt.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <thread>

namespace spanqa::cli {
namespace {

/// Puts the read end of a pipe in the place of standard input.
class InterruptTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe(ends), 0);
    saved_ = ::dup(STDIN_FILENO);
    ::dup2(ends[0], STDIN_FILENO);
    ::close(ends[0]);
    input_ = ends[1];
  }
  void TearDown() override {
    ::dup2(saved_, STDIN_FILENO);
    ::close(saved_);
    ::close(input_);
  }
  int saved_ = -1;
  int input_ = -1;
};

// One test: a signal that has come cannot be taken back.
TEST_F(InterruptTest, ASignalEndsInputThatAnotherThreadWaitsFor) {
  const InterruptGuard guard;
  EXPECT_TRUE(InterruptGuard::check());
  ASSERT_EQ(::write(input_, "first\nsec", 9), 9);
  std::string line;
  ASSERT_TRUE(std::getline(interruptible_input(), line));
  EXPECT_EQ(line, "first");
  EXPECT_EQ(interruptible_input().rdbuf()->in_avail(), 3);
  EXPECT_EQ(interruptible_input().get(), 's');
  EXPECT_EQ(interruptible_input().get(), 'e');
  EXPECT_EQ(interruptible_input().get(), 'c');
  EXPECT_EQ(interruptible_input().rdbuf()->in_avail(), 0) << "reading would wait";
  ASSERT_EQ(::write(input_, "sec", 3), 3);
  EXPECT_EQ(interruptible_input().rdbuf()->in_avail(), 3);
  std::string rest;
  std::thread waiting([&] { std::getline(interruptible_input(), rest); });
  std::raise(SIGTERM);
  waiting.join();
  EXPECT_EQ(rest, "sec") << "what came before the signal";
  EXPECT_TRUE(interruptible_input().eof());
  const Status status = InterruptGuard::check();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace spanqa::cli

#include "cli/interrupt.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <streambuf>
#include <vector>

namespace spanqa::cli {
namespace {

volatile std::sig_atomic_t interrupted = 0;

/// A pipe that becomes readable, and stays so, when a signal has come. The signal itself may be delivered to another
/// thread than the one that waits.
const std::array<int, 2>& wake_pipe() {
  static const std::array<int, 2> pipe = [] {
    std::array<int, 2> ends = {-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) ends = {-1, -1};
    return ends;
  }();
  return pipe;
}
volatile std::sig_atomic_t wake_end = -1;  // for the handler, which must not initialise anything

void raise_flag(int) {
  const int number = errno;
  interrupted = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_end, "!", 1);
  errno = number;
}

/// With SA_RESETHAND a second signal ends the program.
void set_handler(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = static_cast<int>(SA_RESETHAND | static_cast<unsigned>(SA_RESTART));
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

class InterruptibleInput : public std::streambuf {
 protected:
  /// What a read would not wait for.
  std::streamsize showmanyc() override {
    std::array<pollfd, 2> waits = {{{STDIN_FILENO, POLLIN, 0}, {wake_pipe()[0], POLLIN, 0}}};
    if (::poll(waits.data(), waits.size(), 0) <= 0) return 0;
    return traits_type::eq_int_type(underflow(), traits_type::eof()) ? -1 : egptr() - gptr();
  }

  int_type underflow() override {
    if (gptr() < egptr()) return traits_type::to_int_type(*gptr());
    std::array<pollfd, 2> waits = {{{STDIN_FILENO, POLLIN, 0}, {wake_pipe()[0], POLLIN, 0}}};
    while (::poll(waits.data(), waits.size(), -1) < 0) {
      if (errno != EINTR) return traits_type::eof();
    }
    if (waits[1].revents != 0) return traits_type::eof();
    ssize_t n = -1;
    do {
      n = ::read(STDIN_FILENO, buffer_.data(), buffer_.size());
    } while (n < 0 && errno == EINTR);
    if (n <= 0) return traits_type::eof();
    setg(buffer_.data(), buffer_.data(), buffer_.data() + n);
    return traits_type::to_int_type(*gptr());
  }

 private:
  std::vector<char> buffer_ = std::vector<char>(std::size_t{1} << 16);
};

}  // namespace

InterruptGuard::InterruptGuard() {
  wake_end = wake_pipe()[1];
  set_handler(raise_flag);
}
InterruptGuard::~InterruptGuard() { set_handler(SIG_DFL); }

Status InterruptGuard::check() {
  if (interrupted == 0) return {};
  return fail(ErrorCode::kCancelled, "interrupted; no file was written");
}

std::istream& interruptible_input() {
  static InterruptibleInput buffer;
  static std::istream stream(&buffer);
  return stream;
}

}  // namespace spanqa::cli

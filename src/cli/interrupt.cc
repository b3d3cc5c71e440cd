#include "cli/interrupt.h"

#include <csignal>

namespace spanqa::cli {
namespace {

volatile std::sig_atomic_t interrupted = 0;

void raise_flag(int) { interrupted = 1; }

/// Without SA_RESTART a read that waits for more input ends; with SA_RESETHAND a second signal ends the program.
void set_handler(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

InterruptGuard::InterruptGuard() { set_handler(raise_flag); }
InterruptGuard::~InterruptGuard() { set_handler(SIG_DFL); }

Status InterruptGuard::check() {
  if (interrupted == 0) return {};
  return fail(ErrorCode::kCancelled, "interrupted; no file was written");
}

}  // namespace spanqa::cli

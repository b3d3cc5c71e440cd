#include "cli/interrupt.h"

#include <csignal>

namespace spanqa::cli {
namespace {

volatile std::sig_atomic_t interrupted = 0;

void raise_flag(int number) {
  interrupted = 1;
  std::signal(number, SIG_DFL);
}

}  // namespace

InterruptGuard::InterruptGuard() {
  std::signal(SIGINT, raise_flag);
  std::signal(SIGTERM, raise_flag);
}

InterruptGuard::~InterruptGuard() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

Status InterruptGuard::check() {
  if (interrupted == 0) return {};
  return fail(ErrorCode::kCancelled, "interrupted; no file was written");
}

}  // namespace spanqa::cli

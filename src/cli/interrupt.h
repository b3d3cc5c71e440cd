// Ctrl-C during a long task: it ends at the next step, unfinished files vanish, the program exits with 130.
#pragma once

#include <istream>

#include "base/result.h"

namespace spanqa::cli {

/// While an object lives, SIGINT and SIGTERM only raise a flag; a second signal ends the program at once.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  /// An error with code kCancelled once a signal has come.
  static Status check();
};

/// Standard input that ends when a signal comes, on whichever thread it is being waited for: ask
/// InterruptGuard::check() what looks like the end of the input is. One stream for the whole program; not to be mixed
/// with std::cin.
std::istream& interruptible_input();

}  // namespace spanqa::cli

// Faults of our own are checks that stay on. Nothing that comes from outside may reach one.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace spanqa {

[[noreturn]] inline void check_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: SPANQA_CHECK(%s) failed; this is a bug in spanqa, please report it\n", file, line,
               expression);
  std::abort();
}

}  // namespace spanqa

/// A contract at the edge of a module: cheap, once per call, never in an inner loop.
#define SPANQA_CHECK(condition)                                               \
  do {                                                                        \
    if (!(condition)) ::spanqa::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)

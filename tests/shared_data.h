// Where tests find what the repository carries, and the larger reference material that may lie beside it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string_view>

namespace spanqa::testing {

/// A file or folder of the checkout, such as "tests/fixtures/tiny.json".
inline std::filesystem::path source_path(std::string_view relative) {
  return std::filesystem::path(SPANQA_SOURCE_DIR) / relative;
}

/// Reference outputs, weights and data sets: the folder in SPANQA_SHARED, else `shared` beside the checkout.
inline std::filesystem::path shared_path(std::string_view relative) {
  if (const char* folder = std::getenv("SPANQA_SHARED")) return std::filesystem::path(folder) / relative;
  return std::filesystem::path(SPANQA_SOURCE_DIR) / ".." / "shared" / relative;
}

}  // namespace spanqa::testing

/// Skips the running test with a message unless `relative` lies in the shared folder.
#define SPANQA_NEEDS_SHARED(relative)                                                               \
  do {                                                                                              \
    if (!std::filesystem::exists(::spanqa::testing::shared_path(relative)))                         \
      GTEST_SKIP() << "shared/" << (relative) << " is not beside the checkout (set SPANQA_SHARED)"; \
  } while (false)

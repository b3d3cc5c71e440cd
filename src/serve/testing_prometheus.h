// Just enough of Prometheus' exposition format 0.0.4 to hold /metrics against it in tests. Not installed.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <regex>
#include <sstream>
#include <string>

namespace spanqa::serve::testing {

/// Series to value, `name{label="value"}` as it is written. A line that is neither a comment nor a sample fails the
/// test.
inline std::map<std::string, double> samples_of(const std::string& text) {
  static const std::regex sample(
      R"re(([a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\.)*",?)*\})?) ([^ ]+))re");
  static const std::regex comment(R"(# (HELP|TYPE) [a-zA-Z_:][a-zA-Z0-9_:]* .+)");
  std::map<std::string, double> samples;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (std::regex_match(line, comment)) continue;
    std::smatch parts;
    if (!std::regex_match(line, parts, sample)) {
      ADD_FAILURE() << "not a line of metrics: " << line;
      continue;
    }
    const std::string value = parts[5];
    char* end = nullptr;
    const double number = std::strtod(value.c_str(), &end);
    EXPECT_EQ(*end, '\0') << line;
    EXPECT_TRUE(samples.emplace(parts[1], number).second) << "stands twice: " << line;
  }
  return samples;
}

}  // namespace spanqa::serve::testing

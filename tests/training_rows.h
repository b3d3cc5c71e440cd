// Questions to train the tiny models on.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace spanqa::testing {

/// `n` lines of JSONL: questions whose answers stand in their contexts, of several lengths.
inline std::string training_rows(int n) {
  const char* names[] = {"ada", "the king of the river", "a team", "war"};
  std::string text;
  for (int i = 0; i < n; ++i) {
    const std::string answer = names[i % 4];
    const std::string year = std::to_string(1900 + i);
    std::string context = "it was built by ";
    for (int k = 0; k < i % 5; ++k) context.insert(0, "in the first year after ");
    const std::size_t start = context.size();
    nlohmann::json row = {{"id", std::to_string(i)}, {"question", "who built it in " + year + "?"}};
    row["context"] = context + answer + " in " + year + ".";
    row["answers"] = {{"text", {answer}}, {"answer_start", {start}}};
    text += row.dump() + "\n";
  }
  return text;
}

}  // namespace spanqa::testing

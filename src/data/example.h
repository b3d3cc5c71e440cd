// One question with its context and gold answers, whatever file it came from.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace spanqa {

struct GoldAnswer {
  std::string text;
  std::int64_t start = 0;  // code points from the start of the context; -1 where the file gives none
};

/// Contexts are shared: the questions of a paragraph point at one string.
struct Example {
  std::string id;
  std::string question;
  std::shared_ptr<const std::string> context;
  std::vector<GoldAnswer> answers;  // empty: unanswerable, or no gold given
  bool has_answers_field = false;   // the file gave golds, perhaps none: false in files to predict only
  std::string title;
  std::optional<bool> is_impossible = std::nullopt;  // as the file says; nothing decides by it, `answers` do
  std::string where;                                 // "dev.json: question 56be…" or "rows.jsonl:17", for messages
};

}  // namespace spanqa

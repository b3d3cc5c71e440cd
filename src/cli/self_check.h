// Checks on a reader itself, on any text: no token is lost between windows, and every place given is the place meant.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "qa/reader.h"

namespace spanqa::cli {

struct SelfCheck {
  std::string name;    // "windows cover the text"
  std::string detail;  // what was checked and how often, or the first fault
  bool ok = false;
};

/// Tokenises `text`, lays it out in windows of several sizes and answers one question; nothing of it depends on what
/// the model has learnt.
std::vector<SelfCheck> self_check(const Reader& reader, std::string_view text, const AskOptions& options);

/// A text with what goes wrong most easily: accents in both forms, CJK, emoji, a right-to-left word, a literal [SEP].
std::string_view self_check_text();

}  // namespace spanqa::cli

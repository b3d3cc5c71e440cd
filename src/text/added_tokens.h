// Tokens that are matched in the text as they stand, before it is cut into words: [SEP] and the like, and whatever was
// added to a vocabulary later.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace spanqa {

/// As tokenizer.json describes one.
struct AddedToken {
  std::string content;
  std::int32_t id = -1;
  bool single_word = false;  // only between characters that are no part of a word
  bool lstrip = false;       // takes white space before it along
  bool rstrip = false;       // and after it
  bool normalized = false;   // looked for in the normalised text
  bool special = false;      // a control token; ignored where special tokens are to be text
};

struct AddedMatch {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::int32_t id = -1;
};

/// A set of tokens to look for: leftmost first, of those the longest. Threads: immutable once built.
class AddedTokens {
 public:
  AddedTokens() = default;
  /// Tokens with an empty `content` are left out.
  explicit AddedTokens(std::vector<AddedToken> tokens);

  /// Matches in `text` (UTF-8), in order, not overlapping. Cost: O(bytes) while few bytes begin a token.
  void find(std::string_view text, bool with_special, std::vector<AddedMatch>& out) const;

  bool empty() const { return tokens_.empty(); }
  bool has_only_special() const;

 private:
  const AddedToken* longest_at(std::string_view text, std::size_t position) const;

  std::vector<AddedToken> tokens_;  // longest first
  std::array<bool, 256> begins_{};  // whether a token begins with this byte
};

}  // namespace spanqa

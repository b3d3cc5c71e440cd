#include "text/added_tokens.h"

#include <algorithm>

#include "base/utf8.h"
#include "text/unicode.h"

namespace spanqa {
namespace {

/// Start of the last code point of `text`, which is valid there or not UTF-8 at all; text is not empty.
std::size_t last_code_point(std::string_view text) {
  std::size_t i = text.size() - 1;
  for (int back = 0; back < 3 && i > 0 && (static_cast<std::uint8_t>(text[i]) & 0xC0) == 0x80; ++back) --i;
  return i + decode_utf8(text, i).bytes == text.size() ? i : text.size() - 1;
}

bool ends_with_word(std::string_view text) {
  return !text.empty() && unicode::is_word(decode_utf8(text, last_code_point(text)).value);
}

bool begins_with_word(std::string_view text) { return !text.empty() && unicode::is_word(decode_utf8(text, 0).value); }

std::size_t spaces_at_end(std::string_view text) {
  const std::size_t whole = text.size();
  while (!text.empty()) {
    const std::size_t last = last_code_point(text);
    if (!unicode::is_space(decode_utf8(text, last).value)) break;
    text = text.substr(0, last);
  }
  return whole - text.size();
}

std::size_t spaces_at_begin(std::string_view text) {
  std::size_t n = 0;
  while (n < text.size()) {
    const CodePoint c = decode_utf8(text, n);
    if (!unicode::is_space(c.value)) break;
    n += c.bytes;
  }
  return n;
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::erase_if(tokens_, [](const AddedToken& token) { return token.content.empty(); });
  std::ranges::sort(tokens_, [](const AddedToken& a, const AddedToken& b) {
    if (a.content.size() != b.content.size()) return a.content.size() > b.content.size();
    return a.content < b.content;
  });
  for (const AddedToken& token : tokens_) begins_[static_cast<std::uint8_t>(token.content[0])] = true;
}

bool AddedTokens::has_only_special() const { return std::ranges::all_of(tokens_, &AddedToken::special); }

const AddedToken* AddedTokens::longest_at(std::string_view text, std::size_t position) const {
  const std::string_view rest = text.substr(position);
  const auto hit = std::ranges::find_if(tokens_, [rest](const AddedToken& t) { return rest.starts_with(t.content); });
  return hit == tokens_.end() ? nullptr : &*hit;
}

void AddedTokens::find(std::string_view text, bool with_special, std::vector<AddedMatch>& out) const {
  out.clear();
  if (tokens_.empty()) return;
  std::size_t taken = 0;  // end of the last match: white space before it is not taken twice
  for (std::size_t i = 0; i < text.size();) {
    const AddedToken* token = begins_[static_cast<std::uint8_t>(text[i])] ? longest_at(text, i) : nullptr;
    if (token == nullptr) {
      ++i;
      continue;
    }
    AddedMatch match{i, i + token->content.size(), token->id};
    i = match.end;  // also when it does not count: nothing else may begin within it
    if (token->special && !with_special) continue;
    if (token->single_word &&
        (ends_with_word(text.substr(0, match.begin)) || begins_with_word(text.substr(match.end)))) {
      continue;
    }
    if (token->lstrip) match.begin = std::max(taken, match.begin - spaces_at_end(text.substr(0, match.begin)));
    if (token->rstrip) match.end += spaces_at_begin(text.substr(match.end));
    out.push_back(match);
    taken = match.end;
    i = std::max(i, taken);
  }
}

}  // namespace spanqa

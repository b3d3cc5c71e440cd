#include "qa/sentence.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/utf8.h"
#include "qa/python_text.h"

namespace spanqa {
namespace {

// After these a full stop never ends a sentence: a name or an explanation follows.
constexpr std::array<std::string_view, 30> kBeforeNames = {
    "al",   "approx", "ca", "capt", "cf", "col", "dr",   "e.g",  "fr",  "gen", "gov", "hon", "i.e", "lt", "messrs",
    "mlle", "mme",    "mr", "mrs",  "ms", "mt",  "pres", "prof", "rep", "rev", "sen", "sgt", "ss",  "st", "vs"};
// After these it does not where a number follows.
constexpr std::array<std::string_view, 27> kBeforeNumbers = {
    "apr", "art", "aug", "ch", "dec",  "eq", "feb", "fig", "figs", "jan", "jul", "jun", "mar", "no",
    "nos", "nov", "oct", "p",  "para", "pp", "sec", "sep", "sept", "tab", "v",   "vol", "vols"};

constexpr int kMaxClosers = 8;         // quotes and brackets after a stop; bounds the look back
constexpr char32_t kGuillemet = 0xBB;  // French puts a blank before it

template <std::size_t n>
bool contains(const std::array<std::string_view, n>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// The code point that ends at `position` > 0.
CodePoint before(std::string_view text, std::size_t position) {
  for (std::size_t length = std::min<std::size_t>(4, position); length > 1; --length) {
    const CodePoint c = decode_utf8(text, position - length);
    if (c.bytes == length) return c;
  }
  return decode_utf8(text.substr(0, position), position - 1);
}

bool is_newline(char32_t c) { return c == U'\n' || c == U'\r' || c == 0x2028 || c == 0x2029; }
bool is_latin_stop(char32_t c) { return c == U'.' || c == U'!' || c == U'?' || c == 0x2026; }
bool is_ideographic_stop(char32_t c) { return c == 0x3002 || c == 0xFF01 || c == 0xFF1F || c == 0xFF61; }
bool is_closer(char32_t c) {
  return c == U'"' || c == U'\'' || c == U')' || c == U']' || c == U'}' || c == kGuillemet || c == 0x2019 ||
         c == 0x201D || c == 0x300D || c == 0x300F || c == 0x3011 || c == 0xFF09;
}

char32_t at(std::string_view text, std::size_t position) {
  return position < text.size() ? decode_utf8(text, position).value : U'\n';
}

/// First character after the blanks at `position`.
char32_t after_blanks(std::string_view text, std::size_t position) {
  while (position < text.size()) {
    const CodePoint c = decode_utf8(text, position);
    if (!is_python_space(c.value)) return c.value;
    position += c.bytes;
  }
  return U'\n';
}

/// Whether the full stop at `stop` belongs to the word before it: a title, an initial, "no. 5", or one in mid-sentence.
bool is_abbreviation(std::string_view text, std::size_t stop) {
  const char32_t next = after_blanks(text, stop + 1);
  if (next >= U'a' && next <= U'z') return true;
  std::size_t begin = stop;
  while (begin > 0 && stop - begin < 12) {
    const CodePoint c = before(text, begin);
    if (!is_python_word(c.value) && c.value != U'.') break;
    begin -= c.bytes;
  }
  std::string word(text.substr(begin, stop - begin));
  const bool is_initial =
      !word.empty() && word.back() >= 'A' && word.back() <= 'Z' && (word.size() == 1 || word[word.size() - 2] == '.');
  if (is_initial) return true;
  for (char& c : word) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return contains(kBeforeNames, word) || (next >= U'0' && next <= U'9' && contains(kBeforeNumbers, word));
}

/// Whether one sentence ends and another begins at `position`, the start of a code point inside the text.
bool is_border(std::string_view text, std::size_t position) {
  std::size_t stop_end = position;
  CodePoint last = before(text, stop_end);
  if (is_newline(last.value)) return true;
  const char32_t next = at(text, position);
  for (int n = 0; n < kMaxClosers && is_closer(last.value) && stop_end > last.bytes; ++n) {
    const bool may_stand_off = last.value == kGuillemet;
    stop_end -= last.bytes;
    last = before(text, stop_end);
    if (!may_stand_off || !is_python_space(last.value) || stop_end <= last.bytes) continue;
    stop_end -= last.bytes;
    last = before(text, stop_end);
  }
  if (is_ideographic_stop(last.value)) return !is_closer(next) && !is_ideographic_stop(next);
  if (!is_latin_stop(last.value) || !is_python_space(next)) return false;
  if (after_blanks(text, position) == kGuillemet) return false;
  return last.value != U'.' || !is_abbreviation(text, stop_end - 1);
}

std::size_t find_begin(std::string_view text, std::size_t from, std::size_t lowest) {
  while (from > lowest && !is_border(text, from)) from -= before(text, from).bytes;
  return from;
}

std::size_t find_end(std::string_view text, std::size_t from, std::size_t highest) {
  if (from == 0 && from < highest) from += decode_utf8(text, from).bytes;
  while (from < highest && !is_border(text, from)) from += decode_utf8(text, from).bytes;
  return from;
}

/// Moves a cut that fell inside a word to the next blank on the answer's side, if there is one.
std::size_t cut_at_word_begin(std::string_view text, std::size_t from, std::size_t limit) {
  if (from > 0 && is_python_space(before(text, from).value)) return from;
  for (std::size_t i = from; i < limit; i += decode_utf8(text, i).bytes) {
    if (is_python_space(at(text, i))) return i;
  }
  return std::min(from, limit);
}

std::size_t cut_at_word_end(std::string_view text, std::size_t from, std::size_t limit) {
  for (std::size_t i = from; i > limit; i -= before(text, i).bytes) {
    if (is_python_space(at(text, i))) return i;
  }
  return std::max(from, limit);
}

/// Takes blanks off both ends, down to the answer.
void trim(std::string_view text, ByteSpan answer, std::size_t& begin, std::size_t& end) {
  while (begin < answer.begin && is_python_space(at(text, begin))) begin += decode_utf8(text, begin).bytes;
  while (end > answer.end && is_python_space(before(text, end).value)) end -= before(text, end).bytes;
}

/// Shares `room` bytes between the text before and after the answer; what one side does not need the other gets.
void shorten(std::string_view text, ByteSpan answer, std::size_t max_bytes, std::size_t& begin, std::size_t& end,
             Sentence& sentence) {
  const std::size_t n_answer = answer.end - answer.begin;
  const std::size_t room = max_bytes > n_answer ? max_bytes - n_answer : 0;
  const std::size_t n_before = answer.begin - begin;
  const std::size_t n_after = end - answer.end;
  if (n_before + n_after <= room) return;
  const std::size_t keep_before = std::min(n_before, std::max(room / 2, room - std::min(room, n_after)));
  const std::size_t keep_after = std::min(n_after, room - keep_before);
  if (keep_before < n_before) {
    std::size_t cut = answer.begin;
    while (cut > begin && answer.begin - (cut - before(text, cut).bytes) <= keep_before) cut -= before(text, cut).bytes;
    begin = cut_at_word_begin(text, cut, answer.begin);
    sentence.cut_begin = true;
  }
  if (keep_after < n_after) {
    std::size_t cut = answer.end;
    while (cut < end && cut + decode_utf8(text, cut).bytes - answer.end <= keep_after)
      cut += decode_utf8(text, cut).bytes;
    end = cut_at_word_end(text, cut, answer.end);
    sentence.cut_end = true;
  }
}

}  // namespace

Sentence sentence_around(std::string_view context, ByteSpan answer, const SentenceOptions& options) {
  SPANQA_CHECK(answer.begin <= answer.end && answer.end <= context.size());
  // One byte further than may be shown, so that a sentence that goes on is known to be cut.
  const std::size_t reach = options.max_bytes == 0 ? context.size() : options.max_bytes + 1;
  const std::size_t lowest = answer.begin > reach ? answer.begin - reach : 0;
  const std::size_t highest = std::min(context.size(), answer.end + reach);
  const bool at_end = answer.begin == context.size() && answer.begin > 0;  // an empty answer after the last sentence
  std::size_t begin = find_begin(context, answer.begin - (at_end ? before(context, answer.begin).bytes : 0), lowest);
  std::size_t end = std::min(context.size(), find_end(context, answer.end, highest));
  Sentence sentence;
  sentence.cut_begin = begin > 0 && !is_border(context, begin);
  sentence.cut_end = end < context.size() && !is_border(context, end);
  trim(context, answer, begin, end);
  if (options.max_bytes > 0) shorten(context, answer, options.max_bytes, begin, end, sentence);
  trim(context, answer, begin, end);
  sentence.span = {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
  return sentence;
}

}  // namespace spanqa

#include "text/splitter.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/utf8.h"
#include "text/unicode.h"

namespace spanqa {
namespace {

using StepKind = NormalizerStep::Kind;

constexpr std::size_t kMaxBytes = 0xFFFFFFFF;         // places are 32-bit
constexpr std::size_t kSlack = ShortText::kMaxBytes;  // bytes that a look-up reads past a word
constexpr std::size_t kLongChunk = 4096;  // a text without blanks is normalised in pieces of about this size

bool is_alnum(std::size_t byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

/// Eight ASCII bytes at once: 0x20 is set in those from 'A' to 'Z'.
std::uint64_t to_lower_ascii(std::uint64_t bytes) {
  constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
  const std::uint64_t from_a = bytes + kOnes * (0x80 - 'A');
  const std::uint64_t past_z = bytes + kOnes * (0x80 - 'Z' - 1);
  return bytes | ((from_a & ~past_z & (kOnes * 0x80)) >> 2);
}

void append_token(TokenizedText& out, std::int32_t id, ByteSpan span, std::int32_t word) {
  out.ids.push_back(id);
  out.spans.push_back(span);
  out.words.push_back(word);
}

/// Code points in `n` bytes of valid UTF-8.
std::size_t count_leads(const char* bytes, std::size_t n) {
  return static_cast<std::size_t>(
      std::count_if(bytes, bytes + n, [](char c) { return (static_cast<std::uint8_t>(c) & 0xC0) != 0x80; }));
}

}  // namespace

Splitter::Splitter(SplitterParts parts, const Vocabulary& vocabulary)
    : parts_(std::move(parts)), vocabulary_(vocabulary) {
  const Normalizer& normalizer = parts_.normalizer;
  fast_ = parts_.splits_words && parts_.normalized_tokens.empty() && !normalizer.has(StepKind::kReplace);
  lowers_ = normalizer.has(StepKind::kLower);
  spaces_cjk_ = normalizer.has(StepKind::kSpaceCjk);
  cleans_ = normalizer.has(StepKind::kClean);
  kinds_.fill(ByteKind::kOther);
  punctuation_ids_.fill(parts_.unknown_id);
  for (std::size_t byte = 0; byte < 128; ++byte) {
    if (is_alnum(byte)) kinds_[byte] = ByteKind::kWord;
    if (!unicode::is_punctuation(static_cast<char32_t>(byte))) continue;
    kinds_[byte] = ByteKind::kPunctuation;
    const char text = static_cast<char>(byte);
    const PieceMatch match = vocabulary_.starts().longest(std::string(1, text).append(kSlack, '\0').data(), 1);
    if (match.bytes == 1 && parts_.max_word_chars >= 1) punctuation_ids_[byte] = match.id;
  }
  for (const char space : {' ', '\t', '\n', '\r'}) kinds_[static_cast<std::uint8_t>(space)] = ByteKind::kSpace;
}

/// Adds the added tokens of `text` and hands what lies between to `segment(text, base)`.
template <typename Segment>
void Splitter::for_each_segment(std::string_view text, SpecialsInText specials, Scratch& scratch, TokenizedText& out,
                                Segment segment) const {
  SPANQA_CHECK(text.size() <= kMaxBytes);
  const bool with_special = specials == SpecialsInText::kMatch;
  if (parts_.raw_tokens.empty() || (!with_special && parts_.raw_tokens.has_only_special())) {
    segment(text, std::uint32_t{0});
    return;
  }
  parts_.raw_tokens.find(text, with_special, scratch.raw_matches);
  std::size_t at = 0;
  for (const AddedMatch& match : scratch.raw_matches) {
    segment(text.substr(at, match.begin - at), static_cast<std::uint32_t>(at));
    append_token(out, match.id, {static_cast<std::uint32_t>(match.begin), static_cast<std::uint32_t>(match.end)},
                 scratch.n_words++);
    at = match.end;
  }
  segment(text.substr(at), static_cast<std::uint32_t>(at));
}

void Splitter::run(std::string_view text, SpecialsInText specials, TokenizedText& out) const {
  if (!fast_) return run_ref(text, specials, out);
  Scratch scratch;
  const std::size_t expected = out.size() + text.size() / 3 + 8;  // English has 4.3 bytes to a token
  out.ids.reserve(expected);
  out.spans.reserve(expected);
  out.words.reserve(expected);
  for_each_segment(text, specials, scratch, out,
                   [&](std::string_view segment, std::uint32_t base) { append_fast(segment, base, scratch, out); });
}

void Splitter::run_ref(std::string_view text, SpecialsInText specials, TokenizedText& out) const {
  Scratch scratch;
  for_each_segment(text, specials, scratch, out, [&](std::string_view segment, std::uint32_t base) {
    append_plain(segment, base, specials == SpecialsInText::kMatch, scratch, out);
  });
}

void Splitter::append_plain(std::string_view text, std::uint32_t base, bool with_special, Scratch& scratch,
                            TokenizedText& out) const {
  scratch.chars.clear();
  append_chars(text, base, scratch.chars);
  parts_.normalizer.apply(scratch.chars, scratch.normalizer);
  if (parts_.normalized_tokens.empty()) {
    append_words(scratch.chars, scratch, out);
  } else {
    append_normalized(with_special, scratch, out);
  }
}

/// append_words() around the added tokens that are looked for in the normalised text.
void Splitter::append_normalized(bool with_special, Scratch& scratch, TokenizedText& out) const {
  std::string bytes;
  for (const TextChar& c : scratch.chars) append_utf8(bytes, c.value);
  parts_.normalized_tokens.find(bytes, with_special, scratch.normalized_matches);
  const std::span<const TextChar> chars(scratch.chars);
  std::size_t at_byte = 0;
  std::size_t at = 0;
  for (const AddedMatch& match : scratch.normalized_matches) {
    const std::size_t begin = at + count_leads(bytes.data() + at_byte, match.begin - at_byte);
    const std::size_t end = begin + count_leads(bytes.data() + match.begin, match.end - match.begin);
    append_words(chars.subspan(at, begin - at), scratch, out);
    append_token(out, match.id, {chars[begin].begin, chars[end - 1].end}, scratch.n_words++);
    at_byte = match.end;
    at = end;
  }
  append_words(chars.subspan(at), scratch, out);
}

void Splitter::append_words(std::span<const TextChar> chars, Scratch& scratch, TokenizedText& out) const {
  if (!parts_.splits_words) {
    if (!chars.empty()) append_word(chars, scratch, out);
    return;
  }
  constexpr std::uint8_t kEnds = unicode::kSpace | unicode::kPunctuation;
  for (std::size_t i = 0; i < chars.size();) {
    const std::uint8_t flags = unicode::flags_of(chars[i].value);
    if ((flags & unicode::kSpace) != 0) {
      ++i;
      continue;
    }
    std::size_t end = i + 1;
    if ((flags & unicode::kPunctuation) == 0) {
      while (end < chars.size() && (unicode::flags_of(chars[end].value) & kEnds) == 0) ++end;
    }
    append_word(chars.subspan(i, end - i), scratch, out);
    i = end;
  }
}

void Splitter::append_word(std::span<const TextChar> chars, Scratch& scratch, TokenizedText& out) const {
  const std::int32_t word = scratch.n_words++;
  const auto append_unknown = [&] {
    append_token(out, parts_.unknown_id, {chars.front().begin, chars.back().end}, word);
  };
  if (chars.size() > parts_.max_word_chars) return append_unknown();
  scratch.bytes.clear();
  for (const TextChar& c : chars) append_utf8(scratch.bytes, c.value);
  const std::size_t length = scratch.bytes.size();
  scratch.bytes.append(kSlack, '\0');
  scratch.pieces.clear();
  if (!split_long(scratch.bytes.data(), length, scratch.pieces)) return append_unknown();
  const char* at = scratch.bytes.data();
  std::size_t first = 0;
  for (const PieceMatch& piece : scratch.pieces) {
    const std::size_t last = first + count_leads(at, piece.bytes) - 1;
    append_token(out, piece.id, {chars[first].begin, chars[last].end}, word);
    at += piece.bytes;
    first = last + 1;
  }
}

void Splitter::append_fast(std::string_view text, std::uint32_t base, Scratch& scratch, TokenizedText& out) const {
  const auto kind_at = [&](std::size_t i) { return kinds_[static_cast<std::uint8_t>(text[i])]; };
  for (std::size_t i = 0; i < text.size();) {
    const ByteKind kind = kind_at(i);
    const auto place = base + static_cast<std::uint32_t>(i);
    if (kind == ByteKind::kSpace) {
      ++i;
      continue;
    }
    if (kind == ByteKind::kPunctuation) {
      append_token(out, punctuation_ids_[static_cast<std::uint8_t>(text[i])], {place, place + 1}, scratch.n_words++);
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && kind_at(end) == ByteKind::kWord) ++end;
    if (end < text.size() && kind_at(end) == ByteKind::kOther) {
      end = chunk_end(text, i);
      append_plain(text.substr(i, end - i), place, false, scratch, out);
    } else {
      append_ascii_word(text, {static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(end)}, base, scratch, out);
    }
    i = end;
  }
}

/// End of the piece from `begin` that can be normalised without its neighbours: an ASCII blank or mark, which nothing
/// changes or moves, or far into a text without any, a character of which the same is known.
std::size_t Splitter::chunk_end(std::string_view text, std::size_t begin) const {
  std::size_t end = begin;
  while (end < text.size()) {
    const ByteKind kind = kinds_[static_cast<std::uint8_t>(text[end])];
    if (kind == ByteKind::kSpace || kind == ByteKind::kPunctuation) break;
    if (end - begin < kLongChunk) {
      ++end;
      continue;
    }
    const CodePoint c = decode_utf8(text, end);
    if (surely_begins_word(c.value)) break;
    end += c.bytes;
  }
  return end;
}

bool Splitter::surely_begins_word(char32_t c) const {
  if (spaces_cjk_ && unicode::is_cjk(c)) return true;
  const std::uint8_t flags = unicode::flags_of(c);
  if (cleans_ && (flags & unicode::kRemoved) != 0) return false;
  return (flags & (unicode::kSpace | unicode::kPunctuation)) != 0 && !unicode::nfd_may_change(c);
}

void Splitter::append_ascii_word(std::string_view text, ByteSpan word, std::uint32_t base, Scratch& scratch,
                                 TokenizedText& out) const {
  const std::uint32_t length = word.end - word.begin;
  const std::int32_t number = scratch.n_words++;
  const std::uint32_t begin = base + word.begin;
  const auto append_unknown = [&] { append_token(out, parts_.unknown_id, {begin, begin + length}, number); };
  if (length > parts_.max_word_chars) return append_unknown();

  scratch.pieces.clear();
  bool known = false;
  if (length <= ShortText::kMaxBytes) {
    const ShortText key = load_word(text, word.begin, length);
    const PieceMatch whole = vocabulary_.starts().longest(key, length);
    if (whole.bytes == length) return append_token(out, whole.id, {begin, begin + length}, number);
    if (whole.bytes == 0) return append_unknown();
    scratch.pieces.push_back(whole);
    known = split_short(key.without(whole.bytes), length - whole.bytes, scratch.pieces);
  } else {
    scratch.bytes.assign(text.substr(word.begin, length));
    if (lowers_) {
      for (char& c : scratch.bytes) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
      }
    }
    scratch.bytes.append(kSlack, '\0');
    known = split_long(scratch.bytes.data(), length, scratch.pieces);
  }
  if (!known) return append_unknown();
  std::uint32_t at = begin;
  for (const PieceMatch& piece : scratch.pieces) {
    append_token(out, piece.id, {at, at + piece.bytes}, number);
    at += piece.bytes;
  }
}

/// The word of at most 16 ASCII letters and digits at `begin`, lower-cased if that is to be.
inline ShortText Splitter::load_word(std::string_view text, std::size_t begin, std::uint32_t length) const {
  char bytes[kSlack] = {};
  const char* from = text.data() + begin;
  if (begin + kSlack > text.size()) from = static_cast<const char*>(std::memcpy(bytes, from, length));
  const ShortText word = ShortText::load(from, length);
  return lowers_ ? ShortText{to_lower_ascii(word.low), to_lower_ascii(word.high)} : word;
}

/// Pieces that go on with a word until `rest` is used up; false if they cannot.
bool Splitter::split_short(ShortText rest, std::uint32_t length, std::vector<PieceMatch>& pieces) const {
  while (length > 0) {
    const PieceMatch piece = vocabulary_.continuations().longest(rest, length);
    if (piece.bytes == 0) return false;
    pieces.push_back(piece);
    rest = rest.without(piece.bytes);
    length -= piece.bytes;
  }
  return true;
}

bool Splitter::split_long(const char* word, std::size_t length, std::vector<PieceMatch>& pieces) const {
  for (std::size_t at = 0; at < length;) {
    const PieceTable& table = at == 0 ? vocabulary_.starts() : vocabulary_.continuations();
    const PieceMatch piece = table.longest(word + at, length - at);
    if (piece.bytes == 0) return false;
    pieces.push_back(piece);
    at += piece.bytes;
  }
  return true;
}

}  // namespace spanqa

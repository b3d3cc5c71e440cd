#include "text/normalizer.h"

#include <algorithm>

#include "base/utf8.h"

namespace spanqa {
namespace {

using Kind = NormalizerStep::Kind;

void clean(std::vector<TextChar>& chars) {
  std::size_t kept = 0;
  for (TextChar c : chars) {
    const std::uint8_t flags = unicode::flags_of(c.value);
    if ((flags & unicode::kRemoved) != 0) continue;  // before white space is looked at: U+0085 is both
    if ((flags & unicode::kSpace) != 0) c.value = U' ';
    chars[kept++] = c;
  }
  chars.resize(kept);
}

void space_cjk(std::vector<TextChar>& chars, std::vector<TextChar>& out) {
  if (std::ranges::none_of(chars, [](const TextChar& c) { return unicode::is_cjk(c.value); })) return;
  out.clear();
  for (const TextChar& c : chars) {
    const bool cjk = unicode::is_cjk(c.value);
    if (cjk) out.push_back({U' ', c.begin, c.end});
    out.push_back(c);
    if (cjk) out.push_back({U' ', c.begin, c.end});
  }
  chars.swap(out);
}

void drop(std::vector<TextChar>& chars, std::uint8_t flag) {
  std::erase_if(chars, [flag](const TextChar& c) { return (unicode::flags_of(c.value) & flag) != 0; });
}

void to_lower(std::vector<TextChar>& chars, std::vector<TextChar>& out) {
  constexpr char32_t kCapitalDottedI = 0x130;  // the one character that becomes two
  if (std::ranges::any_of(chars, [](const TextChar& c) { return c.value == kCapitalDottedI; })) {
    out.clear();
    for (const TextChar& c : chars) {
      out.push_back(c);
      if (c.value != kCapitalDottedI) continue;
      TextChar second = c;
      out.back().value = unicode::lower(c.value, second.value);
      out.push_back(second);
    }
    chars.swap(out);
  }
  char32_t unused = 0;
  for (TextChar& c : chars) c.value = unicode::lower(c.value, unused);
}

/// Puts each run of combining characters (between two starters) into canonical order, first come first within a class.
void order_marks(NormalizerScratch& s) {
  const auto is_mark = [](const unicode::Decomposed& part) { return part.order != 0; };
  const auto by_order = [](const unicode::Decomposed& a, const unicode::Decomposed& b) { return a.order < b.order; };
  for (auto begin = s.parts.begin();;) {
    begin = std::find_if(begin, s.parts.end(), is_mark);
    if (begin == s.parts.end()) return;
    const auto end = std::find_if_not(begin, s.parts.end(), is_mark);
    if (!std::is_sorted(begin, end, by_order)) {
      s.run.clear();
      for (auto at = begin; at != end; ++at) s.run.emplace_back((std::uint64_t{at->order} << 56) | s.run.size(), *at);
      std::ranges::sort(s.run, {}, [](const auto& item) { return item.first; });
      std::ranges::transform(s.run, begin, [](const auto& item) { return item.second; });
    }
    begin = end;
  }
}

void decompose(std::vector<TextChar>& chars, NormalizerScratch& s) {
  if (std::ranges::none_of(chars, [](const TextChar& c) { return unicode::nfd_may_change(c.value); })) return;
  s.parts.clear();
  for (const TextChar& c : chars) unicode::append_decomposition(c.value, s.parts);
  order_marks(s);
  // Places are dealt out in the order characters come out of the sort, not carried along with them: so the reference.
  s.other.clear();
  std::size_t next = 0;
  for (const unicode::Decomposed& part : s.parts) {
    if (part.is_first) ++next;
    const TextChar& source = chars[next == 0 ? 0 : next - 1];
    s.other.push_back({part.value, source.begin, source.end});
  }
  chars.swap(s.other);
}

void replace(std::vector<TextChar>& chars, const NormalizerStep& step, std::vector<TextChar>& out) {
  out.clear();
  const std::u32string& pattern = step.pattern;
  const auto same = [](const TextChar& c, char32_t p) { return c.value == p; };
  for (auto at = chars.begin();;) {
    const auto hit = std::search(at, chars.end(), pattern.begin(), pattern.end(), same);
    out.insert(out.end(), at, hit);
    if (hit == chars.end()) break;
    at = hit + static_cast<std::ptrdiff_t>(pattern.size());
    const TextChar last = *(at - 1);  // what is put in has the place of the last character taken out
    for (const char32_t c : step.content) out.push_back({c, last.begin, last.end});
  }
  chars.swap(out);
}

}  // namespace

void Normalizer::apply(std::vector<TextChar>& chars, NormalizerScratch& scratch) const {
  for (const NormalizerStep& step : steps_) {
    switch (step.kind) {
      case Kind::kClean:
        clean(chars);
        break;
      case Kind::kSpaceCjk:
        space_cjk(chars, scratch.other);
        break;
      case Kind::kDecompose:
        decompose(chars, scratch);
        break;
      case Kind::kStripAccent:
        drop(chars, unicode::kNonspacing);
        break;
      case Kind::kStripMarks:
        drop(chars, unicode::kMark);
        break;
      case Kind::kLower:
        to_lower(chars, scratch.other);
        break;
      case Kind::kReplace:
        replace(chars, step, scratch.other);
        break;
    }
  }
}

std::string Normalizer::apply_to(std::string_view text) const {
  std::vector<TextChar> chars;
  NormalizerScratch scratch;
  append_chars(text, 0, chars);
  apply(chars, scratch);
  std::string out;
  for (const TextChar& c : chars) append_utf8(out, c.value);
  return out;
}

bool Normalizer::has(NormalizerStep::Kind kind) const {
  return std::ranges::any_of(steps_, [kind](const NormalizerStep& step) { return step.kind == kind; });
}

void append_chars(std::string_view text, std::uint32_t base, std::vector<TextChar>& out) {
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = decode_utf8(text, i);
    const std::uint32_t begin = base + static_cast<std::uint32_t>(i);
    out.push_back({c.value, begin, begin + c.bytes});
    i += c.bytes;
  }
}

}  // namespace spanqa

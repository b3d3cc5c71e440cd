#include "text/normalizer.h"

#include <algorithm>
#include <numeric>

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
  const std::size_t n = s.parts.size();
  for (std::size_t i = 0; i < n;) {
    if (s.parts[i].order == 0) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < n && s.parts[end].order != 0) ++end;
    const auto by_order = [&s](std::size_t a, std::size_t b) { return s.parts[a].order < s.parts[b].order; };
    s.order.resize(end - i);
    std::iota(s.order.begin(), s.order.end(), i);
    if (!std::ranges::is_sorted(s.order, by_order)) {
      std::ranges::stable_sort(s.order, by_order);
      std::vector<unicode::Decomposed> parts;
      std::vector<std::uint8_t> inserted;
      for (const std::size_t from : s.order) {
        parts.push_back(s.parts[from]);
        inserted.push_back(s.inserted[from]);
      }
      std::ranges::copy(parts, s.parts.begin() + static_cast<std::ptrdiff_t>(i));
      std::ranges::copy(inserted, s.inserted.begin() + static_cast<std::ptrdiff_t>(i));
    }
    i = end;
  }
}

void decompose(std::vector<TextChar>& chars, NormalizerScratch& s) {
  if (std::ranges::none_of(chars, [](const TextChar& c) { return unicode::nfd_may_change(c.value); })) return;
  s.parts.clear();
  s.inserted.clear();
  for (const TextChar& c : chars) {
    unicode::append_decomposition(c.value, s.parts);
    s.inserted.push_back(0);
    s.inserted.resize(s.parts.size(), 1);
  }
  order_marks(s);
  // Places are dealt out in the order characters come out of the sort, not carried along with them: so the reference.
  s.other.clear();
  std::size_t next = 0;
  for (std::size_t i = 0; i < s.parts.size(); ++i) {
    if (s.inserted[i] == 0) ++next;
    const TextChar& source = chars[next == 0 ? 0 : next - 1];
    s.other.push_back({s.parts[i].value, source.begin, source.end});
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

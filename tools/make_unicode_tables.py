#!/usr/bin/env python3
"""Writes src/text/unicode_tables.cc: what each code point is to the reference tokenizer.

The reference mixes two generations of Unicode (2016 categories for marks, punctuation and control characters; newer
data for decomposition, case and white space), and no published data file is that mixture. So the tables are measured:
every code point is put through the reference's own parts, and what comes out is written down. The golden sweeps, which
hash every code point, are the independent check.

    pip install tokenizers==0.22.2
    tools/make_unicode_tables.py > src/text/unicode_tables.cc
"""
import sys

from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

ALL = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
BLOCK = 64

# Bits of a code point's flags; the enumerators of unicode_tables.h.
REMOVED, SPACE, PUNCTUATION, NONSPACING, MARK, WORD, NFD, LOWER = (1 << i for i in range(8))


def bert(**on):
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**off, **on}).normalize_str


def word_probe():
    """A token that is matched only beside characters that are no part of a word."""
    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.add_tokens([AddedToken("x", single_word=True, normalized=False)])
    own = tokenizer.token_to_id("x")
    return lambda c: own not in tokenizer.encode("x" + c).ids


def combining_classes(nfd):
    """Canonical classes by what NFD reorders, as far as the order of any two characters depends on them."""
    overlay, above, last = "\u0334", "\u0301", "\u0345"  # classes 1, 230 and 240, the last of all
    marks = [c for c in ALL if nfd(chr(c)) == chr(c) and
             (nfd(chr(c) + overlay) != chr(c) + overlay or nfd(last + chr(c)) != last + chr(c))]
    marks.append(ord(last))
    # Insertion into a list of groups, each of equal class, in ascending order.
    groups = []
    for mark in sorted(set(marks)):
        low, high = 0, len(groups)
        placed = False
        while low < high:
            middle = (low + high) // 2
            other = chr(groups[middle][0])
            if nfd(chr(mark) + other) != chr(mark) + other:
                low = middle + 1
            elif nfd(other + chr(mark)) != other + chr(mark):
                high = middle
            else:
                groups[middle].append(mark)
                placed = True
                break
        if not placed:
            groups.insert(low, [mark])
    assert any(ord(above) in g for g in groups)
    return {mark: rank for rank, group in enumerate(groups, 1) for mark in group}


def lower_runs(pairs):
    """(first, last, stride, delta) for arithmetic runs of one-to-one mappings."""
    runs = []
    for c, target in pairs:
        delta = target - c
        if runs:
            first, last, stride, run_delta = runs[-1]
            gap = c - last
            if delta == run_delta and gap <= 2 and (first == last or gap == stride):
                runs[-1] = (first, c, gap, delta)
                continue
        runs.append((c, c, 1, delta))
    return runs


def emit(name, ctype, items, per_line):
    print(f"const {ctype} {name}[{len(items)}] = {{")
    for i in range(0, len(items), per_line):
        print("    " + ", ".join(items[i:i + per_line]) + ",")
    print("};\n")


def main():
    clean, accents = bert(clean_text=True), bert(strip_accents=True)
    nfd, lower = normalizers.NFD().normalize_str, normalizers.Lowercase().normalize_str
    strip = normalizers.StripAccents().normalize_str
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    in_word = word_probe()

    flags, decompositions, lowers, specials = {}, {}, [], []
    for c in ALL:
        s = chr(c)
        bits = 0
        if clean("a" + s + "b") == "ab":
            bits |= REMOVED
        pieces = [piece for piece, _ in split("a" + s + "b")]
        if pieces == ["a", "b"]:
            bits |= SPACE
        elif pieces == ["a", s, "b"]:
            bits |= PUNCTUATION
        if strip(s) == "":
            bits |= MARK
        if in_word(s):
            bits |= WORD
        apart = nfd(s)
        if apart != s:
            if not 0xAC00 <= c <= 0xD7A3:  # Hangul syllables are arithmetic
                decompositions[c] = apart
                bits |= NFD
        elif accents(s) == "":
            bits |= NONSPACING
        small = lower(s)
        if small != s:
            bits |= LOWER
            (lowers.append((c, ord(small))) if len(small) == 1 else specials.append((c, small)))
        flags[c] = bits
    assert specials == [(0x130, "i\u0307")], specials
    classes = combining_classes(nfd)
    for c in classes:
        flags[c] |= NFD

    stage1, blocks, seen = [], [], {}
    assert not any(flags[c] for c in range(0x40000, 0xE0000)), "planes 4 to 13 are no longer empty"
    for start in [*range(0, 0x40000, BLOCK), *range(0xE0000, 0x110000, BLOCK)]:
        block = tuple(flags.get(c, 0) for c in range(start, start + BLOCK))
        if block not in seen:
            seen[block] = len(blocks)
            blocks.append(block)
        stage1.append(seen[block])

    pool, entries = "", []
    for c in sorted(set(decompositions) | set(classes)):
        text = decompositions.get(c, "")
        at = pool.find(text)
        if at < 0:
            at = len(pool)
            pool += text
        entries.append(f"{{0x{c:X}, {at}, {len(text)}, {classes.get(c, 0)}}}")

    print("// Generated by tools/make_unicode_tables.py: do not edit. See there for what the numbers are.")
    print('#include "text/unicode_tables.h"\n')
    print("// clang-format off")
    print("namespace spanqa::unicode {\n")
    print(f"static_assert(kBlockSize == {BLOCK});\n")
    assert len(stage1) == 0x70000 // BLOCK
    emit("kStage1", "std::uint16_t", [str(i) for i in stage1], 28)
    emit("kBlocks", "std::uint8_t", [str(b) for block in blocks for b in block], 32)
    print(f"const std::size_t kDecompositionCount = {len(entries)};")
    emit("kDecompositions", "Decomposition", entries, 6)
    emit("kDecomposed", "char32_t", [f"0x{ord(c):X}" for c in pool], 16)
    runs = lower_runs(lowers)
    print(f"const std::size_t kLowerRunCount = {len(runs)};")
    emit("kLowerRuns", "LowerRun", [f"{{0x{a:X}, 0x{b:X}, {s}, {d}}}" for a, b, s, d in runs], 6)
    print("}  // namespace spanqa::unicode")
    print(f"{len(blocks)} blocks, {len(entries)} decompositions, {len(pool)} pool, {len(runs)} runs", file=sys.stderr)


if __name__ == "__main__":
    main()

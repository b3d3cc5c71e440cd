#!/usr/bin/env python3
"""Writes src/qa/python_unicode_tables.cc: what str.lower, str.isalnum and str.split know of Unicode.

Run it with CPython 3.11 (Unicode 14), the version the metric is pinned to:
    python3.11 tools/make_python_unicode.py > src/qa/python_unicode_tables.cc
Everything is read off the interpreter's own string methods, so the tables are what Python does, not what a
data file says it should do.
"""
import sys
import unicodedata

if unicodedata.unidata_version != "14.0.0":
    sys.exit(f"needs Unicode 14.0.0 (CPython 3.11), this interpreter has {unicodedata.unidata_version}")

POINTS = [c for c in range(0x80, 0x110000) if not 0xD800 <= c <= 0xDFFF]


def ranges(predicate):
    out = []
    for c in POINTS:
        if not predicate(chr(c)):
            continue
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def after(text):
    """Whether a capital sigma after `text` is lowered as a final one."""
    return (text + "\u03a3").lower()[-1] == "\u03c2"


def is_ignorable(c):
    return after("A" + c) and not after(c)


def is_cased(c):
    return after(c)


def lower_runs():
    """[first, last, step, delta]: c -> c + delta for every step-th code point from first to last."""
    pairs = []
    for c in POINTS:
        low = chr(c).lower()
        if c == 0x3A3 or low == chr(c):
            continue
        if len(low) > 1:
            assert c == 0x130, hex(c)  # the one code point that becomes two
            continue
        pairs.append((c, ord(low) - c))
    runs = []
    for c, delta in pairs:
        if runs and runs[-1][3] == delta:
            first, last, step, _ = runs[-1]
            gap = c - last
            if gap <= 2 and (first == last or gap == step):
                runs[-1][1:3] = [c, gap]
                continue
        runs.append([c, c, 1, delta])
    return runs


def write_rows(name, kind, rows, per_line):
    print(f"\nconst std::array<{kind}, {len(rows)}> {name} = {{{{")
    for i in range(0, len(rows), per_line):
        print("    " + " ".join("{" + ", ".join(r) + "}," for r in rows[i:i + per_line]))
    print("}};")


def pairs(rows):
    return [(f"0x{a:X}", f"0x{b:X}") for a, b in rows]


lower = [(f"0x{a:X}", f"0x{b:X}", str(s), str(d)) for a, b, s, d in lower_runs()]
tables = [
    ("kAlnum", "UnicodeRange", pairs(ranges(str.isalnum)), 5),
    ("kCased", "UnicodeRange", pairs(ranges(lambda c: is_cased(c))), 5),
    ("kCaseIgnorable", "UnicodeRange", pairs(ranges(is_ignorable)), 5),
    ("kLower", "LowerRun", lower, 4),
]
if len(sys.argv) > 1 and sys.argv[1] == "--header":
    for name, kind, rows, _ in tables:
        print(f"extern const std::array<{kind}, {len(rows)}> {name};")
    sys.exit(0)
print("""// Made by tools/make_python_unicode.py from CPython 3.11 (Unicode 14.0.0); do not edit.
// clang-format off
#include "qa/python_unicode_tables.h"

namespace spanqa::python_unicode {""")
for table in tables:
    write_rows(*table)
print("\n}  // namespace spanqa::python_unicode")

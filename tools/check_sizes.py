#!/usr/bin/env python3
"""Fails where a file, a function or a parameter list has grown too long, or a room has too few tests.

Function lengths and parameters need Universal Ctags and are left out without it. A table written by a generator says so
in its first lines with `spanqa: generated` and may be as long as it is.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys

MAX_LINES = {".cc": 800, ".h": 400}
MAX_FUNCTION_LINES = 120
MAX_PARAMETERS = 8
MIN_TEST_SHARE = 0.4  # lines of *_test.cc over the other lines of a room
TESTED_FROM_OUTSIDE = {"cli"}  # programs: their tests stand in tests/
GENERATED = "spanqa: generated"
FOLDERS = ["src", "tests", "fuzz", "bench", "examples"]


def is_generated(text):
    return any(GENERATED in line for line in text.splitlines()[:5])


def sources(root):
    files = [p for folder in FOLDERS for p in (root / folder).rglob("*") if p.suffix in MAX_LINES]
    return sorted(p for p in files if not is_generated(p.read_text(errors="replace")))


def file_faults(root, files):
    faults = []
    for path in files:
        n, limit = path.read_text(errors="replace").count("\n"), MAX_LINES[path.suffix]
        if n > limit:
            faults.append(f"{path.relative_to(root)}: {n} lines, at most {limit}; two things in one file?")
    return faults


def test_share_faults(root, files):
    faults = []
    for room in sorted(p for p in (root / "src").iterdir() if p.is_dir() and p.name not in TESTED_FROM_OUTSIDE):
        counts = {True: 0, False: 0}
        mine = [p for p in files if room in p.parents]
        if not any(p.suffix == ".cc" and not p.stem.endswith("_test") for p in mine):
            continue  # contracts only, so far
        for path in mine:
            counts[path.stem.endswith("_test")] += path.read_text(errors="replace").count("\n")
        if counts[True] < MIN_TEST_SHARE * counts[False]:
            faults.append(f"{room.relative_to(root)}: {counts[True]} lines of tests for {counts[False]} of code, "
                          f"at least {MIN_TEST_SHARE:g} times as many are wanted")
    return faults


def count_parameters(signature):
    """Top-level commas of `(int a, std::map<int, int> b)` plus one."""
    inner = signature.strip()
    inner = inner[1:inner.rfind(")")].strip() if inner.startswith("(") else ""
    if not inner or inner == "void":
        return 0
    depth, n = 0, 1
    for character in inner:
        if character in "([{<":
            depth += 1
        elif character in ")]}>":
            depth -= 1
        elif character == "," and depth == 0:
            n += 1
    return n


def has_universal_ctags():
    if not shutil.which("ctags"):
        return False
    features = subprocess.run(["ctags", "--list-features"], capture_output=True, text=True, check=False).stdout
    return "json" in features


def functions(files):
    """Rows of ctags for every function: path, line, end, name, signature."""
    out = subprocess.run(["ctags", "--languages=C++", "--langmap=C++:+.h", "--kinds-C++=f", "--fields=+neKS",
                          "--output-format=json", "-f", "-", "-L", "-"],
                         input="\n".join(map(str, files)), capture_output=True, text=True, check=True).stdout
    rows = [json.loads(line) for line in out.splitlines()]
    return [row for row in rows if row.get("kind") == "function" and "end" in row]


def function_faults(root, rows):
    faults = []
    for row in rows:
        place = f"{pathlib.Path(row['path']).relative_to(root)}:{row['line']}: {row['name']}"
        n_lines, n_parameters = row["end"] - row["line"] + 1, count_parameters(row.get("signature", ""))
        if n_lines > MAX_FUNCTION_LINES:
            faults.append(f"{place} has {n_lines} lines, at most {MAX_FUNCTION_LINES}")
        if n_parameters > MAX_PARAMETERS:
            faults.append(f"{place} takes {n_parameters} parameters, at most {MAX_PARAMETERS}; a struct?")
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[1])
    root = parser.parse_args().root.resolve()
    files = sources(root)
    faults = file_faults(root, files) + test_share_faults(root, files)
    if has_universal_ctags():
        rows = functions(files)
        faults += function_faults(root, rows)
        note = f"{len(rows)} functions"
    else:
        note = "functions not measured: universal-ctags is not installed"
    print("\n".join(faults) if faults else f"{len(files)} files within limits; {note}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

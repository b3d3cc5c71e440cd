#!/usr/bin/env python3
"""Fails on text that should not land: unfinished marks, what a merge left over, paths of one machine, stray blanks,
documents that lie.

A document lies when it names a make target, a preset, a file or (with --program) a subcommand that does not exist.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

MARKS = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK"]) + r")\b")
MACHINE_PATHS = re.compile(r"(?:^|[^.\w])/(?:wo" + r"rk|fa" + r"rm|ho" + r"me|ro" + r"ot)/")
# A row of seven "=" is left out: it underlines a heading in Markdown, and never stands without these.
LEFT_BY_A_MERGE = re.compile(r"^(?:<{7}|>{7}|\|{7})(?: .*)?$", flags=re.M)
CODE = {".cc", ".h", ".cmake", ".py", ".sh", ".txt", ".json", ".yml", ".in", ".bash"}
# Data keeps its own bytes, whatever they are.
DATA = ("models/", "tests/fixtures/", "tests/golden/", "fuzz/corpus/", "examples/data/", "LICENSE")
DOCUMENTS = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/*.md"]


def tracked_files(root):
    """What git tracks, or, in an unpacked archive, everything outside build/."""
    done = subprocess.run(["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                          capture_output=True, check=False)
    if done.returncode == 0 and done.stdout:
        names = done.stdout.decode().split("\0")
    else:
        names = [os.path.relpath(os.path.join(folder, name), root)
                 for folder, _, files in os.walk(root) for name in files]
    return sorted(n for n in names if n and not n.startswith(("build/", ".git/", ".cache/")) and (root / n).is_file())


def merge_faults(name, text):
    return [f"{name}:{text.count(chr(10), 0, found.start()) + 1}: a conflict that a merge left"
            for found in LEFT_BY_A_MERGE.finditer(text)]


def line_faults(name, text):
    """Faults of one file, line by line."""
    faults = []
    is_markdown, is_makefile = name.endswith(".md"), name == "Makefile"
    for number, line in enumerate(text.split("\n"), 1):
        place = f"{name}:{number}:"
        if name.startswith("src/") and MARKS.search(line):
            faults.append(f"{place} an unfinished mark; finish it, or open an issue and name its number")
        if MACHINE_PATHS.search(line):
            faults.append(f"{place} a path of one machine")
        if "\t" in line and not is_makefile:
            faults.append(f"{place} a tab")
        if line != line.rstrip() and not (is_markdown and line.endswith("  ")):
            faults.append(f"{place} trailing blanks")
    if text and not text.endswith("\n"):
        faults.append(f"{name}: no line end at the end")
    return faults


def fenced(text):
    """Lines inside ``` fences: the commands a reader copies."""
    inside, lines = False, []
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("```"):
            inside = not inside
        elif inside:
            lines.append((number, line))
    return lines


def document_faults(root, name, text, known):
    """`known`: make targets, presets and (or None) subcommands that exist."""
    faults = []
    for number, line in fenced(text):
        place = f"{name}:{number}:"
        for target in re.findall(r"(?:^|[$;&] ?)(?:sudo )?make ([a-z-]+)", line):
            if target not in known["targets"]:
                faults.append(f"{place} there is no `make {target}`")
        for preset in re.findall(r"--preset[ =]([a-z]+)", line):
            if preset not in known["presets"]:
                faults.append(f"{place} there is no preset `{preset}`")
        for command in re.findall(r"(?:^|[|$] ?|/)spanqa ([a-z]+)", line):
            if known["subcommands"] is not None and command not in known["subcommands"]:
                faults.append(f"{place} there is no `spanqa {command}`")
    folder = (root / name).parent
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        target = link.split("#")[0]
        if target and "://" not in target and not target.startswith("mailto:") and not (folder / target).exists():
            faults.append(f"{name}: the link {link} leads nowhere")
    for path in re.findall(r"`((?:tools|cmake|examples|models|docs|tests|fuzz|bench|\.ci)/[\w./-]+)`", text):
        is_pattern = re.search(r"\b[A-Z]+(\b|_)", path)  # fuzz/NAME_fuzz.cc
        if not is_pattern and not (root / path).exists():
            faults.append(f"{name}: {path} does not exist")
    return faults


def subcommands_of(program):
    """First words of the lines below "Subcommands:" in the program's help; None without a program."""
    if program is None or not program.exists():
        return None
    out = subprocess.run([str(program), "--help"], capture_output=True, text=True, check=True).stdout
    below = re.split(r"^subcommands:.*$", out, maxsplit=1, flags=re.M | re.I)
    return set(re.findall(r"^ {2}([a-z][a-z-]*)", below[1], flags=re.M)) if len(below) == 2 else set()


def known_names(root, program=None):
    presets = json.loads((root / "CMakePresets.json").read_text())["configurePresets"]
    return {
        "targets": {name for names in re.findall(r"^([a-z -]+):(?!=)", (root / "Makefile").read_text(), flags=re.M)
                    for name in names.split()},
        "presets": {preset["name"] for preset in presets},
        "subcommands": subcommands_of(program),
    }


def check(root, program=None):
    faults, known = [], known_names(root, program)
    documents = {str(p.relative_to(root)) for pattern in DOCUMENTS for p in root.glob(pattern)}
    for name in tracked_files(root):
        path = root / name
        if name.startswith(DATA):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        faults += merge_faults(name, text)
        if path.suffix not in CODE | {".md"} and path.name not in ("Makefile", "run"):
            continue
        faults += line_faults(name, text)
        if name in documents:
            faults += document_faults(root, name, text, known)
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[1])
    parser.add_argument("--program", type=pathlib.Path, help="the built spanqa: documents may name only its subcommands")
    args = parser.parse_args()
    faults = check(args.root.resolve(), args.program)
    print("\n".join(faults) if faults else "texts are clean, documents name only what exists")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

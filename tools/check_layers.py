#!/usr/bin/env python3
"""Fails on an #include that breaks the order of the rooms below src/.

A room may include itself and rooms of a lower level; never a room of its own level, never one above. Every header is
reached from the root src/ (`#include "qa/reader.h"`), so the build alone would not notice.
"""
import argparse
import pathlib
import re
import sys

LEVELS = [
    ["base"],
    ["text", "nn", "data"],
    ["qa", "retrieval"],
    ["train", "answer"],
    ["serve"],
    ["cli"],
]
LEVEL_OF = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}
SOURCES = {".cc", ".h", ".inc"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def fault_of(room, quote, path):
    """What is wrong with one include of a file in `room`; None where nothing is."""
    parts = path.split("/")
    if ".." in parts or parts[0] == ".":
        return "goes through a relative path; write it from src/"
    if parts[0] == "spanqa" and len(parts) > 1:
        return "names the installed place; write it from src/, without spanqa/"
    if len(parts) < 2 or parts[0] not in LEVEL_OF:
        return None
    if quote == "<":
        return "is one of ours; use quotes"
    other = parts[0]
    if other == room or LEVEL_OF[other] < LEVEL_OF[room]:
        return None
    if LEVEL_OF[other] == LEVEL_OF[room]:
        return f"crosses over: {room} and {other} stand on one level and must not know each other"
    return f"looks up: {other} stands above {room}"


def check(root):
    """All faults below root/src, as lines `file:line: ...`."""
    faults = []
    for folder in sorted(p for p in (root / "src").iterdir() if p.is_dir()):
        room = folder.name
        if room not in LEVEL_OF:
            faults.append(f"{folder.relative_to(root)}: a room that is not in the table of tools/check_layers.py")
            continue
        for file in sorted(p for p in folder.rglob("*") if p.suffix in SOURCES):
            for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
                match = INCLUDE.match(line)
                fault = fault_of(room, *match.groups()) if match else None
                if fault:
                    faults.append(f'{file.relative_to(root)}:{number}: include of "{match.group(2)}" {fault}')
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[1])
    faults = check(parser.parse_args().root)
    print("\n".join(faults) if faults else "every include keeps the order of the rooms")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

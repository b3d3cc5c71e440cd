#!/usr/bin/env python3
"""Fails on a test, example or fuzz source that no CMake target compiles or no CTest test runs.

Reads a configured build tree, built or not: compile_commands.json says which target compiles a file, the
CTestTestfile.cmake files which programs run.
"""
import argparse
import json
import pathlib
import re
import sys

TARGET = re.compile(r"CMakeFiles/([^/ ]+)\.dir/")
ADD_TEST = re.compile(r"^add_test\((.*)\)$", flags=re.M)


def sources(root):
    """Every file that must be a program which some test starts."""
    found = [*root.glob("src/**/*_test.cc"), *root.glob("tests/**/*_test.cc"), *root.glob("fuzz/*_fuzz.cc"),
             *root.glob("examples/*.cc")]
    return sorted(path for path in found)


def targets_by_source(commands):
    """Source path to the names of the targets that compile it."""
    table = {}
    for entry in commands:
        match = TARGET.search(entry.get("output", "") or entry.get("command", ""))
        if match:
            path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
            table.setdefault(path, set()).add(match.group(1))
    return table


def programs_run(build):
    """Names of all words of all test commands: a program may stand behind a script that starts it."""
    lists = "\n".join(path.read_text() for path in build.rglob("CTestTestfile.cmake"))
    words = [word for test in ADD_TEST.findall(lists) for word in re.findall(r'"([^"]*)"', test)]
    return {pathlib.PurePath(word).name for word in words}


def check(root, build):
    commands = json.loads((build / "compile_commands.json").read_text())
    table, programs, faults = targets_by_source(commands), programs_run(build), []
    for path in sources(root):
        name = path.relative_to(root)
        targets = table.get(path.resolve(), set())
        if not targets:
            faults.append(f"{name}: no CMake target compiles it")
        elif not targets & programs:
            faults.append(f"{name}: compiled into {', '.join(sorted(targets))}, but no CTest test runs that")
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path, help="a configured build tree with everything in it")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[1])
    args = parser.parse_args()
    faults = check(args.root, args.build)
    print("\n".join(faults) if faults else f"{len(sources(args.root))} test, example and fuzz sources are all run")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

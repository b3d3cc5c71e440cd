#!/usr/bin/env python3
"""Runs clang-tidy-19 over the sources of a configured build tree, several at a time; any finding fails.

    tidy.py build/tidy [--jobs N] [--minutes M] [PATTERN ..]

Files that are clean are remembered in BUILD/tidy-clean by the hash of everything they were built from, so a second run
looks only at what changed. PATTERN: only sources whose path contains one of them.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

TOOL = "clang-tidy-19"
SKIPPED = 77  # CTest's and .ci/run's "not done here"


def own_files(root):
    """Everything of ours a source can include, and the settings: one hash for all headers."""
    headers = [p for folder in ("src", "tests", "bench", "examples", "fuzz") for p in (root / folder).rglob("*.h")]
    return sorted(headers) + [root / ".clang-tidy"]


def digest(paths):
    state = hashlib.sha256()
    for path in paths:
        state.update(str(path).encode() + b"\0" + path.read_bytes() + b"\0")
    return state.hexdigest()


def sources_of(build, root, patterns):
    """Sources below root that the build compiles, longest first so that no long one runs alone at the end."""
    found = set()
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if root in path.parents and build not in path.parents and path.suffix == ".cc":
            found.add(path)
    if patterns:
        found = {p for p in found if any(pattern in str(p.relative_to(root)) for pattern in patterns)}
    return sorted(found, key=lambda p: (-p.stat().st_size, p))


def run_tidy(build, path):
    begun = time.monotonic()
    done = subprocess.run([TOOL, "--quiet", "-p", str(build), "--extra-arg=-Wno-unknown-warning-option", str(path)],
                          capture_output=True, text=True, check=False)
    return path, done.returncode, done.stdout, done.stderr, time.monotonic() - begun


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("patterns", nargs="*", metavar="PATTERN")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--minutes", type=float, default=15.0, help="start no further file after this long, and fail")
    args = parser.parse_args()
    if not shutil.which(TOOL):
        print(f"{TOOL} is not installed")
        return SKIPPED
    root, build = pathlib.Path(__file__).resolve().parents[1], args.build.resolve()
    clean_folder = build / "tidy-clean"
    clean_folder.mkdir(parents=True, exist_ok=True)
    version = subprocess.run([TOOL, "--version"], capture_output=True, text=True, check=True).stdout
    shared = hashlib.sha256((version + digest(own_files(root))).encode()).hexdigest()
    marks = {path: clean_folder / hashlib.sha256((shared + digest([path])).encode()).hexdigest()
             for path in sources_of(build, root, args.patterns)}
    work = [path for path, mark in marks.items() if not mark.exists()]
    print(f"{len(marks)} sources, {len(marks) - len(work)} known to be clean", flush=True)

    end, n_failed, times = time.monotonic() + 60 * args.minutes, 0, []
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        runs = [pool.submit(lambda p: run_tidy(build, p) if time.monotonic() < end else (p, None, "", "", 0.0), path)
                for path in work]
        for n_done, run in enumerate(concurrent.futures.as_completed(runs), 1):
            path, status, out, err, seconds = run.result()
            name = path.relative_to(root)
            times.append((seconds, name))
            if status == 0:
                marks[path].touch()
            else:
                n_failed += 1
                reason = "not looked at: out of time" if status is None else out or err
                print(f"FAILED: {name}\n{reason}")
            print(f"[{n_done}/{len(work)}] {name} {seconds:.1f} s", flush=True)
    for seconds, name in sorted(times, reverse=True)[:5]:
        print(f"slowest: {seconds:6.1f} s {name}")
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""make lone: HTTP time of a lone question over Reader's time for the same, in one process (bench/serve_lone.cc)."""
import argparse
import json
import os
import subprocess
import sys

import common

MEDIAN_BAR, P99_BAR = 1.15, 1.5
DRIVER = common.ROOT / "build/release/bench/serve_lone"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=2000)
    args = parser.parse_args()
    if not common.dev_file().exists():
        print(f"{common.dev_file()} does not exist: set SPANQA_SHARED", file=sys.stderr)
        return 77
    if not DRIVER.exists():
        print(f"{DRIVER} does not exist: cmake --build --preset release --target serve_lone", file=sys.stderr)
        return 2
    # As `spanqa serve` has it, which sets this for itself before libgomp starts.
    done = subprocess.run([DRIVER, str(args.questions)], check=True, capture_output=True, text=True, cwd=common.ROOT,
                          env={**os.environ, "OMP_WAIT_POLICY": "passive"})
    figures = json.loads(done.stdout)
    median = figures["http_p50_ms"] / figures["reader_p50_ms"]
    p99 = figures["http_p99_ms"] / figures["reader_p99_ms"]
    bars = common.missed(median=median <= MEDIAN_BAR, p99=p99 <= P99_BAR)
    return common.report("lone", bars, median_ratio=median, p99_ratio=p99, **figures)


if __name__ == "__main__":
    sys.exit(main())

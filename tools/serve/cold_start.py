#!/usr/bin/env python3
"""make cold-start: from fork to the first answer over HTTP, on one core with 2 GB.

Connects from the start on, because a client does not see the line that the server prints. Memory is limited by prlimit
(address space), which is stricter than a cgroup's bound of what is resident.
"""
import argparse
import os
import resource
import statistics
import subprocess
import sys
import time

import common

BAR_MS = 150
TWO_GB = 2 << 30


def confine():
    resource.setrlimit(resource.RLIMIT_AS, (TWO_GB, TWO_GB))
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def connected(port, process):
    while True:
        try:
            return common.Connection(port)
        except ConnectionRefusedError:
            if process.poll() is not None:
                raise RuntimeError(f"the server ended with {process.returncode}") from None
            time.sleep(0.001)


def start_once():
    """Milliseconds to the first answer, and to the accepted connection."""
    port = common.free_port()
    command = [str(common.program()), "serve", "--port", str(port), "--no-access-log"]
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=confine, cwd=common.ROOT)
    try:
        with connected(port, process) as connection:
            accepted = time.perf_counter() - begun
            status, body = connection.ask(common.predict())
            while status == 503:  # listening, not yet warm
                status, body = connection.ask(common.predict())
            answered = time.perf_counter() - begun
        if status != 200:
            raise RuntimeError(f"status {status}: {body[:200]!r}")
    finally:
        process.terminate()
        code = process.wait(40)
    if code != 0:
        raise RuntimeError(f"the server ended with {code} after SIGTERM")
    return 1000 * answered, 1000 * accepted


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    times = [start_once() for _ in range(parser.parse_args().runs)]
    answered = [answer for answer, _ in times]
    median = statistics.median(answered)
    return common.report("cold-start", common.missed(median=median <= BAR_MS), runs=len(times), best_ms=min(answered),
                         median_ms=median, accepted_median_ms=statistics.median(a for _, a in times))


if __name__ == "__main__":
    sys.exit(main())

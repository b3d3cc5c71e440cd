#!/usr/bin/env python3
"""make throughput: windows a second by the server's own metric over those of `spanqa bench` on the same questions.

64 keep-alive connections send each question of SQuAD's development set once. The answer cache is off and its hit counter
must read 0; the first questions sent twice with the cache on show the gain that it brings, a row of its own.
"""
import argparse
import json
import subprocess
import sys
import tempfile
import time

import common

BAR = 0.92


def bench_windows_per_second(pairs):
    """Of the same questions: others would be shorter or longer."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as rows:
        for i, (question, context) in enumerate(pairs):
            rows.write(json.dumps({"id": str(i), "question": question, "context": context}) + "\n")
        rows.flush()
        command = [str(common.program()), "bench", rows.name, "--rounds", "1", "--json"]
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=common.ROOT)
    return json.loads(done.stdout)["windows_per_second"]


def send_all(server, requests, connections):
    """(windows read, seconds) of all requests, each once."""
    before = server.metric("spanqa_windows_total")
    begun = time.perf_counter()

    def ask(i):
        with common.Connection(server.port) as connection:
            for request in requests[i::connections]:
                common.timed(connection, request)

    common.in_parallel(connections, ask)
    seconds = time.perf_counter() - begun
    return server.metric("spanqa_windows_total") - before, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=0, help="questions; 0: all")
    parser.add_argument("--cached", type=int, default=2000, help="questions sent twice with the cache on")
    parser.add_argument("--connections", type=int, default=64)
    args = parser.parse_args()
    pairs = common.dev_questions(args.limit)
    requests = [common.predict(*pair) for pair in pairs]
    offline = bench_windows_per_second(pairs)
    with common.Server("--cache-mb", "0") as server:
        windows, seconds = send_all(server, requests, args.connections)
        hits = server.metric("spanqa_cache_hits_total", cache="answers")
    with common.Server() as server:
        repeated = requests[:args.cached]
        send_all(server, repeated, args.connections)
        _, again = send_all(server, repeated, args.connections)
    served = windows / seconds
    ratio = served / offline
    return common.report("throughput", common.missed(ratio=ratio >= BAR, cache_unused=hits == 0), ratio=ratio,
                         served_windows_per_s=served, bench_windows_per_s=offline, questions=len(requests),
                         windows=int(windows), cache_hits=int(hits), questions_per_s=len(requests) / seconds,
                         cached_questions_per_s=len(repeated) / again)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""make overload: open-loop load (vegeta) at ten times what the server can do, with a deadline of a second.

Capacity is measured first, in the same process of the server: windows a second under 16 connections that wait for their
answers. Under overload what counts is windows of 200s within the deadline; a 200 later than the deadline and what
loopback costs is "late". vegeta runs on the same cores, which lowers what the server has; nothing corrects for it.
"""
import argparse
import base64
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import time

import common

DEADLINE_S = 1.0
LATE_S = DEADLINE_S + 0.05  # what writing and reading an answer may cost on a busy machine


def windows_total(server):
    return server.metric("spanqa_windows_total")


def capacity(server, requests, seconds):
    """(windows, answered questions) a second while 16 connections wait for answers. The windows are those read."""
    before, begun = windows_total(server), time.perf_counter()
    end = begun + seconds

    def ask(i):
        count = 0
        with common.Connection(server.port) as connection:
            asked = i
            while time.perf_counter() < end:
                status, _ = connection.ask(requests[asked % len(requests)])
                count, asked = count + (status == 200), asked + 16
        return count

    questions = sum(common.in_parallel(16, ask))
    seconds = time.perf_counter() - begun
    return (windows_total(server) - before) / seconds, questions / seconds


def attack(server, pairs, rate, seconds):
    """vegeta's results: [{code, latency in s, sent at in s}]."""
    with tempfile.TemporaryDirectory() as folder:
        targets, results = pathlib.Path(folder, "targets"), pathlib.Path(folder, "results")
        with targets.open("w") as file:
            for question, context in pairs:
                body = json.dumps({"question": question, "context": context}).encode()
                file.write(json.dumps({"method": "POST", "url": server.url + "/predict",
                                       "header": {"Content-Type": ["application/json"]},
                                       "body": base64.b64encode(body).decode()}) + "\n")
        subprocess.run([common.vegeta(), "attack", "-format=json", f"-targets={targets}", f"-rate={rate}/s",
                        f"-duration={seconds}s", "-timeout=10s", "-max-body=0", f"-output={results}"], check=True)
        encoded = subprocess.run([common.vegeta(), "encode", "-to=csv", str(results)], check=True, capture_output=True,
                                 text=True).stdout
    rows = [line.split(",", 3) for line in encoded.splitlines()]
    return [{"code": int(code), "latency": int(latency) / 1e9, "at": int(at) / 1e9} for at, code, latency, _ in rows]


def p50(server, requests):
    """Seconds; infinite where half of the requests are refused."""

    def seconds(connection, request):
        begun = time.perf_counter()
        status, _ = connection.ask(request)
        return time.perf_counter() - begun if status == 200 else math.inf

    with common.Connection(server.port) as connection:
        return common.percentile([seconds(connection, request) for request in requests], 0.5)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--capacity-seconds", type=int, default=10)
    parser.add_argument("--quiet-questions", type=int, default=100)
    parser.add_argument("--times", type=float, default=10, help="of capacity")
    args = parser.parse_args()
    common.vegeta()  # built before anything is measured
    pairs = common.dev_questions(2000)
    requests = [common.predict(*pair) for pair in pairs]
    with common.Server("--deadline-ms", str(int(1000 * DEADLINE_S)), "--cache-mb", "0") as server:
        full, questions = capacity(server, requests, args.capacity_seconds)
        before = windows_total(server)
        quiet_p50, quiet_mb = p50(server, requests[:args.quiet_questions]), server.resident_mb()
        before_attack = windows_total(server)
        windows_each = (before_attack - before) / args.quiet_questions
        results = attack(server, pairs, max(1, round(args.times * questions)), args.seconds)
        loaded_mb, windows_read = server.resident_mb(), windows_total(server) - before_attack
        time.sleep(1)
        after_p50 = p50(server, requests[-20:])
    return judge(results, full, windows_each, args.seconds, quiet_mb=quiet_mb, loaded_mb=loaded_mb,
                 quiet_p50=quiet_p50, after_p50=after_p50, windows_read=windows_read)


def judge(results, full, windows_each, seconds, **seen):
    """The bars of docs/server.md over vegeta's results. `windows_each`: of one question, the mean."""
    good = [r["latency"] for r in results if r["code"] == 200]
    refused = [r["latency"] for r in results if r["code"] == 429]
    late = sum(latency > LATE_S for latency in good)
    in_time = (len(good) - late) * windows_each / seconds / full
    codes = {str(code): sum(r["code"] == code for r in results) for code in sorted({r["code"] for r in results})}
    refused_p99 = 1000 * common.percentile(refused, 0.99)
    bars = common.missed(in_time=in_time >= 0.85, none_late=late == 0, refused_p99=refused_p99 <= 20,
                         memory=seen["loaded_mb"] <= 1.2 * seen["quiet_mb"],
                         p50_after=seen["after_p50"] <= 1.2 * seen["quiet_p50"] < math.inf)
    return common.report("overload", bars, capacity_windows_per_s=full, in_time_share=in_time,
                         windows_read_share=seen["windows_read"] / seconds / full, late=late, codes=codes,
                         good_p99_ms=1000 * common.percentile(good, 0.99), refused_p99_ms=refused_p99,
                         quiet_mb=seen["quiet_mb"], loaded_mb=seen["loaded_mb"],
                         quiet_p50_ms=1000 * seen["quiet_p50"], after_p50_ms=1000 * seen["after_p50"])


if __name__ == "__main__":
    sys.exit(main())

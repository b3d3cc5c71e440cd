#!/usr/bin/env python3
"""make slow-clients: what a lone question takes while connections idle and others send a byte a second, over what it
takes without them. Both in one process and in turn: quiet, crowded, quiet, crowded.
"""
import argparse
import contextlib
import resource
import sys
import threading
import time

import common

BAR = 1.5


class Crowd:
    """Idle connections, and slow ones that begin anew when the server's time-out ends them."""

    def __init__(self, port, idle, slow):
        self.port, self.ended, self.closed_by_server = port, threading.Event(), 0
        self.idle = [common.Connection(port) for _ in range(idle)]
        self.slow = [common.Connection(port) for _ in range(slow)]
        self.thread = threading.Thread(target=self._drip)
        self.thread.start()

    def _drip(self):
        request, at = common.predict(), 0
        while not self.ended.wait(1):
            for i, connection in enumerate(self.slow):
                try:
                    connection.socket.send(request[at % len(request):][:1])
                except OSError:  # 408 and closed: what a slow client must expect
                    self.closed_by_server += 1
                    connection.close()
                    with contextlib.suppress(OSError):
                        self.slow[i] = common.Connection(self.port)
            at += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        for connection in self.idle + self.slow:
            connection.close()


def lone(port, requests):
    with common.Connection(port) as connection:
        return [common.timed(connection, request) for request in requests]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--idle", type=int, default=2000)
    parser.add_argument("--slow", type=int, default=500)
    parser.add_argument("--questions", type=int, default=1000, help="of each of the two states")
    args = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = args.idle + args.slow + 256
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, hard)), hard))
    requests = [common.predict(*pair) for pair in common.dev_questions(2 * args.questions)]
    quiet, crowded, closed = [], [], 0
    with common.Server("--cache-mb", "0") as server:
        lone(server.port, requests[:5])
        for half in range(2):
            part = requests[half::2]
            quiet += lone(server.port, part[0::2])
            with Crowd(server.port, args.idle, args.slow) as crowd:
                open_connections = server.metric("spanqa_connections")
                crowded += lone(server.port, part[1::2])
            closed += crowd.closed_by_server
            time.sleep(0.5)
    ratio = common.percentile(crowded, 0.99) / common.percentile(quiet, 0.99)
    return common.report("slow-clients", common.missed(p99=ratio <= BAR), idle=args.idle, slow=args.slow,
                         open_connections=int(open_connections), slow_closed=closed, p99_ratio=ratio,
                         quiet_p50_ms=1000 * common.percentile(quiet, 0.5),
                         quiet_p99_ms=1000 * common.percentile(quiet, 0.99),
                         crowded_p50_ms=1000 * common.percentile(crowded, 0.5),
                         crowded_p99_ms=1000 * common.percentile(crowded, 0.99))


if __name__ == "__main__":
    sys.exit(main())

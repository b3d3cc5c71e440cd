#!/usr/bin/env python3
"""make memory: resident memory of the default model under keep-alive connections that each ask questions in turn."""
import argparse
import sys

import common

BAR_MB = 250


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--each", type=int, default=50, help="questions of a connection")
    args = parser.parse_args()
    questions = common.dev_questions(args.connections * args.each)
    with common.Server() as server:
        fresh = server.resident_mb()

        def ask(i):
            connection = common.Connection(server.port)
            for pair in questions[i::args.connections]:
                common.timed(connection, common.predict(*pair))
            return connection

        connections = common.in_parallel(args.connections, ask)
        resident = server.resident_mb()
        for connection in connections:
            connection.close()
    return common.report("memory", common.missed(resident=resident <= BAR_MB), connections=args.connections,
                         questions=len(questions), fresh_mb=fresh, resident_mb=resident)


if __name__ == "__main__":
    sys.exit(main())

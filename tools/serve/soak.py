#!/usr/bin/env python3
"""make soak: mixed load with reloads; nothing may be lost and memory must stay flat.

Eight clients ask in every shape: flat, lists, the Hugging Face shape, /v1/answer with tokens, streams, long documents,
texts beyond ASCII, requests that must be refused; each also leaves in the middle of a request now and then. SIGHUP each
5 s. Every request that was not left must be answered with the status that it must have. The clients' choices come from
a seed, which is printed.
"""
import argparse
import random
import sys
import threading
import time

import common

SLOPE_MB_PER_MINUTE = 1.0
DEADLINE_S = 3600  # admission and deadlines go by speed, and a busy machine shall not refuse what this must see answered
PATIENCE_S = 150
RELOAD_S = 5
FOREIGN = "Der Leuchtturm 🗼 von Ålesund wurde 1905 gebaut; é und e\u0301 sehen gleich aus. " * 3


def shapes(pairs, choose):
    """(name, request, status) of one request, chosen at random."""
    question, context = choose.choice(pairs)
    pair = {"question": question, "context": context}
    long_context = "\n".join(choose.choice(pairs)[1] for _ in range(choose.randint(5, 30)))
    return choose.choice([
        ("flat", common.predict(question, context), 200),
        ("foreign", common.predict("Wann wurde der Leuchtturm gebaut?", FOREIGN), 200),
        ("long", common.predict(question, long_context), 200),
        ("inputs", common.post("/predict", {"inputs": [pair, pair], "parameters": {"top_k": 3}}), 200),
        ("hugging face", common.post("/", {"inputs": pair, "parameters": {"top_k": 2}}), 200),
        ("v1", common.post("/v1/answer", {"questions": [question, common.QUESTION], "context": context,
                                          "include": ["tokens"]}), 200),
        ("stream", common.post("/v1/answer", {"question": question, "context": long_context},
                               "Accept: text/event-stream"), 200),
        ("tokenize", common.post("/v1/tokenize", {"text": context}), 200),
        ("metrics", common.get("/metrics"), 200),
        ("page", common.get("/"), 200),
        ("no json", common.post("/predict", b"{"), 400),
        ("wrong type", common.post("/v1/answer", {"question": 1, "context": context}), 422),
        ("no route", common.get("/nowhere"), 404),
    ])


class Client:
    """One client and what it has seen."""

    def __init__(self, port, pairs, seed, end):
        self.port, self.pairs, self.choose, self.end = port, pairs, random.Random(seed), end
        self.answered, self.left, self.faults = 0, 0, []

    def run(self):
        connection = self.connect()
        while time.perf_counter() < self.end and len(self.faults) < 10:
            name, request, status = shapes(self.pairs, self.choose)
            if self.choose.random() < 0.05:
                connection.socket.sendall(request[:self.choose.randint(1, len(request))])
                connection.close()
                self.left += 1
                connection = self.connect()
                continue
            connection = self.ask(connection, name, request, status)
        connection.close()

    def connect(self):
        return common.Connection(self.port, timeout=PATIENCE_S)

    def ask(self, connection, name, request, status):
        """A connection to go on with."""
        try:
            seen, body = connection.ask(request)
            if seen == status and not (name == "stream" and b"event: error" in body):
                self.answered += 1
            else:
                self.faults.append(f"{name}: {seen} {body[-200:]!r}")
            return connection
        except OSError as fault:
            self.faults.append(f"{name}: {type(fault).__name__}: {fault}")
            return self.connect()


def slope(samples):
    """Least squares: MB a minute of [(s, MB)]; 0 for fewer than three."""
    if len(samples) < 3:
        return 0.0
    mean_t = sum(t for t, _ in samples) / len(samples)
    mean_m = sum(m for _, m in samples) / len(samples)
    return 60 * sum((t - mean_t) * (m - mean_m) for t, m in samples) / sum((t - mean_t) ** 2 for t, _ in samples)


def watch(server, end, reload_every):
    """Reloads until `end`; samples of memory between reloads, and how many there were."""
    begun, samples, reloads = time.perf_counter(), [], 0
    while time.perf_counter() + reload_every < end:
        time.sleep(reload_every)
        samples.append((time.perf_counter() - begun, server.resident_mb()))
        server.reload()
        reloads += 1
    return samples, reloads


def pairs_of_soak():
    """The development set's where it is there, else pairs made here: a clone alone can soak."""
    if common.dev_file().exists():
        return common.dev_questions(500)
    return [(common.QUESTION, common.CONTEXT * n) for n in range(1, 20)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    args = parser.parse_args()
    print(f"seed {args.seed}", file=sys.stderr)
    pairs = pairs_of_soak()
    with common.Server("--deadline-ms", str(1000 * DEADLINE_S)) as server:
        end = time.perf_counter() + args.seconds
        clients = [Client(server.port, pairs, args.seed + i, end) for i in range(args.clients)]
        threads = [threading.Thread(target=client.run) for client in clients]
        for thread in threads:
            thread.start()
        samples, reloads = watch(server, end, min(RELOAD_S, args.seconds / 4))
        for thread in threads:
            thread.join()
        failures = server.metric("spanqa_reload_failures_total")
        last_mb = server.resident_mb()
    return judge(args, clients, samples, reloads, reload_failures=int(failures), last_mb=last_mb)


def judge(args, clients, samples, reloads, reload_failures, last_mb):
    faults = [fault for client in clients for fault in client.faults]
    for fault in faults[:20]:
        print(fault, file=sys.stderr)
    # Caches fill in the first half; a run of seconds has no steady state to look at.
    steady = [sample for sample in samples if sample[0] >= args.seconds / 2]
    grown = slope(steady)
    flat = args.seconds < 300 or grown <= SLOPE_MB_PER_MINUTE
    bars = common.missed(nothing_lost=not faults, memory_flat=flat, reloads=reload_failures == 0)
    return common.report("soak", bars, seconds=args.seconds, seed=args.seed, clients=args.clients, reloads=reloads,
                         answered=sum(c.answered for c in clients), left=sum(c.left for c in clients),
                         lost=len(faults), first_mb=samples[0][1] if samples else last_mb, last_mb=last_mb,
                         slope_mb_per_minute=grown)


if __name__ == "__main__":
    sys.exit(main())

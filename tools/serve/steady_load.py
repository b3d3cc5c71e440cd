#!/usr/bin/env python3
"""Asks a server over several connections at a steady pace and fails where one request is lost or answered wrongly.

Each question has one right answer that its context makes plain, and no two contexts are alike. Nothing is tried twice
here: a request that fails is lost. Prints one JSON object.
"""
import argparse
import http.client
import json
import ssl
import sys
import threading
import time
import urllib.parse

NAMES = ["Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Frances", "John"]


def row(number):
    name = NAMES[number % len(NAMES)]
    filler = " ".join(f"House {number + k} on this street has a green door." for k in range(4))
    return {"question": "Who lives here?", "context": f"{name} lives here. {filler}"}, name


class Load:
    """What the clients share: the next number, the times, what was lost."""

    def __init__(self, options):
        self.options = options
        self.url = urllib.parse.urlsplit(options.url)
        self.lock = threading.Lock()
        self.next, self.begun, self.times, self.lost = 0, time.monotonic(), [], []

    def take(self):
        with self.lock:
            if self.next == self.options.requests:
                return None
            self.next += 1
            return self.next - 1

    def connect(self):
        if self.url.scheme == "http":
            return http.client.HTTPConnection(self.url.netloc, timeout=90)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # a certificate made for this run
        return http.client.HTTPSConnection(self.url.netloc, timeout=90, context=context)

    def ask(self, connection, number):
        """What is wrong with the answer; None: nothing."""
        body, expected = row(number)
        try:
            connection.request("POST", "/predict", json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return f"{number}: {error!r}"
        if response.status != 200:
            return f"{number}: {response.status} {text[:200]!r}"
        found = json.loads(text)["answer"]
        return None if found == expected else f"{number}: {found!r} instead of {expected!r}"

    def client(self, answered):
        connection = self.connect()
        while (number := self.take()) is not None:
            due = self.begun + number / self.options.rate
            time.sleep(max(0.0, due - time.monotonic()))
            begun = time.monotonic()
            fault = self.ask(connection, number)
            with self.lock:
                self.times.append(time.monotonic() - begun)
                if fault:
                    self.lost.append(fault)
                answered.write(f"{number}\n")
                answered.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", metavar="URL")
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second at most")
    parser.add_argument("--answered", required=True, help="file that gets a line for each request that has ended")
    load = Load(parser.parse_args())
    with open(load.options.answered, "a", encoding="utf-8") as answered:
        threads = [threading.Thread(target=load.client, args=(answered,)) for _ in range(load.options.clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    times = sorted(load.times)
    print(json.dumps({"requests": len(times), "lost": len(load.lost), "seconds": round(time.monotonic() - load.begun, 1),
                      "ms_median": round(1000 * times[len(times) // 2], 1), "ms_max": round(1000 * times[-1], 1)}))
    print("\n".join(load.lost[:20]), file=sys.stderr, end="\n" if load.lost else "")
    return 1 if load.lost else 0


if __name__ == "__main__":
    sys.exit(main())

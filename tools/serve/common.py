"""What the drivers of docs/server.md share: a server to ask, connections that cost little, figures.

Python's standard library only. A driver runs on the machine that it measures, so a request is bytes made beforehand and
a response is read no further than its length says.
"""
import contextlib
import datetime
import json
import math
import os
import pathlib
import platform
import re
import signal
import socket
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("SPANQA_SHARED", ROOT.parent / "shared"))
CONTEXT = ("The lighthouse of Alexandria stood on the island of Pharos and was about a hundred metres high. "
           "Three earthquakes between 956 and 1323 brought it down.")
QUESTION = "Where did the lighthouse of Alexandria stand?"


def program():
    """The spanqa to measure: SPANQA_PROGRAM, else the release build. Exit 2 without one."""
    path = pathlib.Path(os.environ.get("SPANQA_PROGRAM", ROOT / "build/release/src/cli/spanqa"))
    if not path.exists():
        print(f"{path} does not exist: cmake --build --preset release, or set SPANQA_PROGRAM", file=sys.stderr)
        raise SystemExit(2)
    return path


def free_port():
    """A port of 127.0.0.1 that nobody listens on now."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """`spanqa serve --port 0` while a `with` block runs; ended by SIGTERM, and its exit code must be 0."""

    def __init__(self, *flags, keys=None, prefix=(), log=None):
        """`prefix`: a command in front, such as taskset's. `log`: a file that gets standard error."""
        self.command = [*prefix, str(program()), "serve", "--port", "0", "--no-access-log", *flags]
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("SPANQA_") or k == "SPANQA_MODEL"}
        if keys:
            self.environment["SPANQA_API_KEYS"] = keys
        self.log = log

    def start(self):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a driver that is ended ends its server
        errors = open(self.log, "wb") if self.log else None
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT,
                                        env=self.environment)
        line = self.process.stdout.readline()
        found = re.fullmatch(r"listening on (http://127\.0\.0\.1:(\d+))\S*\n", line)
        if not found:
            raise RuntimeError(f"the server printed {line!r} and ended with {self.process.wait(30)}")
        self.url, self.port = found[1], int(found[2])
        return self

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise RuntimeError("the server did not end within 40 s of SIGTERM") from None
        finally:
            self.process.stdout.close()
        if code != 0:
            raise RuntimeError(f"the server ended with {code} after SIGTERM")

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, _value, _trace):
        if kind is None:
            self.stop()
        else:  # the first fault is the one to tell
            with contextlib.suppress(Exception):
                self.stop()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def resident_mb(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024

    def metric(self, name, **labels):
        """Sum of a metric over those of its series that have these labels; 0 where there is none."""
        with Connection(self.port) as connection:
            text = connection.ask(get("/metrics"))[1].decode()
        total = 0.0
        for series, value in re.findall(rf"^{name}((?:\{{.*\}})?) (\S+)$", text, flags=re.M):
            if all(f'{key}="{wanted}"' in series for key, wanted in labels.items()):
                total += float(value)
        return total


class Connection:
    """One keep-alive connection. ask() -> (status, body); ConnectionError where the server closes before the end."""

    def __init__(self, port, timeout=60):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.left = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def close(self):
        self.socket.close()

    def ask(self, request):
        self.socket.sendall(request)
        head = self._until(b"\r\n\r\n").lower()
        status = int(head[9:12])
        length = re.search(rb"\r\ncontent-length: *(\d+)", head)
        if length:
            return status, self._exactly(int(length[1]))
        return status, self._chunks() if b"transfer-encoding: chunked" in head else b""

    def _chunks(self):
        body = b""
        while size := int(self._until(b"\r\n"), 16):
            body += self._exactly(size)
            self._exactly(2)
        self._exactly(2)
        return body

    def _more(self):
        part = self.socket.recv(1 << 16)
        if not part:
            raise ConnectionError("the server closed the connection")
        self.left += part

    def _until(self, mark):
        while mark not in self.left:
            self._more()
        found, _, self.left = self.left.partition(mark)
        return found

    def _exactly(self, n):
        while len(self.left) < n:
            self._more()
        found, self.left = self.left[:n], self.left[n:]
        return found


def get(path, *headers):
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *headers]).encode() + b"\r\n\r\n"


def post(path, body, *headers):
    """The bytes of a request. `body`: what JSON can hold, or bytes that are sent as they are."""
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json",
             f"Content-Length: {len(data)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def predict(question=QUESTION, context=CONTEXT):
    return post("/predict", {"question": question, "context": context})


def dev_file():
    return SHARED / "data/squad-v1.1/dev-v1.1.json"


def dev_questions(limit=0):
    """[(question, context)] of SQuAD's development set, spread over its articles; exit 77 where it is missing."""
    path = dev_file()
    if not path.exists():
        print(f"{path} does not exist: SPANQA_SHARED names the folder that holds the data sets", file=sys.stderr)
        raise SystemExit(77)
    pairs = [(answered["question"], paragraph["context"]) for article in json.loads(path.read_text())["data"]
             for paragraph in article["paragraphs"] for answered in paragraph["qas"]]
    if not limit or limit >= len(pairs):
        return pairs
    return [pairs[i * len(pairs) // limit] for i in range(limit)]


def in_parallel(n, task):
    """task(0) .. task(n - 1), a thread each; their results in order, or the first failure."""
    results, failures = [None] * n, []

    def run(i):
        try:
            results[i] = task(i)
        except Exception as failure:  # told by the caller's thread
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return results


def timed(connection, request):
    """Seconds until the answer stood; RuntimeError unless it is a 200."""
    begun = time.perf_counter()
    status, body = connection.ask(request)
    if status != 200:
        raise RuntimeError(f"status {status}: {body[:200]!r}")
    return time.perf_counter() - begun


def percentile(values, share):
    """The least value that `share` of them do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)] if ordered else float("nan")


def python_tool(name, requirement):
    """The folder of programs of a virtual environment in build/tools/, which pip fills at the first call."""
    done = subprocess.run([str(ROOT / "tools/venv.sh"), name, requirement], check=True, stdout=subprocess.PIPE, text=True)
    return pathlib.Path(done.stdout.strip())


def vegeta():
    """The load generator, which the go command builds into build/tools/bin at the first call."""
    folder = ROOT / "build/tools/bin"
    if not (folder / "vegeta").exists():
        subprocess.run(["go", "install", "github.com/tsenart/vegeta/v12@v12.13.0"], check=True, stdout=sys.stderr,
                       env={**os.environ, "GOBIN": str(folder)})
    return folder / "vegeta"


def processor():
    found = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.machine()


def plain(value):
    """Rounded; null for what is no number, which JSON lacks."""
    if isinstance(value, list):
        return [plain(part) for part in value]
    if not isinstance(value, float):
        return value
    return round(value, 4) if math.isfinite(value) else None


def report(target, faults, **figures):
    """Prints the JSON line and returns the exit code: 1 where a bar is missed, each named in `faults`."""
    rounded = {key: plain(value) for key, value in figures.items()}
    line = {"target": target, **rounded, "missed": faults, "machine": processor(),
            "cores": len(os.sched_getaffinity(0)), "load_before": round(LOAD, 2),
            "date": datetime.date.today().isoformat()}
    print(json.dumps(line))
    return 1 if faults else 0


LOAD = os.getloadavg()[0]


def missed(**bars):
    """Names of the bars that do not hold."""
    return [name for name, holds in bars.items() if not holds]

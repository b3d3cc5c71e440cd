#!/usr/bin/env python3
"""make schemathesis: every check and phase of schemathesis 4 over openapi.json, without an API key and with one.

SPANQA_EXAMPLES (2000): test cases of each operation. The tool comes from PyPI into build/tools/; its reports and what it
needs to repeat a failure stand in build/schemathesis/. Exit code 1 where it finds anything.
"""
import os
import subprocess
import sys
import time

import common

KEY = "a-key-for-tests-alone"
PHASES = "examples,coverage,fuzzing,stateful"
FOLDER = common.ROOT / "build/schemathesis"


def command(tool, examples, name, server, keys):
    words = [str(tool), "--no-color", "--config-file", str(common.ROOT / "tools/serve/schemathesis.toml"), "run",
             f"{server.url}/openapi.json", "--checks", "all", "--phases", PHASES, "--mode", "all",
             "--max-examples", str(examples), "--report", "junit", "--report-dir", str(FOLDER / name)]
    return [*words, "-H", f"Authorization: Bearer {keys}"] if keys else words


class Run:
    """The tool at work on one server; what it says goes to a file."""

    def __init__(self, tool, examples, name, server, keys=None):
        self.server, self.said = server, FOLDER / name / "said.txt"
        self.begun = time.perf_counter()
        with open(self.said, "wb") as said:
            self.process = subprocess.Popen(command(tool, examples, name, server, keys), cwd=FOLDER / name, stdout=said,
                                            stderr=subprocess.STDOUT)

    def end(self):
        """(exit code, internal errors, seconds)"""
        code = self.process.wait()
        seconds = time.perf_counter() - self.begun
        print(self.said.read_text(), file=sys.stderr)
        return code, int(self.server.metric("spanqa_http_requests_total", status="500")), seconds


def main():
    examples = int(os.environ.get("SPANQA_EXAMPLES", "2000"))
    tool = common.python_tool("schemathesis", "schemathesis==4.32.5") / "st"
    for name in ("open", "keyed"):
        (FOLDER / name).mkdir(parents=True, exist_ok=True)
    with (common.Server(log=FOLDER / "open/server.log") as open_server,
          common.Server(keys=KEY, log=FOLDER / "keyed/server.log") as keyed_server):
        # Side by side: the tool has one thread, and waits for the server where it does not compute.
        runs = [Run(tool, examples, "open", open_server), Run(tool, examples, "keyed", keyed_server, KEY)]
        (open_code, open_errors, open_seconds), (keyed_code, keyed_errors, keyed_seconds) = [run.end() for run in runs]
    bars = common.missed(open=open_code == 0, keyed=keyed_code == 0, no_500=open_errors + keyed_errors == 0)
    return common.report("schemathesis", bars, examples=examples, open_exit=open_code, keyed_exit=keyed_code,
                         internal_errors=open_errors + keyed_errors, open_seconds=open_seconds,
                         keyed_seconds=keyed_seconds)


if __name__ == "__main__":
    sys.exit(main())

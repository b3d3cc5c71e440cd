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


def run(tool, examples, name, keys=None):
    """Exit code and seconds of one run against a server of its own."""
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    with common.Server(keys=keys, log=folder / "server.log") as server:
        command = [str(tool), "--no-color", "--config-file", str(common.ROOT / "tools/serve/schemathesis.toml"), "run",
                   f"{server.url}/openapi.json", "--checks", "all", "--phases", PHASES, "--mode", "all",
                   "--max-examples", str(examples), "--report", "junit", "--report-dir", str(folder)]
        if keys:
            command += ["-H", f"Authorization: Bearer {keys}"]
        begun = time.perf_counter()
        code = subprocess.run(command, cwd=folder, stdout=sys.stderr, check=False).returncode
        errors = server.metric("spanqa_http_requests_total", status="500")
    return code, int(errors), time.perf_counter() - begun


def main():
    examples = int(os.environ.get("SPANQA_EXAMPLES", "2000"))
    tool = common.python_tool("schemathesis", "schemathesis==4.32.5") / "st"
    open_code, open_errors, open_seconds = run(tool, examples, "open")
    keyed_code, keyed_errors, keyed_seconds = run(tool, examples, "keyed", KEY)
    bars = common.missed(open=open_code == 0, keyed=keyed_code == 0, no_500=open_errors + keyed_errors == 0)
    return common.report("schemathesis", bars, examples=examples, open_exit=open_code, keyed_exit=keyed_code,
                         internal_errors=open_errors + keyed_errors, open_seconds=open_seconds,
                         keyed_seconds=keyed_seconds)


if __name__ == "__main__":
    sys.exit(main())

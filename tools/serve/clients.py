#!/usr/bin/env python3
"""make clients: the official Hugging Face clients ask a started server, with an API key and without.

huggingface_hub (PyPI) and @huggingface/inference (npm) are installed below build/tools/.
"""
import json
import os
import subprocess
import sys

import common

KEY = "a-key-for-tests-alone"
NODE_FOLDER = common.ROOT / "build/tools/node"
PARTS = [
    {"question": common.QUESTION, "context": common.CONTEXT},
    {"question": "Where is the lighthouse?", "context": "🗼 The old lighthouse é stands in Ålesund, says a guide."},
]


def asked_by_python(url, token):
    """Runs in the virtual environment: [[answer, start, end]] by huggingface_hub."""
    code = """
import json, sys
from huggingface_hub import InferenceClient
url, token, parts = json.loads(sys.stdin.read())
rows = []
for part in parts:
    for model in (url, url + "/models/" + sys.argv[1]):
        client = InferenceClient(model=model, token=token or None)
        one = client.question_answering(**part)
        one = one[0] if isinstance(one, list) else one
        several = client.question_answering(**part, top_k=2)
        assert isinstance(several, list) and several[0].answer == one.answer, several
        rows.append([one.answer, one.start, one.end])
print(json.dumps(rows))
"""
    python = common.python_tool("clients", "huggingface_hub==2.4.0") / "python"
    return run_client([str(python), "-c", code, model_name(url, token)], url, token)


def asked_by_node(url, token):
    """The same by @huggingface/inference."""
    node = subprocess.run([str(common.ROOT / "tools/node.sh")], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    os.environ["PATH"] = f"{node}:{os.environ['PATH']}"
    if not (NODE_FOLDER / "node_modules/@huggingface/inference").exists():
        NODE_FOLDER.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", str(NODE_FOLDER),
                        "@huggingface/inference@4.13.30"], check=True, stdout=sys.stderr)
    script = NODE_FOLDER / "clients.mjs"
    script.write_text("""
import { InferenceClient } from "@huggingface/inference";
import { readFileSync } from "node:fs";
const [url, token, parts] = JSON.parse(readFileSync(0, "utf8"));
const rows = [];
for (const inputs of parts)
  for (const endpointUrl of [url, `${url}/models/${process.argv[2]}`]) {
    const one = await new InferenceClient(token || undefined).questionAnswering({ endpointUrl, inputs });
    rows.push([one.answer, one.start, one.end]);
  }
console.log(JSON.stringify(rows));
""")
    return run_client(["node", str(script), model_name(url, token)], url, token)


def run_client(command, url, token):
    done = subprocess.run(command, input=json.dumps([url, token, PARTS]), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout)


def model_name(url, token):
    request = common.get("/v1/models", *([f"Authorization: Bearer {token}"] if token else []))
    with common.Connection(int(url.rsplit(":", 1)[1])) as connection:
        return json.loads(connection.ask(request)[1])["models"][0]["name"]


def faults(client, rows):
    """What is wrong with a client's rows: two for each part, equal, and each answer stands at its offsets."""
    expected = [part for part in PARTS for _ in range(2)]
    found = [f"{client}: {row}" for row, part in zip(rows, expected) if part["context"][row[1]:row[2]] != row[0]]
    return found + [f"{client}: {a} and {b}" for a, b in zip(rows[::2], rows[1::2]) if a != b]


def main():
    found = []
    for token in ("", KEY):
        with common.Server(keys=token) as server:
            for client, ask in (("huggingface_hub", asked_by_python), ("@huggingface/inference", asked_by_node)):
                found += faults(client, ask(server.url, token))
    return common.report("clients", found)


if __name__ == "__main__":
    sys.exit(main())

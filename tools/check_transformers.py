#!/usr/bin/env python3
"""Opens a folder that `spanqa train` wrote in transformers and compares logits with spanqa's own.

Needs torch and transformers. For each row the answer that spanqa gives stands at two tokens; the start and end logit
that it states there must be those of AutoModelForQuestionAnswering on the same ids. Exit code 1 when one is not.

  tools/check_transformers.py runs/mine/model --data dev-v1.1.json
"""
import argparse
import json
import pathlib
import subprocess
import sys

import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

TOLERANCE = 1e-4  # float32 sums in another order, over logits of about 10


def rows_of(program, data, limit):
    """The first rows of a file in any of spanqa's formats."""
    sampled = subprocess.run([program, "data", "sample", data, "--count", str(limit), "--first", "--to", "jsonl"],
                             check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in sampled.splitlines()]


def answers_of(program, folder, rows, max_length):
    """What spanqa answers to rows that fit one window, before words are completed."""
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    command = [program, "predict", "--model", folder, "--decoder", "global", "--no-align", "--top-k", "3",
               "--max-length", str(max_length)]
    predicted = subprocess.run(command, input=lines, check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in predicted.splitlines()]


def differences(tokenizer, model, row, answers):
    """Distances of logits for the answers of one row; None when transformers reads it in several windows."""
    encoded = tokenizer(row["question"], row["context"], return_offsets_mapping=True, return_tensors="pt")
    if encoded["input_ids"].shape[1] > model.config.max_position_embeddings:
        return None
    offsets, sequence = encoded.pop("offset_mapping")[0].tolist(), encoded.sequence_ids(0)
    with torch.no_grad():
        out = model(**encoded)
    starts = {begin: i for i, (begin, _) in reversed(list(enumerate(offsets))) if sequence[i] == 1}
    ends = {end: i for i, (_, end) in enumerate(offsets) if sequence[i] == 1}
    found = []
    for answer in answers:
        start, end = starts[answer["start"]], ends[answer["end"]]
        found.append(abs(out.start_logits[0, start].item() - answer["start_logit"]))
        found.append(abs(out.end_logits[0, end].item() - answer["end_logit"]))
    return found


def compare(args):
    tokenizer = AutoTokenizer.from_pretrained(args.folder)
    model = AutoModelForQuestionAnswering.from_pretrained(args.folder).float().eval()
    rows = rows_of(args.spanqa, args.data, args.limit)
    predicted = answers_of(args.spanqa, args.folder, rows, model.config.max_position_embeddings)
    worst, n_rows = 0.0, 0
    for row, prediction in zip(rows, predicted):
        if "error" in prediction or prediction["windows"] > 1:
            continue
        distances = differences(tokenizer, model, row, prediction["answers"])
        if distances:
            n_rows += 1
            worst = max(worst, *distances)
    return n_rows, worst


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="a checkpoint, or a run's model folder")
    parser.add_argument("--data", required=True, help="questions, in any format that spanqa reads")
    parser.add_argument("--limit", type=int, default=50, help="questions compared at most")
    root = pathlib.Path(__file__).resolve().parents[1]
    parser.add_argument("--spanqa", default=str(root / "build/release/src/cli/spanqa"), help="the program")
    n_rows, worst = compare(args := parser.parse_args())
    if n_rows == 0:
        print("no row fits one window: nothing was compared")
        return 1
    print(f"{'OK' if worst <= TOLERANCE else 'DIFFERENT'}: {args.folder}: {n_rows} rows, logits differ by {worst:.2e} at "
          f"most (allowed {TOLERANCE:.0e})")
    return 0 if worst <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Makes tests/fixtures/qa/tiny_readers.json: what the reference answers with the tiny readers, decoder by decoder.

    tools/make_tiny_reader_rows.py UTILS_QA

Needs torch and a transformers that has the question-answering pipeline (up to 5.2; made with 4.57.1). UTILS_QA is
examples/pytorch/question-answering/utils_qa.py of the transformers repository (made with commit 31f57e9), whose
postprocess_qa_predictions decides what run_qa.py writes. The global decoder is spanqa's own: its rows are its
definition (docs/reader.md), written out over all spans of the reference's logits.
Settings under which two scores of the reference nearly tie are left out, so that each row has one right answer.
"""
import argparse
import importlib.util
import json
import math
import pathlib
import tempfile

import numpy
import torch
import transformers

ROOT = pathlib.Path(__file__).resolve().parent.parent
NEAR = 1e-3  # scores closer than this nearly tie; the test's tolerance is a fifth of it

TEXTS = [
    ("Who built the tower?", "The tower of Paris was built by a team in the first year after the war."),
    ("What is the name of the river?",
     "In the city the river is named Ouse. From the tower, which was built for the king, it is seen by many. "
     "After the war the king did not win a game; that year the team from Zürich won, by 3 to 1 (the first in 20)."),
    ("When was the king born?", "Born in 1066, 東京 was first. The king: \"Harold\" — born at   the\triver, e\u0301t al."),
    ("How many won?", "Many."),
]
PIPELINE_SETTINGS = [
    {"max_seq_len": 96, "doc_stride": 48},
    {"max_seq_len": 96, "doc_stride": 48, "top_k": 3},
    {"max_seq_len": 48, "doc_stride": 16, "top_k": 4, "max_answer_len": 5},
    {"max_seq_len": 40, "doc_stride": 8, "top_k": 3, "align_to_words": False},
    {"max_seq_len": 64, "doc_stride": 32, "top_k": 2, "handle_impossible_answer": True},
]
RUN_QA_SETTINGS = [
    {"max_seq_len": 96, "doc_stride": 48, "version_2": False, "n_best": 5, "max_answer_len": 30},
    {"max_seq_len": 40, "doc_stride": 12, "version_2": True, "n_best": 6, "max_answer_len": 8},
]
GLOBAL_SETTINGS = [
    {"max_seq_len": 96, "doc_stride": 48, "top_k": 1, "max_answer_len": 30},
    {"max_seq_len": 40, "doc_stride": 12, "top_k": 4, "max_answer_len": 6},
]


def near_tie(scores):
    scores = sorted(scores, reverse=True)
    return any(a - b < NEAR for a, b in zip(scores, scores[1:]))


def pipeline_row(reader, question, context, settings):
    output = reader(question=question, context=context, **settings)
    scores = [entry["score"] for entry in (output if isinstance(output, list) else [output])]
    return None if near_tie(scores) else output


def windows(tokenizer, question, context, settings):
    """The features that run_qa.py makes of one question, unpadded."""
    encoded = tokenizer(question.lstrip(), context, truncation="only_second", max_length=settings["max_seq_len"],
                        stride=settings["doc_stride"], return_overflowing_tokens=True, return_offsets_mapping=True)
    made = []
    for i, offsets in enumerate(encoded["offset_mapping"]):
        in_context = [part == 1 for part in encoded.sequence_ids(i)]
        inputs = {name: encoded[name][i] for name in tokenizer.model_input_names}
        made.append({"example_id": "0", "inputs": inputs,
                     "offset_mapping": [o if c else None for o, c in zip(offsets, in_context)]})
    return made


def logits(model, features):
    rows = []
    for feature in features:
        with torch.no_grad():
            out = model(**{name: torch.tensor([value]) for name, value in feature["inputs"].items()})
        rows.append((out.start_logits[0].numpy(), out.end_logits[0].numpy()))
    width = max(len(start) for start, _ in rows)  # the Trainer fills up with -100
    return tuple(numpy.stack([numpy.pad(row[side], (0, width - len(row[side])), constant_values=-100) for row in rows])
                 for side in (0, 1))


class Examples(list):
    """The little of a datasets.Dataset that utils_qa.py asks for."""

    def __getitem__(self, key):
        return [row[key] for row in self] if isinstance(key, str) else super().__getitem__(key)


def run_qa_row(utils_qa, model, tokenizer, question, context, settings):
    features = windows(tokenizer, question, context, settings)
    with tempfile.TemporaryDirectory() as folder:
        utils_qa.postprocess_qa_predictions(
            Examples([{"id": "0", "context": context}]), features, logits(model, features), settings["version_2"],
            settings["n_best"], settings["max_answer_len"], output_dir=folder)
        read = {name: json.loads(pathlib.Path(folder, name + ".json").read_text())["0"]
                for name in ("predictions", "nbest_predictions", "null_odds")
                if pathlib.Path(folder, name + ".json").exists()}
    if near_tie([entry["start_logit"] + entry["end_logit"] for entry in read["nbest_predictions"]]):
        return None
    return read


def global_row(model, tokenizer, question, context, settings):
    """All spans of all windows, best first, each taken unless it overlaps a better one. Words are not completed."""
    features = windows(tokenizer, question, context, settings)
    spans = []
    for feature, start, end in zip(features, *(side.astype(float) for side in logits(model, features))):
        offsets = feature["offset_mapping"]
        for i, first in enumerate(offsets):
            for j in range(i, min(len(offsets), i + settings["max_answer_len"])):
                if first is not None and offsets[j] is not None:
                    spans.append((start[i] + end[j] - start[0] - end[0], first[0], offsets[j][1]))
    taken = []
    for margin, begin, end in sorted(spans, key=lambda span: -span[0]):
        if len(taken) < settings["top_k"] and all(end <= b or e <= begin for _, b, e in taken):
            taken.append((margin, begin, end))
    if near_tie([margin for margin, _, _ in taken]):
        return None
    return [{"score": 1 / (1 + math.exp(-margin)), "start": begin, "end": end, "answer": context[begin:end]}
            for margin, begin, end in taken]


def rows_of(name, utils_qa):
    folder = ROOT / "tests/fixtures/nn" / name
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForQuestionAnswering.from_pretrained(folder, attn_implementation="eager").eval()
    reader = transformers.pipeline("question-answering", model=model, tokenizer=tokenizer, device="cpu")
    for question, context in TEXTS:
        made = [("pipeline", settings, pipeline_row(reader, question, context, settings))
                for settings in PIPELINE_SETTINGS]
        made += [("run_qa", settings, run_qa_row(utils_qa, model, tokenizer, question, context, settings))
                 for settings in RUN_QA_SETTINGS]
        made += [("global", settings, global_row(model, tokenizer, question, context, settings))
                 for settings in GLOBAL_SETTINGS]
        for decoder, settings, output in made:
            if output is None:
                print(f"{name}, {decoder}, {question}, {settings}: left out, scores nearly tie")
            else:
                yield {"model": name, "decoder": decoder, "question": question, "context": context,
                       "settings": settings, "output": output}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("utils_qa", type=pathlib.Path)
    spec = importlib.util.spec_from_file_location("utils_qa", parser.parse_args().utils_qa)
    utils_qa = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(utils_qa)
    torch.set_num_threads(1)
    rows = [json.dumps(row) for name in ("tiny-bert", "tiny-distilbert") for row in rows_of(name, utils_qa)]
    path = ROOT / "tests/fixtures/qa/tiny_readers.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    made_with = json.dumps({"transformers": transformers.__version__, "torch": torch.__version__})
    path.write_text('{"made_with": %s,\n"rows": [\n%s\n]}\n' % (made_with, ",\n".join(rows)))
    print(f"{path}: {len(rows)} rows, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()

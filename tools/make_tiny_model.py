#!/usr/bin/env python3
"""Makes tests/fixtures/nn/tiny-bert and tiny-distilbert: random two-layer readers of 100 KB, with logits computed here
in float64.

Needs numpy only. With --check, also compares the logits with transformers' own (needs torch and transformers).
The weights are float32; the logits are what exact arithmetic makes of them, so a test may hold float32 code against
them closely. Everything is drawn from one seed: the same call writes the same bytes.
"""
import argparse
import json
import math
import pathlib
import string
import struct

import numpy

HIDDEN, HEADS, LAYERS, INTERMEDIATE, POSITIONS, TYPES, EPS = 32, 4, 2, 48, 96, 2, 1e-12
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = """the of in was is who what when where which how many did to and for by on at it with from as that
after war king river city tower paris year first won team game built born name""".split()
PIECES = ["##ed", "##ing", "##er", "##ly", "##tion", "##al", "##an"]


def vocabulary():
    letters = list(string.ascii_lowercase) + list(string.digits)
    return SPECIALS + list("!\"'(),-./:;?") + letters + ["##" + c for c in letters] + WORDS + PIECES


# What each family calls the same parts.
NAMES = {
    "bert": {
        "layer": "bert.encoder.layer.{}.", "query": "attention.self.query", "key": "attention.self.key",
        "value": "attention.self.value", "gather": "attention.output.dense", "norm_1": "attention.output.LayerNorm",
        "inner": "intermediate.dense", "outer": "output.dense", "norm_2": "output.LayerNorm",
    },
    "distilbert": {
        "layer": "distilbert.transformer.layer.{}.", "query": "attention.q_lin", "key": "attention.k_lin",
        "value": "attention.v_lin", "gather": "attention.out_lin", "norm_1": "sa_layer_norm", "inner": "ffn.lin1",
        "outer": "ffn.lin2", "norm_2": "output_layer_norm",
    },
}


def part(family, layer, name):
    return NAMES[family]["layer"].format(layer) + NAMES[family][name]


def tensors(random, n_words, family):
    """Names as transformers writes them; wide enough a spread that attention and GELU leave their linear ranges."""
    shapes = {
        family + ".embeddings.word_embeddings": (n_words, HIDDEN),
        family + ".embeddings.position_embeddings": (POSITIONS, HIDDEN),
        family + ".embeddings.LayerNorm": (HIDDEN,),
        "qa_outputs": (2, HIDDEN),
    }
    if family == "bert":
        shapes["bert.embeddings.token_type_embeddings"] = (TYPES, HIDDEN)
    for layer in range(LAYERS):
        for name in ("query", "key", "value", "gather"):
            shapes[part(family, layer, name)] = (HIDDEN, HIDDEN)
        shapes[part(family, layer, "norm_1")] = (HIDDEN,)
        shapes[part(family, layer, "inner")] = (INTERMEDIATE, HIDDEN)
        shapes[part(family, layer, "outer")] = (HIDDEN, INTERMEDIATE)
        shapes[part(family, layer, "norm_2")] = (HIDDEN,)
    made = {}
    for name in sorted(shapes):
        shape = shapes[name]
        centre = 1.0 if name.endswith(("LayerNorm", "layer_norm")) else 0.0
        made[name + ".weight"] = (centre + 0.25 * random.standard_normal(shape)).astype("<f4")
        if "_embeddings" not in name:
            made[name + ".bias"] = (0.1 * random.standard_normal(shape[:1])).astype("<f4")
    return made


def write_safetensors(path, weights):
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, value in weights.items():
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [offset, offset + value.nbytes]}
        offset += value.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(v.tobytes() for v in weights.values()))


def forward(weights, ids, types, family):
    """The formulas of BertForQuestionAnswering and DistilBertForQuestionAnswering for one sequence, in float64."""
    w = {name: value.astype(numpy.float64) for name, value in weights.items()}

    def linear(name, x):
        return x @ w[name + ".weight"].T + w[name + ".bias"]

    def norm(name, x):
        spread = x - x.mean(-1, keepdims=True)
        scaled = spread / numpy.sqrt((spread**2).mean(-1, keepdims=True) + EPS)
        return scaled * w[name + ".weight"] + w[name + ".bias"]

    def split(x):  # [tokens, hidden] -> [heads, tokens, head size]
        return x.reshape(len(ids), HEADS, -1).transpose(1, 0, 2)

    def softmax(x):
        e = numpy.exp(x - x.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    gelu = numpy.vectorize(lambda v: v / 2 * (1 + math.erf(v / math.sqrt(2))))
    e = family + ".embeddings."
    x = w[e + "word_embeddings.weight"][ids] + w[e + "position_embeddings.weight"][: len(ids)]
    if family == "bert":
        x = x + w[e + "token_type_embeddings.weight"][types]
    x = norm(e + "LayerNorm", x)
    for layer in range(LAYERS):
        def name(n):
            return part(family, layer, n)

        q, k, v = (split(linear(name(n), x)) for n in ("query", "key", "value"))
        weighted = softmax(q @ k.transpose(0, 2, 1) / math.sqrt(HIDDEN // HEADS)) @ v
        gathered = weighted.transpose(1, 0, 2).reshape(len(ids), HIDDEN)
        x = norm(name("norm_1"), x + linear(name("gather"), gathered))
        inner = gelu(linear(name("inner"), x))
        x = norm(name("norm_2"), x + linear(name("outer"), inner))
    return linear("qa_outputs", x).T  # [2, tokens]


def rows(random, weights, n_words, family):
    made = []
    for length in (1, 2, 7, 16, 17, 33, POSITIONS):
        ids = random.integers(0, n_words, length)
        types = (numpy.arange(length) >= length // 3).astype(int)
        start, end = forward(weights, ids, types, family)
        row = {"input_ids": ids.tolist(), "token_type_ids": types.tolist(), "start_logits": start.tolist(),
               "end_logits": end.tolist()}
        if family == "distilbert":
            del row["token_type_ids"]
        made.append(row)
    return made


def config_of(family, n_words):
    if family == "bert":
        return {
            "architectures": ["BertForQuestionAnswering"], "attention_probs_dropout_prob": 0.1, "hidden_act": "gelu",
            "hidden_dropout_prob": 0.1, "hidden_size": HIDDEN, "intermediate_size": INTERMEDIATE,
            "layer_norm_eps": EPS, "max_position_embeddings": POSITIONS, "model_type": "bert",
            "num_attention_heads": HEADS, "num_hidden_layers": LAYERS, "pad_token_id": 0,
            "position_embedding_type": "absolute", "type_vocab_size": TYPES, "vocab_size": n_words,
        }
    return {
        "activation": "gelu", "architectures": ["DistilBertForQuestionAnswering"], "attention_dropout": 0.1,
        "dim": HIDDEN, "dropout": 0.1, "hidden_dim": INTERMEDIATE, "max_position_embeddings": POSITIONS,
        "model_type": "distilbert", "n_heads": HEADS, "n_layers": LAYERS, "pad_token_id": 0,
        "sinusoidal_pos_embds": False, "vocab_size": n_words,
    }


def write_text_files(folder, words, family):
    tokenizer = {
        "cls_token": "[CLS]", "do_lower_case": True, "mask_token": "[MASK]", "model_max_length": POSITIONS,
        "pad_token": "[PAD]", "sep_token": "[SEP]", "strip_accents": None, "tokenize_chinese_chars": True,
        "tokenizer_class": "BertTokenizer" if family == "bert" else "DistilBertTokenizer", "unk_token": "[UNK]",
    }
    (folder / "config.json").write_text(json.dumps(config_of(family, len(words)), indent=2) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer, indent=2) + "\n")
    (folder / "vocab.txt").write_text("".join(word + "\n" for word in words))


def check(folder, expected):
    import torch
    import transformers

    model = transformers.AutoModelForQuestionAnswering.from_pretrained(folder, attn_implementation="eager")
    model = model.double().eval()
    worst = 0.0
    for row in expected:
        inputs = {name: torch.tensor([row[name]]) for name in ("input_ids", "token_type_ids") if name in row}
        with torch.no_grad():
            out = model(**inputs)
        for name in ("start_logits", "end_logits"):
            worst = max(worst, float(numpy.abs(out[name][0].numpy() - numpy.array(row[name])).max()))
    print(f"largest difference to transformers {transformers.__version__} in float64: {worst:.1e}")
    assert worst < 1e-10


def make(folder, family, seed):
    folder.mkdir(parents=True, exist_ok=True)
    words = vocabulary()
    assert len(set(words)) == len(words)
    random = numpy.random.default_rng(seed)
    weights = tensors(random, len(words), family)
    write_safetensors(folder / "model.safetensors", weights)
    write_text_files(folder, words, family)
    expected = rows(random, weights, len(words), family)
    (folder / "expected.json").write_text(json.dumps({"rows": expected}) + "\n")
    size = (folder / "model.safetensors").stat().st_size
    print(f"{folder}: {len(words)} words, {size} bytes of weights, {len(expected)} rows")
    return expected


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=pathlib.Path, default=root / "tests/fixtures/nn")
    parser.add_argument("--check", action="store_true", help="compare with transformers")
    arguments = parser.parse_args()
    for family, seed in (("bert", 20), ("distilbert", 21)):
        folder = arguments.folder / ("tiny-" + family)
        expected = make(folder, family, seed)
        if arguments.check:
            check(folder, expected)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes tests/fixtures/text: small tokenizers and what the reference makes of texts with them.

    pip install tokenizers==0.22.2
    tools/make_text_fixtures.py tests/fixtures/text
"""
import json
import pathlib
import random
import sys

from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = ("the cat sat on a mat cafe naive paris Paris new york un believ able ##able ##ly run ##ning ##s page x ##x "
         "##y hello world it don t s dont i o σ ##σ ο ##ο Δ δ ##δ ß ﬁ 中 文 ##文 日 本 語 テ ##ス ##ト ハ ##ハ ᄀ ᄒ ##ᅡ "
         "##ᆫ ##ᆨ ##ᅮ é ##é e ##e ##\u0301 ##\u0327 \u0301 😀 ##😀 👩 👧 ❤ ##\ufe0f € ° ²").split()
MARKS = list("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") + list("“”–—…¿。、")
SINGLES = [c for c in "abcdefgh0123456789"]
VOCABULARY = list(dict.fromkeys(SPECIALS + WORDS + MARKS + SINGLES + ["##" + c for c in "abcdefgh0123456789"]))

TEXTS = ["", " ", "\t\n", "Hello, world!", "the cat sat on the mat", "don't dont it's", "café CAFE\u0301 cafe\u0301\u0327",
         "Paris paris PARIS", "unbelievably running", "page1\x0cpage2\x0bpage3\u0085x\x1cy", "中文 the日本語cat", "テスト バト",
         "한국 각", "👩\u200d👧 😀😀 ❤\ufe0f", "ΟΔΟΣ Σ σς", "İ ß ﬁ Straße", "a\u00a0b\u2028c\u3000d", "a\u200bb\u00adc\ufeffd",
         "\x00a\ufffdb\ue000", "“the” – cat…", "€5 ²° <a> [b] {c}", "[CLS] [SEP][MASK] [mask] [PAD]", "a" * 100, "a" * 101,
         "new york New York newyork", "x\u0327\u0301y x\u0301\u0327y", "aa\u0301\u0327\u0323b", "e\u0301e\u0327\u0301", "\u0301the", "#a ##a ###a",
         "the  cat\r\nsat", "\u1e69\u0323x", "a\u0f73b \u0344c", "xabx abc ab", "MiXeD cAsE 12ab"]
PIECES = ["the", "Cat", "e", "\u0301", "\u0327", "é", " ", "  ", "\t", ".", "-", "[SEP]", "[UNK]", "中", "文", "テ", "ト", "각", "\u200b", "😀",
          "\u00ad", "Σ", "İ", "ab", "x", "1", "\u3000", "\u0f73", "“", "€", "new york", "NEW YORK", "<go>", "\x0b", "\ufffd"]


def base(normalizer, pre=True):
    tokenizer = Tokenizer(models.WordPiece({t: i for i, t in enumerate(VOCABULARY)}, unk_token="[UNK]"))
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre:
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.add_special_tokens(SPECIALS)
    return tokenizer


def tokenizers():
    n = normalizers
    uncased = base(n.BertNormalizer())
    cased = base(n.BertNormalizer(lowercase=False))
    cased.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    keep = base(n.BertNormalizer(strip_accents=False))
    sequence = base(n.Sequence([n.Replace("ab", "xy"), n.Replace("``", '"'), n.NFD(), n.Lowercase(), n.StripAccents()]))
    unclean = base(n.BertNormalizer(clean_text=False, handle_chinese_chars=False))
    bare = base(None)
    whole = base(n.Lowercase(), pre=False)
    added = base(n.BertNormalizer())
    added.add_tokens([AddedToken("new york", single_word=True), AddedToken("<go>", lstrip=True, rstrip=True, normalized=False),
                      AddedToken("ab", normalized=False), "CAFÉ", AddedToken("x\u0327", normalized=False, rstrip=True)])
    added.add_special_tokens([AddedToken("[E1]", lstrip=True)])
    return dict(uncased=uncased, cased=cased, keep_accents=keep, sequence=sequence, unclean=unclean, bare=bare, whole=whole,
                added=added)


def rows(named, seed=7):
    rng = random.Random(seed)
    texts = TEXTS + ["".join(rng.choice(PIECES) for _ in range(rng.randrange(1, 9))) for _ in range(60)]
    for name, tokenizer in named.items():
        for text in texts:
            e = tokenizer.encode(text, add_special_tokens=False)
            yield dict(tokenizer=name, text=text, ids=e.ids, offsets=e.offsets, words=e.word_ids)


def windows(tokenizer):
    first, second = "the cat sat", "a b c d e f g h 0 1"
    cases = [(f, s, strategy, side, length, stride) for f, s in [(first, second), (second, first), (second, None), ("", second),
                                                                 (second, second)]
             for strategy in ("longest_first", "only_first", "only_second") for side in ("right", "left")
             for length, stride in [(3, 0), (4, 0), (6, 1), (7, 1), (8, 0), (9, 2), (10, 3), (16, 2), (64, 8)]]
    for f, s, strategy, side, length, stride in cases:
        row = dict(first=f, second=s, strategy=strategy, side=side, max_length=length, stride=stride)
        tokenizer.no_padding()
        try:
            tokenizer.enable_truncation(length, stride=stride, strategy=strategy, direction=side)
            e = tokenizer.encode(f, s)
            row["windows"] = [[w.ids, w.type_ids, w.special_tokens_mask] for w in [e, *e.overflowing]]
        except BaseException as error:  # the binding turns a panic into an exception of its own
            row["error"] = str(error)
        yield row


def paddings(tokenizer):
    for side in ("right", "left"):
        for length, multiple in [(None, None), (None, 8), (12, None), (12, 8), (3, None)]:
            tokenizer.enable_truncation(8, stride=1, strategy="only_second", direction="right")
            tokenizer.enable_padding(direction=side, pad_id=0, pad_token="[PAD]", length=length, pad_to_multiple_of=multiple)
            e = tokenizer.encode("the cat", "a b c d e f")
            yield dict(side=side, length=length, multiple=multiple,
                       windows=[[w.ids, w.type_ids, w.attention_mask, w.special_tokens_mask] for w in [e, *e.overflowing]])


def write_lines(path, items):
    path.write_text("".join(json.dumps(item, ensure_ascii=True, separators=(",", ":")) + "\n" for item in items))


def main():
    folder = pathlib.Path(sys.argv[1])
    named = tokenizers()
    for name, tokenizer in named.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        tokenizer.save(str(folder / name / "tokenizer.json"), pretty=False)
    write_lines(folder / "rows.jsonl", rows(named))
    write_lines(folder / "windows.jsonl", windows(tokenizers()["uncased"]))
    write_lines(folder / "paddings.jsonl", paddings(tokenizers()["uncased"]))
    (folder / "vocab.txt").write_text("".join(token + "\n" for token in VOCABULARY))


if __name__ == "__main__":
    main()

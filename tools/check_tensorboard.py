#!/usr/bin/env python3
"""Reads event files with TensorBoard's own reader and prints their scalars: proof that TensorBoard can show them.

    python3 tools/check_tensorboard.py RUN/tensorboard

Exit code 1 where a file is damaged or holds no scalar, 77 where TensorBoard is missing.
"""
import argparse
import pathlib
import sys

try:
    from tensorboard.backend.event_processing import event_accumulator, event_file_loader
except ImportError as error:
    print(f"TensorBoard's reader is missing ({error}): pip install tensorboard", file=sys.stderr)
    sys.exit(77)


def scalars_of(folder):
    """tag -> [(step, value)], and tag -> text, of the event files of one run in their order."""
    reader = event_accumulator.EventAccumulator(
        str(folder), size_guidance={event_accumulator.SCALARS: 0, event_accumulator.TENSORS: 0})
    reader.Reload()
    tags = reader.Tags()
    scalars = {tag: [(e.step, e.value) for e in reader.Scalars(tag)] for tag in tags["scalars"]}
    texts = {}
    for tag in tags["tensors"]:
        tensor = reader.Tensors(tag)[-1].tensor_proto
        if reader.SummaryMetadata(tag).plugin_data.plugin_name == "text":
            texts[tag] = tensor.string_val[0].decode()
        else:  # simple values, where the reader turns them into tensors
            scalars[tag] = [(e.step, e.tensor_proto.float_val[0]) for e in reader.Tensors(tag)]
    return scalars, texts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    files = sorted(folder.glob("*tfevents*"))
    if not files:
        print(f"{folder}: no event file", file=sys.stderr)
        return 1
    for file in files:
        n = sum(1 for _ in event_file_loader.EventFileLoader(str(file)).Load())
        print(f"{file.name}: {n} events")
    scalars, texts = scalars_of(folder)
    for tag, text in sorted(texts.items()):
        print(f"{tag}: {len(text)} characters")
    for tag, points in sorted(scalars.items()):
        print(f"{tag}: " + " ".join(f"{step}:{value:g}" for step, value in points))
    return 0 if scalars else 1


if __name__ == "__main__":
    sys.exit(main())

"""Make models of the classes that a corpus has few of: the accuracy of predictions is judged there.

    python bench/accuracy_models.py FOLDER

Float32 networks, and of each a float16, QDQ, QOperator and dynamically quantised variant;
recurrent networks, audio front ends and ensembles of trees; of the smaller sizes many take less
than 1 ms. All weights are random, the same each time. A file is called
``made_FAMILY_SIZE[.VARIANT].onnx``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import onnx
from accuracy_networks import NETWORKS
from accuracy_sequences import AUDIO, RECURRENT
from accuracy_trees import TREES
from onnx import ModelProto
from precisions import CALIBRATION, variants

from ocost.graph import from_proto
from ocost.graph.shapes import infer
from ocost.runtime.feeds.inputs import make_feeds

_SUFFIX = {"float16": "fp16", "qdq": "qdq", "qop": "qop", "dynamic": "dynq"}
Makers = Mapping[Callable[[int], ModelProto], Sequence[int]]


def sized(makers: Makers) -> Iterator[tuple[str, ModelProto]]:
    """Each model in each size, with its name."""
    for make, sizes in makers.items():
        for size in sizes:
            yield f"made_{make.__name__}_{size}", make(size)


def models() -> Iterator[tuple[str, ModelProto]]:
    """All models, with their names."""
    for name, model in sized(NETWORKS):
        graph = from_proto(model)
        shapes = infer(graph)
        feeds = [make_feeds(graph, shapes, seed=seed) for seed in range(CALIBRATION)]
        for variant, other in variants(model, feeds):
            suffix = _SUFFIX.get(variant)
            yield (f"{name}.{suffix}" if suffix else name), other
    for makers in (RECURRENT, AUDIO, TREES):
        yield from sized(makers)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write them into a folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, model in models():
        onnx.save(model, options.folder / f"{name}.onnx")
        print(name, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())

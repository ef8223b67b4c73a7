"""Graphs that other builds of onnxruntime saved, by which the lowering rules are judged.

Kept without weights in ``tests/passes/lowering/saved.json.gz``: what another release saved, and
what this one saved where it was told that the processor has no AVX-512 (under ``valgrind
--tool=none``), so that channels are in blocks of 8. A release is one that lies in a folder, as
``pip install --target FOLDER onnxruntime==1.24.4`` makes it.

    python bench/lowering_saved.py save models/ -o saved.json.gz [--packages FOLDER] [--valgrind]
    python bench/lowering_saved.py keep saved.json.gz --differing 1.24 1.32 --blocks 1.32/8
    python bench/lowering_saved.py            # how far the rules agree with what is kept
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from lowering import agreement, entries
from onnx import ModelProto, TensorProto
from tables import table

from ocost.costmodel.catalogue import find
from ocost.costmodel.executed import executed_cost
from ocost.graph import Graph, OcostError, from_proto, load
from ocost.graph.tensor import every_tensor
from ocost.lineage.attribution import attribute
from ocost.passes.lowering import Target, lower
from ocost.runtime.naming import named

KEPT = Path(__file__).parent.parent / "tests" / "passes" / "lowering" / "saved.json.gz"
SMALL = 64  # elements of a constant that is kept
_FIELDS = ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data")
_READ = {TensorProto.INT32: 4, TensorProto.INT64: 8}  # bytes of an element
# Needs no more than the release itself, which may be of another Python environment.
_CHILD = """
import sys
import onnxruntime as ort
ort.set_default_logger_severity(4)
print(ort.__version__, flush=True)
for line in sys.stdin:
    source, target = line.rstrip("\\n").split("\\t")
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.optimized_model_filepath = target
    try:
        ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        print("ok", flush=True)
    except Exception as error:
        print(str(error).replace("\\n", " "), flush=True)
"""


def stripped(model: ModelProto) -> bytes:
    """A model without the contents of its larger constants; integers, which are read, are 0."""
    for tensor in every_tensor(model):
        size = int(np.prod(tensor.dims, dtype=np.int64))
        if size > SMALL:
            for field in _FIELDS:
                tensor.ClearField(field)
            if tensor.data_type in _READ:
                tensor.raw_data = bytes(size * _READ[tensor.data_type])
    del model.metadata_props[:]
    return model.SerializeToString()


def packed(model: ModelProto) -> str:
    """The same as text."""
    return base64.b64encode(gzip.compress(stripped(model), mtime=0)).decode("ascii")


def unpacked(text: str) -> Graph:
    """The graph of such a text."""
    return from_proto(ModelProto.FromString(gzip.decompress(base64.b64decode(text))))


def read(path: Path = KEPT) -> dict[str, Any]:
    """Graphs by name, and what was saved of them by version (and block) and name."""
    found: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return found


def write(path: Path, kept: dict[str, Any]) -> None:
    """Write such a file."""
    path.write_bytes(gzip.compress(json.dumps(kept, indent=0).encode(), mtime=0))


def save(models: Sequence[Path], packages: str, *, valgrind: bool) -> dict[str, Any]:
    """What a release saves of models."""
    command = [sys.executable, "-c", _CHILD]
    if valgrind:
        command = ["valgrind", "--tool=none", "-q", *command]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    if packages:
        environment["PYTHONPATH"] = packages
    graphs, saved = {}, {}
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        ) as child,
    ):
        assert child.stdin is not None
        assert child.stdout is not None
        version = ".".join(child.stdout.readline().split(".")[:2])
        for path in models:
            source, target = Path(folder) / "model.onnx", Path(folder) / "saved.onnx"
            try:
                graph = load(path)
                onnx.save(named(graph), source)
            except (OcostError, ValueError) as error:
                print(f"{path}: {error}", file=sys.stderr)
                continue
            child.stdin.write(f"{source}\t{target}\n")
            child.stdin.flush()
            answer = child.stdout.readline().strip()
            print(path.stem, answer, flush=True)
            if answer == "ok":
                graphs[path.stem] = packed(named(graph))
                saved[path.stem] = packed(onnx.load(target))
        child.stdin.close()
    key = f"{version}/8" if valgrind else version
    return {"graphs": graphs, "saved": {key: saved}}


def keep(parts: Sequence[dict[str, Any]], differing: Sequence[str], blocks: str) -> dict[str, Any]:
    """Twenty graphs of each kind, the smallest of those that two columns differ in first."""
    graphs = {name: text for part in parts for name, text in part["graphs"].items()}
    saved = {key: found for part in parts for key, found in part["saved"].items()}

    def chosen(one: str, two: str) -> list[str]:
        names = [n for n in saved[one] if n in saved.get(two, {})]
        unlike = [n for n in names if operators(saved[one][n]) != operators(saved[two][n])]
        rest = [n for n in names if n not in unlike]
        return [*sorted(unlike, key=lambda n: len(graphs[n])), *rest][:20]

    names = {key: chosen(*differing) for key in differing}
    if blocks:
        names[blocks] = chosen(blocks, blocks.split("/", maxsplit=1)[0])
    return {
        "graphs": {n: graphs[n] for n in sorted({n for of in names.values() for n in of})},
        "saved": {key: {n: saved[key][n] for n in sorted(of)} for key, of in names.items()},
    }


def operators(text: str) -> list[tuple[str, str, tuple[int, ...]]]:
    """Domain, operator and shape of the weights of each node, sorted."""
    graph = unpacked(text)
    found = []
    for node in graph:
        weights = graph.constant(node.inputs[1]) if len(node.inputs) > 1 else None
        found.append((node.domain, node.op_type, () if weights is None else weights.shape))
    return sorted(found)


def target_of(key: str) -> Target:
    """The target of a column: a version, and the block if it isn't 16."""
    version, _, block = key.partition("/")
    major, minor = version.split(".")
    return Target(version=(int(major), int(minor)), block=int(block or 16))


def compared(graph: Graph, saved: Graph, target: Target) -> tuple[float, float]:
    """The share of nodes that agree, and the executed traffic by rules over that of the graph."""
    device = find("x86-server-core")
    lineage, lowered = attribute(graph, saved), lower(graph, target)
    share = agreement(entries(saved, lineage), entries(lowered.graph, lowered.lineage))
    rules = executed_cost(
        graph, lowered.graph, lowered.lineage, device, channels=lowered.blocked
    ).totals
    ran = executed_cost(graph, saved, lineage, device).totals
    return share, (rules.traffic_bytes or 0) / (ran.traffic_bytes or 1)


def rows(kept: dict[str, Any]) -> Iterator[tuple[str, str, float, float]]:
    """Column, graph, agreement and ratio of traffic."""
    for key, saved in kept["saved"].items():
        for name, text in saved.items():
            found = compared(unpacked(kept["graphs"][name]), unpacked(text), target_of(key))
            yield (key, name, *found)


def summary(kept: dict[str, Any]) -> str:
    """A table by column."""
    found = list(rows(kept))
    lines = []
    for key in kept["saved"]:
        shares = [share for k, _, share, _ in found if k == key]
        ratios = [ratio for k, _, _, ratio in found if k == key]
        near = sum(abs(ratio - 1) <= 0.02 for ratio in ratios)
        version, _, block = key.partition("/")
        median, worst = 100 * statistics.median(shares), 100 * min(shares)
        row = [version, block or "16", str(len(shares)), f"{median:.1f}", f"{worst:.1f}"]
        lines.append([*row, f"{near} of {len(ratios)}"])
    heads = ["version", "block", "graphs", "median %", "worst %", "traffic within 2 %"]
    return table(heads, lines)


def main(arguments: Sequence[str]) -> int:
    """Save, keep, or compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command")
    saving = commands.add_parser("save")
    saving.add_argument("models", nargs="+", type=Path, help="files, or folders of them")
    saving.add_argument("-o", "--output", type=Path, required=True)
    saving.add_argument("--packages", default="", help="the folder of another release")
    saving.add_argument("--valgrind", action="store_true", help="without AVX-512")
    keeping = commands.add_parser("keep")
    keeping.add_argument("parts", nargs="+", type=Path, help="what save wrote")
    keeping.add_argument("--differing", nargs=2, required=True, help="two columns")
    keeping.add_argument("--blocks", default="", help="a column of another block")
    options = parser.parse_args(arguments)
    if options.command == "save":
        found = [
            path
            for place in options.models
            for path in (sorted(place.rglob("*.onnx")) if place.is_dir() else [place])
        ]
        write(options.output, save(found, options.packages, valgrind=options.valgrind))
    elif options.command == "keep":
        write(KEPT, keep([*map(read, options.parts)], options.differing, options.blocks))
    else:
        for key, name, share, ratio in rows(read()):
            print(f"{key:8}{name:45}{100 * share:6.1f} %  traffic {ratio:.3f}")
        print(summary(read()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

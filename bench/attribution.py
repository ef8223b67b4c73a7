"""Attribute every graph of a corpus to its original and write what was found to a Markdown page.

Each model is opened in onnxruntime at every level, in a process of its own. At the highest level
it is profiled as well. With ``--values`` the tensors that attribution links are compared.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import onnx
from anchor_values import Values, check
from attribution_page import Entry, Mapped, Times, page
from onnx import ModelProto
from tables import model_files

from ocost.graph import Graph, OcostError, load
from ocost.graph.shapes import infer
from ocost.lineage.attribution import attribute
from ocost.lineage.lineage import Lineage
from ocost.runtime.feeds.inputs import make_feeds
from ocost.runtime.naming import named
from ocost.runtime.onnxruntime.profile import take_profile
from ocost.runtime.onnxruntime.session import open_session
from ocost.runtime.protocol import Feeds, Options, SessionLevel

PAGE = Path(__file__).parents[1] / "docs" / "attribution.md"
RUNS, BUDGET_S = 10, 0.3  # the shares of the time are asked for, not the time
REPEATS = 3  # of attribution, for its own time's sake


def examine(file: Path, values: bool) -> Entry:
    """A model's row; runs in a process of its own."""
    nodes = 0
    mapped: dict[SessionLevel, Mapped] = {}
    compared: dict[SessionLevel, Values | str] = {}
    try:
        graph = load(file)
        nodes = sum(1 for _ in graph.walk())
        model = named(graph)
        feeds = make_feeds(graph, infer(graph))
        times = profile(graph, model, feeds)
        for level in SessionLevel:
            found, seconds, saved = attributed(graph, model, level, weights=values)
            mapped[level] = summary(found, seconds)
            if saved is not None and level is not SessionLevel.DISABLE:
                compared[level] = compare(model, saved, found.tensors, feeds)
    except OcostError as error:
        return Entry(file.stem, nodes, reason=str(error).replace(str(file), file.name))
    return Entry(file.stem, nodes, mapped, times, compared)


def attributed(
    graph: Graph, model: ModelProto, level: SessionLevel, *, weights: bool
) -> tuple[Lineage, float, ModelProto | None]:
    """The attribution at a level, its CPU seconds and, if asked for, the optimised model."""
    with tempfile.TemporaryDirectory(prefix="ocost-") as folder:
        saved = Path(folder) / "optimized.onnx"
        open_session(model, Options(level=level), optimized=saved)
        optimized = load(saved)
        times = []
        for _ in range(REPEATS):
            gc.collect()
            start = time.thread_time()
            found = attribute(graph, optimized)
            times.append(time.thread_time() - start)
        return found, min(times), onnx.load(saved) if weights else None


def summary(found: Lineage, seconds: float) -> Mapped:
    """What there is to say of an attribution."""
    missing = tuple(name for name, fate in found.originals.items() if fate == "missing")
    return Mapped(
        seconds,
        Counter(node.status for node in found.executed),
        Counter(found.originals.values()),
        missing,
        Counter(node.op_type for node in found.executed if node.status == "unmapped"),
    )


def profile(graph: Graph, model: ModelProto, feeds: Feeds) -> Times:
    """The time of the executed nodes by how they are attributed."""
    taken = take_profile(model, Options(), feeds, runs=RUNS, budget_s=BUDGET_S)
    status = {node.name: node.status for node in attribute(graph, taken.optimized).executed}
    spent: Counter[str] = Counter()
    for node in taken.nodes:
        if node.name in status:
            spent[status[node.name]] += node.seconds
    return Times(taken.latency.latency_s, spent)


def compare(
    model: ModelProto, saved: ModelProto, tensors: Mapping[str, str], feeds: Feeds
) -> Values | str:
    """The comparison, or why there is none: onnxruntime may refuse what it saved itself."""
    try:
        return check(model, saved, tensors, feeds)
    except OcostError as error:
        return str(error)


def answer(sender: Connection, file: Path, values: bool) -> None:
    """Send a model's row."""
    try:
        entry = examine(file, values)
    except Exception as error:  # it is a fault, but the other models are still to come
        entry = Entry(file.stem, 0, reason=repr(error), failed=True)
    sender.send(entry)


def apart(file: Path, values: bool) -> Entry:
    """A model's row, whatever happens to the process that makes it."""
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=answer, args=(sender, file, values))
    process.start()
    sender.close()  # the process has the only one left: without an answer the pipe just ends
    try:
        entry: Entry = receiver.recv()
    except EOFError:
        entry = Entry(file.stem, 0, reason="its process ended without an answer", failed=True)
    process.join()
    if process.exitcode:
        reason = f"its process ended with code {process.exitcode}"
        return Entry(file.stem, 0, reason=reason, failed=True)
    return entry


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="+", help="or a model")
    parser.add_argument("-o", "--output", type=Path, default=PAGE, help="the page to write")
    parser.add_argument("--values", action="store_true", help="compare tensors too; takes longer")
    options = parser.parse_args(arguments)
    entries = []
    files = model_files(options.folder)
    for number, file in enumerate(files, 1):
        print(f"{number} of {len(files)}: {file.stem}", file=sys.stderr)
        entries.append(apart(file, options.values))
        for line in entries[-1].shortcomings():
            print(f"  {line}", file=sys.stderr)
    if not entries:
        print(f"{options.folder[0]}: no model to attribute", file=sys.stderr)
        return 1
    options.output.write_text(page(entries), encoding="utf-8")
    return int(any(entry.shortcomings() for entry in entries))


if __name__ == "__main__":
    sys.exit(main())

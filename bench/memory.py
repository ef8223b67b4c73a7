"""Memory of a session, predicted and measured: the arena's peak, and what a process grows by.

Each model is filled with weights, and run at each batch and number of threads that it takes. What
is predicted comes from the file alone. The arena's peak is read from onnxruntime's profile of a
first run; the growth is the peak of a process that opens and runs the model, over that of one that
does so with a model of one node, the middle of three. A point is met within 5 % or 1 MiB.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tables import environment, model_files, table

from ocost import cost, find_device
from ocost.graph import Graph, OcostError, load
from ocost.graph.shapes import Given, infer, resized
from ocost.graph.write import write
from ocost.runtime.feeds.inputs import make_feeds
from ocost.runtime.naming import named
from ocost.runtime.onnxruntime.arena import arena_peak
from ocost.runtime.onnxruntime.growth import process_growth
from ocost.runtime.protocol import Options

SHARE, SLACK = 0.05, 2**20
MEASURED = 3
_PAGE = """# Memory of a session: predicted and measured

`bench/memory.py` predicts by rules what a session takes, and measures it with onnxruntime: see
[memory](memory.md) for what the two figures are. Models are listed by family, the name up to the
first dot. {where}

{said}

{table}
"""


class Point(NamedTuple):
    """A model at a batch and a number of threads: predicted and measured, in bytes.

    ``between`` is the interval of what the process grows by.
    """

    model: str
    batch: int
    threads: int
    arena: tuple[int, int]
    process: tuple[int, int]
    between: tuple[int, int]


def met(predicted: int, measured: int) -> bool:
    """Whether a prediction is near enough."""
    return abs(predicted - measured) <= max(SHARE * measured, SLACK)


def givens(graph: Graph, batches: Sequence[int]) -> Iterator[tuple[int, Given]]:
    """The sizes of the inputs at each batch that can be asked for.

    A model that fixes its batch, and has inputs that don't start with one, is run as it is.
    """
    names = [name for name in graph.inputs if name not in graph.initializers]
    dims = {n: graph.declared[n].type.tensor_type.shape.dim for n in names}
    symbols = {d[0].dim_param for d in dims.values() if d and d[0].dim_param}
    fixed = all(d and all(x.HasField("dim_value") for x in d) for d in dims.values())
    for batch in batches:
        if symbols:
            yield batch, Given(dims=dict.fromkeys(symbols, batch))
        elif batch == 1:
            yield batch, Given()
        elif fixed and all(d[0].dim_value == 1 for d in dims.values()):
            yield batch, Given({n: (batch, *(x.dim_value for x in d[1:])) for n, d in dims.items()})


def points(file: Path, batches: Sequence[int], threads: Sequence[int]) -> Iterator[Point]:
    """All points of a model that it takes."""
    graph = load(file)
    for batch, given in givens(graph, batches):
        try:
            feeds = make_feeds(graph, infer(graph, given))
            runnable = resized(graph, given)
        except OcostError:
            continue  # a Reshape in it fixes the batch
        with tempfile.TemporaryDirectory() as folder:
            filled = Path(folder) / "model.onnx"
            write(runnable, filled)
            for count in threads:
                options = Options(threads=count)
                device = find_device("host", count)
                told = cost(graph, device, given=given, level="executed").footprint()
                arena = arena_peak(named(runnable), options, feeds)
                grown = [process_growth(filled, options, feeds) for _ in range(MEASURED)]
                peaks = [one.peak_bytes for one in grown if one is not None]
                if told.arena_peak_bytes is None or told.process_growth_bytes is None:
                    print(f"{file.stem}: {told.reason}", file=sys.stderr)
                elif arena is not None and peaks:
                    yield Point(
                        file.stem,
                        batch,
                        count,
                        (told.arena_peak_bytes, arena.peak_bytes),
                        (told.process_growth_bytes, int(statistics.median(peaks))),
                        (told.process_growth_low_bytes or 0, told.process_growth_high_bytes or 0),
                    )


def summary(found: Sequence[Point]) -> str:
    """How many points are met."""
    arena = sum(met(*p.arena) for p in found)
    process = sum(met(*p.process) for p in found)
    between = sum(p.between[0] <= p.process[1] <= p.between[1] for p in found)
    near = statistics.median(abs(a / b - 1) for a, b in (p.process for p in found)) * 100
    return (
        f"Within 5 % or 1 MiB: the arena's peak in {arena} of {len(found)} points, the process's "
        f"growth in {process}, off by {near:.1f} % in the middle. Its interval holds {between}."
    )


def row(point: Point) -> list[str]:
    """A point in the table, in MiB."""
    cells = [point.model, str(point.batch), str(point.threads)]
    for predicted, measured in (point.arena, point.process):
        off = f"{(predicted / measured - 1) * 100:+.1f}" if measured else "-"
        mark = "" if met(predicted, measured) else " !"
        cells += [f"{predicted / 2**20:.2f}", f"{measured / 2**20:.2f}", f"{off}{mark}"]
    return cells


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line a point, and how many are met."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("models", type=Path, nargs="+", help="models, or folders of them")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("-o", "--output", type=Path, help="the page to write")
    options = parser.parse_args(arguments)
    found = []
    for file in model_files(options.models):
        try:
            for point in points(file, options.batches, options.threads):
                found.append(point)
                print(*row(point), file=sys.stderr, flush=True)
        except OcostError as error:
            print(f"{file.stem}: {error}", file=sys.stderr)
    if not found:
        return 1
    heads = ["model", "batch", "threads"]
    heads += [f"{what} {of}" for what in ("arena", "process") for of in ("told", "taken", "%")]
    print(summary(found))
    if options.output:
        listed = table(heads, map(row, found))
        page = _PAGE.format(where=environment("onnxruntime"), said=summary(found), table=listed)
        options.output.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

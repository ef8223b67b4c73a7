"""Time and memory of costing a model: ocost against tools that do a comparable job."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from measuring import BARE, COLUMNS, OURS, Cell, Row, installed, measure
from processes import BASE, COMMAND, INFO
from tables import environment, model_files, table

from ocost.graph import OcostError
from ocost.models import samples

PACKAGES = ("ocost", "onnx", "onnxsim", "onnx-tool", "numpy", "protobuf")
ENDS = (("**median**", median), ("**max**", max))

Figure = Callable[[Cell], float]


def best(cell: Cell) -> float:
    return min(cell.times)


def typical(cell: Cell) -> float:
    return median(cell.times)


def text(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def ends(rows: Sequence[Row], peers: Sequence[str], figure: Figure) -> list[list[str]]:
    """Median and maximum over the models of ocost's figure over each peer's."""
    columns = [[r for row in rows if (r := row.ratio(peer, figure)) is not None] for peer in peers]
    return [[name, *(text(end(c)) if c else "-" for c in columns)] for name, end in ENDS]


def start_up(rows: Sequence[Row], names: Sequence[str]) -> str:
    def over_models(name: str, figure: Figure, end: Callable[[list[float]], float]) -> float:
        return end([figure(row.cells[name]) for row in rows if name in row.cells])

    figures: tuple[Figure, ...] = (lambda c: c.import_wall, lambda c: c.import_cpu)
    lines = []
    for name in names:
        if name == BARE:  # the same imports
            continue
        taken = [over_models(name, figure, median) for figure in figures]
        first = over_models(name, lambda c: max(0.0, c.cold - best(c)), min)
        ratios = ["-", "-"]
        if OURS in names:
            ours = [over_models(OURS, figure, median) for figure in figures]
            ratios = [text(a / b) for a, b in zip(ours, taken, strict=True)]
        lines.append([name, *(text(t * 1e3, 0) for t in (*taken, first)), *ratios])
    headers = ["tool", "import ms", "CPU ms", "first call adds ms", "ocost / it", "by CPU"]
    return table(headers, lines)


def work(rows: Sequence[Row], names: Sequence[str], peers: Sequence[str]) -> list[str]:
    times, ratios = [], []
    for row in rows:
        found = [row.cells.get(name) for name in names]
        taken = [f"{best(c) * 1e3:.1f} ({typical(c) * 1e3:.1f})" if c else "-" for c in found]
        times.append([row.name, row.nodes, text(row.megabytes, 1), row.rounds, *taken])
        beyond = row.beyond(best)
        ratios.append([row.name, *(text(row.ratio(p, best)) for p in peers), text(beyond, 1)])
    last = ends(rows, peers, best)
    known = [b for row in rows if (b := row.beyond(best)) is not None]
    for line, (_, end) in zip(last, ENDS, strict=True):
        line.append(text(end(known), 1) if known else "-")
    over = [f"ocost / {peer}" for peer in peers]
    return [
        "## Work: ms, best (median) of N",
        table(["model", "nodes", "MB", "N", *names], times),
        "## Work: ratios of the best times",
        table(["model", *over, "us a node beyond"], ratios + last),
        "By the medians of N:",
        table(["", *over], ends(rows, peers, typical)),
        "Of fresh processes, from the first import to the end of the first call:",
        table(["", *over], ends(rows, peers, lambda c: c.import_wall + c.cold)),
    ]


def memory(rows: Sequence[Row], names: Sequence[str], peers: Sequence[str]) -> list[str]:
    lines = []
    for row in rows:
        found = [row.cells.get(name) for name in names]
        taken = [f"{c.above / 1e6:.1f} ({c.peak / 1e6:.0f})" if c else "-" for c in found]
        lines.append([row.name, *taken])
    over = [f"ocost / {peer}" for peer in peers]
    return [
        "## Memory: peak MB above what the imports left (of the whole process)",
        table(["model", *names], lines),
        "Ratios of what is above the imports:",
        table(["", *over], ends(rows, peers, lambda c: c.above)),
        "Ratios of whole processes:",
        table(["", *over], ends(rows, peers, lambda c: c.peak)),
    ]


def whole(rows: Sequence[Row]) -> list[str]:
    """CPU of whole processes by their medians, and what ``ocost cost`` takes of the others'."""
    peers, lines = (BASE, INFO), []
    ratios: dict[str, list[float]] = {peer: [] for peer in peers}
    for row in rows:
        taken = {name: median(times) for name, times in row.processes.items() if times}
        if COMMAND not in taken:
            continue
        over = {peer: taken[COMMAND] / taken[peer] for peer in peers if peer in taken}
        for peer, ratio in over.items():
            ratios[peer].append(ratio)
        times = [text(taken[n] * 1e3, 0) if n in taken else "-" for n in (COMMAND, *peers)]
        lines.append([row.name, len(row.processes[COMMAND]), *times])
        lines[-1] += [text(over.get(peer)) for peer in peers]
    if not lines:
        return []
    for name, end in ENDS:
        found = [text(end(ratios[peer])) if ratios[peer] else "-" for peer in peers]
        lines.append([name, *[""] * 4, *found])
    headers = ["model", "N", COMMAND, *peers, *(f"ocost / {peer}" for peer in peers)]
    return ["## Whole processes: ms of CPU, median of N", table(headers, lines)]


def report(rows: Sequence[Row]) -> str:
    names = [name for name in COLUMNS if any(name in row.cells for row in rows)]
    peers = [name for name in names if name != OURS]
    parts = ["## Start-up", start_up(rows, names), *work(rows, names, peers)]
    parts += [*memory(rows, names, peers), *whole(rows)]
    notes = [f"* {row.name}: {note}" for row in rows for note in row.notes]
    return "\n\n".join([*parts, *(["## Left out", "\n".join(notes)] if notes else [])])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", type=Path, help="files or folders; else the samples")
    parser.add_argument("--seconds", type=float, default=60, help="how long to measure in all")
    parser.add_argument("--processes", type=int, default=10, help="runs of whole processes each")
    options = parser.parse_args(arguments)
    files = model_files(options.models) or [sample.path for sample in samples()]
    print(f"{environment(*PACKAGES)}\n", flush=True)
    tools = list(installed())
    rows = []
    for file in files:
        try:
            rows.append(measure(file, tools, options.seconds / len(files), options.processes))
        except OcostError as error:
            print(f"left out: {error}\n")
    if not rows:
        return 1
    print(report(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())

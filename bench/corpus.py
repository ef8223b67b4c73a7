"""Cost every graph of a corpus and write the figures to a Markdown page.

A corpus is a folder of ``ARCHITECTURE[.VARIANT...].onnx``, in it or in its ``packed`` folder. A
``REFERENCE.tsv`` in it says what others count: columns ``model`` (an architecture),
``gmacs_torchvision_meta`` and ``gflops_flop_counter``.
"""

from __future__ import annotations

import argparse
import csv
import gc
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from corpus_page import Entry, page
from tables import model_files

from ocost.costmodel import Device, cost_graph
from ocost.costmodel.catalogue import find
from ocost.graph import OcostError, load

DEVICE = "x86-server-core"
PAGE = Path(__file__).parents[1] / "docs" / "corpus.md"
RUNS = 3


def measure(file: Path, device: Device) -> Entry:
    """Cost a model, several times for the time's sake."""
    times = []
    for _ in range(RUNS):
        gc.collect()
        start = time.perf_counter()
        cost = cost_graph(load(file), device)
        times.append(time.perf_counter() - start)
    return Entry(file.stem, cost.model.nodes, cost.totals, cost.coverage, min(times))


def reference(folder: Path) -> list[dict[str, str]]:
    """The rows of ``REFERENCE.tsv``; none where there is no such file."""
    path = folder / "REFERENCE.tsv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=PAGE, help="the page to write")
    options = parser.parse_args(arguments)
    device = find(DEVICE)
    files = model_files([options.folder])
    entries = []
    for file in files:
        try:
            entries.append(measure(file, device))
        except OcostError as error:
            print(error, file=sys.stderr)
    if not entries:
        print(f"{options.folder}: no model that can be costed", file=sys.stderr)
        return 1
    text = page(entries, reference(options.folder), DEVICE, RUNS)
    options.output.write_text(text, encoding="utf-8")
    return int(len(entries) < len(files))


if __name__ == "__main__":
    sys.exit(main())

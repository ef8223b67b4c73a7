"""Optimise models and see whether the ledger sums exactly, in the file and as executed.

Passes and onnxsim run as ``ocost optimize`` runs them, outputs are not compared. Ends with 1 if a
ledger leaves anything, with 2 if a model can't be optimised.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tables import model_files, table

from ocost.compare import diff_graphs
from ocost.costmodel.catalogue import find
from ocost.graph import OcostError, load
from ocost.ledger.executed import Ledger
from ocost.optimize.pays import Judge
from ocost.optimize.pipeline import run
from ocost.optimize.plan import plan

EFFECTS = ("net", "runtime", "enables", "hinders")


class Row(NamedTuple):
    """A model's ledger."""

    name: str
    ledger: Ledger
    seconds: float  # of both graphs' costs at both levels, the ledger included

    @property
    def left(self) -> list[str]:
        """What no entry accounts for."""
        residual = self.ledger.residual
        return [f"{level}.{f} {v:+}" for level in residual for f, v in residual[level].items() if v]

    @property
    def effects(self) -> Counter[str]:
        """How many rewrites come to what."""
        return Counter(entry.effect or "unknown" for entry in self.ledger.entries)


def examine(file: Path, device: str) -> Row:
    """Optimise a model and keep its books.

    Raises
    ------
    OcostError
        If it can't be read, or is broken.
    """
    where, graph = find(device), load(file)
    made = run(graph, plan(pays=Judge(where).pays), where)
    written = Ledger(tuple(made.entries), (), {"written": made.residual})
    start = time.perf_counter()
    diff = diff_graphs(graph, made.graph, where, ledger=written)
    return Row(file.stem, diff.ledger, time.perf_counter() - start)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("models", type=Path, nargs="+", help="files, or folders of them")
    parser.add_argument("--device", default="x86-server-core")
    options = parser.parse_args(arguments)
    rows, failed = [], 0
    for file in model_files(options.models):
        try:
            rows.append(examine(file, options.device))
        except OcostError as error:
            failed += 1
            print(f"{file.stem}: {error}", file=sys.stderr)
    print(
        table(["model", "rewrites", *EFFECTS, "jointly", "largest", "s", "left"], map(_cells, rows))
    )
    total = sum((row.effects for row in rows), Counter[str]())
    odd = sum(bool(row.left) for row in rows)
    known = sum("executed" in row.ledger.residual for row in rows)
    print(f"\n{len(rows)} models, {known} known as executed; {odd} leave something; {dict(total)}")
    return 2 if failed else int(bool(odd))


def _cells(row: Row) -> list[object]:
    entries, joints = row.ledger.entries, row.ledger.joints
    return [
        row.name,
        len(entries),
        *(row.effects[effect] for effect in EFFECTS),
        sum(len(joint.members) for joint in joints),
        max((len(joint.members) for joint in joints), default=0),
        f"{row.seconds:.2f}",
        ", ".join(row.left) or "nothing",
    ]


if __name__ == "__main__":
    sys.exit(main())

"""What a model and each of its nodes take in onnxruntime, measured so that noise hardly counts.

A machine that others share only ever adds to a time. So what counts is a mean over the smaller
ones, of many runs, in two processes minutes apart (``accuracy_taking.py``).
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ocost.graph import Graph
from ocost.graph.shapes import Given
from ocost.lineage.lineage import Lineage
from ocost.runtime.profiles import Trips

LONG_US = 100  # of which the profiler's whole microseconds are a small part
AROUND_US = 500  # on either side of a short node, what tells how fast the machine was
PROCESSES = 5  # at most for a model
AGREED = 0.05  # that the two fastest may differ by

Floats = npt.NDArray[np.float64]
Step = tuple[Path, int]  # a model and the number of the process


@dataclass(frozen=True)
class Truth:
    """A model measured in one process.

    Parameters
    ----------
    optimized
        The graph that was executed.
    attribution
        Of its nodes to those of the file.
    given
        Shapes of the inputs, and contents of small ones.
    names, seconds, events
        Of the executed nodes, in order: paths, seconds with what the profiler adds, events a run.
    total_s
        Of a run without the profiler.
    trips
        Of loops, by path.
    """

    optimized: Graph
    attribution: Lineage
    given: Given
    names: tuple[str, ...]
    seconds: Floats
    events: Floats
    total_s: float
    trips: Trips


def lower_mean(samples: npt.ArrayLike, share: float) -> float:
    """The mean of that share of the samples, the smallest; of three at least."""
    ordered = np.sort(np.asarray(samples, dtype=np.float64))
    return float(ordered[: max(3, int(share * len(ordered)))].mean())


def typical_us(table: Floats, share: float) -> Floats:
    """What nodes take when nothing slows them down, from whole microseconds of many runs.

    Of a long node its fastest runs count. Of a short one those would be the ones of which most was
    cut off: there those runs count in which the nodes around it were fastest.

    Parameters
    ----------
    table
        Microseconds, shape (runs, nodes), in the order of execution.
    share
        Of the runs that count; three at least.
    """
    runs, nodes = table.shape
    sums = np.concatenate([np.zeros((runs, 1)), np.cumsum(table, axis=1)], axis=1)
    usual = np.concatenate([[0.0], np.cumsum(table.mean(axis=0))])
    count = max(3, int(share * runs))
    found = np.empty(nodes)
    for at in range(nodes):
        own = table[:, at]
        if nodes == 1 or usual[at + 1] - usual[at] >= LONG_US:
            found[at] = lower_mean(own, share)
            continue
        low = max(0, min(at, int(np.searchsorted(usual, usual[at] - AROUND_US))))
        high = min(nodes, max(at + 1, int(np.searchsorted(usual, usual[at + 1] + AROUND_US))))
        around = sums[:, high] - sums[:, low] - own
        found[at] = own[np.argsort(around, kind="stable")[:count]].mean()
    return found


def bias(truths: Sequence[Truth]) -> float:
    """Seconds that the profiler adds to an event, as models without it say.

    (Sum of the nodes - the run without) / events, the median over the models, each weighing as
    much as it tells: events for a second. Never below 0.
    """
    if not truths:
        return 0.0
    events = np.array([truth.events.sum() for truth in truths])
    runs = np.array([truth.total_s for truth in truths])
    found = (np.array([truth.seconds.sum() for truth in truths]) - runs) / events
    order = np.argsort(found)
    weights = np.cumsum((events / runs)[order])
    middle = int(np.searchsorted(weights, weights[-1] / 2))
    return max(0.0, float(found[order][middle]))


class Kept:
    """The folder of what was measured: a pickle for each model and process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read: dict[Step, Truth | str] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, step: Step) -> Path:
        """Of what one process measured."""
        return self.folder / f"{step[0].stem}@{step[1]}.pickle"

    def missing(self, files: Sequence[Path]) -> list[Step]:
        """What is to be measured next: each model in one process, then in another.

        A machine can be slow for minutes. So a model of which the two fastest processes differ is
        measured again, a few times at most.
        """
        for number in range(1, PROCESSES + 1):
            steps = [(file, number) for file in files]
            left = [step for step in steps if not self.path(step).exists()]
            if number > 2:
                left = [step for step in left if not self._agree(step[0])]
            if left:
                return left
        return []

    def _agree(self, file: Path) -> bool:
        found = self.pair(file)
        if isinstance(found, str):
            return True  # it will not get better
        one, other = sorted(truth.total_s for truth in found)
        return other <= (1 + AGREED) * one

    def pair(self, file: Path) -> tuple[Truth, Truth] | str:
        """What the two fastest processes measured, in their order, or why one could not."""
        steps = ((file, number) for number in range(1, PROCESSES + 1))
        truths: list[Truth] = []
        for step in steps:
            if self.path(step).exists():
                found = self.read(step)
                if isinstance(found, str):
                    return found
                truths.append(found)
        slowest = sorted(truth.total_s for truth in truths)[1]
        one, other, *_ = (truth for truth in truths if truth.total_s <= slowest)
        return one, other

    def read(self, step: Step) -> Truth | str:
        """What one process measured, or why it could not."""
        if step not in self._read:
            self._read[step] = pickle.loads(self.path(step).read_bytes())
        return self._read[step]


def note_machine(kept: Kept, line: str) -> str:
    """The machine on which the folder's first times were taken, with the date: kept beside them."""
    path = kept.folder / "machine.json"
    if not path.exists():
        path.write_text(json.dumps({"machine": line}), encoding="utf-8")
    found: str = json.loads(path.read_text(encoding="utf-8"))["machine"]
    return found

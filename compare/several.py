"""Several graphs, each against the first: their order by predicted and by measured time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import PurePath
from typing import NamedTuple

from ..costmodel.result import GraphCost, Level, ModelSummary
from .result import Diff


class Agreement(NamedTuple):
    """Pairs of graphs that measure apart, and how many of them are predicted in that order."""

    apart: int
    in_order: int


class Interval(NamedTuple):
    """A measured latency over that of the first graph."""

    low: float
    ratio: float
    high: float


@dataclass(frozen=True, slots=True)
class Several:
    """Graphs against the first.

    Parameters
    ----------
    names
        Of all of them, the first one too: short, and told apart.
    diffs
        Each of the others against the first, in the order in which they were given.
    """

    names: tuple[str, ...]
    diffs: tuple[Diff, ...]

    @property
    def costs(self) -> tuple[GraphCost, ...]:
        """Of all graphs as executed by rules, or as written where rules failed."""
        known = all("executed" in diff.levels for diff in self.diffs)
        level: Level = "executed" if known else "written"
        pairs = [diff.levels[level] for diff in self.diffs]
        return (pairs[0].before, *(pair.after for pair in pairs))

    @property
    def predicted_s(self) -> tuple[float | None, ...]:
        """Of all graphs; None where a sum would leave nodes out."""
        return tuple(
            None if cost.coverage.unknown else cost.totals.latency_s for cost in self.costs
        )

    @property
    def measured(self) -> tuple[Interval, ...]:
        """Of all graphs; empty where nothing was measured."""
        found = [diff.measured.comparison for diff in self.diffs if diff.measured is not None]
        if len(found) < len(self.diffs):
            return ()
        floor = max(one.noise_floor for one in found)
        first = Interval(1 - floor, 1.0, 1 + floor)
        return (first, *(Interval(one.low, one.ratio, one.high) for one in found))

    @property
    def by_prediction(self) -> tuple[int, ...]:
        """Places of the graphs, the fastest first; those that are not known last."""
        times = self.predicted_s

        def rank(place: int) -> tuple[bool, float]:
            return times[place] is None, times[place] or 0.0

        return tuple(sorted(range(len(times)), key=rank))

    @property
    def by_measurement(self) -> tuple[int, ...]:
        """Places of the graphs, the fastest first; empty where nothing was measured."""
        found = self.measured
        return tuple(sorted(range(len(found)), key=lambda place: found[place].ratio))

    @property
    def fastest(self) -> tuple[int, ...]:
        """The fastest graph, and those that can't be told from it; as measured, else predicted."""
        if found := self.measured:
            best = found[self.by_measurement[0]]
            return tuple(at for at in self.by_measurement if found[at].low <= best.high)
        times = self.predicted_s
        best_s = times[self.by_prediction[0]]
        return tuple(at for at in self.by_prediction if best_s is not None and times[at] == best_s)

    @property
    def agreement(self) -> Agreement | None:
        """Whether what measures apart is predicted in that order; None where nothing is."""
        found, predicted = self.measured, self.predicted_s
        apart = in_order = 0
        for one, other in combinations(range(len(found)), 2):
            before, after = predicted[one], predicted[other]
            touch = found[one].low <= found[other].high and found[other].low <= found[one].high
            if touch or before is None or after is None:
                continue
            apart += 1
            in_order += (before < after) == (found[one].ratio < found[other].ratio)
        return Agreement(apart, in_order) if found else None


_ENDS = "._-/"


def names_of(models: Sequence[ModelSummary]) -> tuple[str, ...]:
    """Names of models that tell them apart, without what all begin with.

    Files of one name are told apart by their folders, and the same file by a number.
    """
    paths = [PurePath(model.path or "model") for model in models]
    short = [path.stem for path in paths]
    if len(set(short)) < len(set(paths)):
        short = [str(path.with_suffix("")) for path in paths]
    head = _shared(short)
    short = [name[head:] for name in short]
    seen: Counter[str] = Counter()
    found = []
    for name in short:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(found)


def _shared(names: Sequence[str]) -> int:
    """How many characters all begin with, up to the end of a word, so that none is left empty."""
    least = min(map(len, names))
    same = next(
        (at for at in range(least) if len({name[at] for name in names}) > 1),
        least if len(set(names)) > 1 else 0,
    )
    ends = [at + 1 for at in range(min(same, least - 1)) if names[0][at] in _ENDS]
    return max(ends, default=0)

"""Where two executed graphs differ, and what that takes.

A rewrite that was made at twelve places shows as twelve regions of one kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from ..costmodel.result import NodeCost
from ..ledger.ran import Ran
from ..ledger.regions import Left, Names, cancel, covers, regions
from .match import match

Sides = tuple[float | None, float | None]  # before, after
Operators = tuple[tuple[str, int], ...]  # operator type and how many of it

_NOISE = 2  # times what the whole model's latency is uncertain by: a profile is less certain


@dataclass(frozen=True, slots=True)
class Spent:
    """Executed nodes and their seconds, before and after; 0 where there is no node."""

    nodes: Names
    predicted_s: Sides
    measured_s: tuple[float, float]

    @property
    def change_s(self) -> float:
        """Measured seconds after less those before."""
        return self.measured_s[1] - self.measured_s[0]


@dataclass(frozen=True, slots=True)
class ChangedRegion:
    """What changed in one way at ``count`` places.

    ``operators`` are those of one place, before and after. ``below_noise`` says that the change
    of the measured time is no larger than what the measurement may be wrong by.
    """

    count: int
    operators: tuple[Operators, Operators]
    spent: Spent
    below_noise: bool


@dataclass(frozen=True, slots=True)
class Regions:
    """All that was executed: what changed, the most changed time first, and the rest."""

    changed: tuple[ChangedRegion, ...]
    unchanged: Spent


def find_regions(before: Ran, after: Ran, partners: Mapping[str, str], noise_s: float) -> Regions:
    """What changed between two executed graphs.

    Parameters
    ----------
    before, after
        The graphs as they were executed.
    partners
        Which written node of the second graph each of the first became.
    noise_s
        What the latency of the model may be wrong by.
    """
    rest = unequal(before, after, partners)
    changed = _grouped(regions(before, after, rest, partners), before, after, noise_s)
    equal = tuple(
        tuple(path for path in side.nodes if path not in left)
        for side, left in zip((before, after), rest, strict=True)
    )
    return Regions(tuple(changed), _spent((equal[0], equal[1]), before, after))


def unequal(before: Ran, after: Ran, partners: Mapping[str, str]) -> Left:
    """The nodes of both that have no equal on the other side.

    Equal are those that do the same work for the same written nodes, to make the same tensors, or
    at the same place between such.
    """
    keys = [covers(before, after, partners), (before.makes, after.makes)]
    _, left = cancel(before, after, keys, _work)
    if all(left):
        works = tuple(
            {path: ran.work(path, _work) for path in ran.nodes} for ran in (before, after)
        )
        for path, (other, _) in match(before.graph, after.graph, (works[0], works[1])).items():
            if path in left[0] and other in left[1] and works[0][path] == works[1][other]:
                del left[0][path], left[1][other]
    return left


def _work(cost: NodeCost) -> Hashable:
    """What is equal of nodes that take the same time."""
    flops = None if cost.flops is None else cost.flops + (cost.padded_flops or 0)
    return flops, cost.read_bytes, cost.write_bytes


def _grouped(
    parts: Iterable[Names], before: Ran, after: Ran, noise_s: float
) -> list[ChangedRegion]:
    """Regions of one kind together, the most changed time first."""
    kinds: dict[tuple[Operators, Operators], list[Names]] = {}
    for part in parts:
        kind = _operators(before, part[0]), _operators(after, part[1])
        kinds.setdefault(kind, []).append(part)
    regions = []
    for kind, alike in kinds.items():
        names = (
            tuple(name for part in alike for name in part[0]),
            tuple(name for part in alike for name in part[1]),
        )
        spent = _spent(names, before, after)
        quiet = abs(spent.change_s) <= _NOISE * noise_s
        regions.append(ChangedRegion(len(alike), kind, spent, quiet))
    return sorted(regions, key=lambda region: -abs(region.spent.change_s))


def _operators(ran: Ran, paths: Iterable[str]) -> Operators:
    counts = Counter(ran.nodes[path][1].qualified_type for path in paths)
    return tuple(sorted(counts.items(), key=lambda item: (item[0].rpartition("::")[2], item[0])))


def _spent(names: Names, before: Ran, after: Ran) -> Spent:
    first, second = zip((before, after), names, strict=True)
    return Spent(
        names,
        (_predicted(*first), _predicted(*second)),
        (_measured(*first), _measured(*second)),
    )


def _predicted(ran: Ran, paths: Iterable[str]) -> float | None:
    """None where a node's is not known."""
    times = [cost.latency_s for path in paths if (cost := ran.costs.get(path)) is not None]
    known = [time for time in times if time is not None]
    return sum(known) if len(known) == len(times) else None


def _measured(ran: Ran, paths: Iterable[str]) -> float:
    return sum(ran.seconds.get(path, 0.0) for path in paths)

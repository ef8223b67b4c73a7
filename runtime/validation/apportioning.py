"""The measured time of executed nodes given to the originals that they do the work of."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...costmodel import GraphCost
from ...lineage.lineage import INSERTED, Fate, Lineage, Status
from .checks import NodeCheck


@dataclass(frozen=True, slots=True)
class OriginalTime:
    """An original node and the time that is spent on it.

    ``measured_s`` is None of a ``missing`` one, and 0 where nothing was executed for it. With
    ``apportioned`` it is a share of what executed nodes took for several originals together.
    """

    name: str
    status: Fate
    measured_s: float | None
    apportioned: bool = False


@dataclass(frozen=True, slots=True)
class Boundary:
    """What was inserted between some originals: the maker of a tensor, and its readers."""

    status: Status
    originals: tuple[str, ...]
    nodes: tuple[str, ...]
    measured_s: float


def original_times(
    nodes: Iterable[NodeCheck], attribution: Lineage, written: GraphCost
) -> tuple[OriginalTime, ...]:
    """The originals with the time of the nodes that do their work.

    What does the work of several is apportioned to them by what each is predicted to take as
    written, evenly where that is not known of all.
    """
    weights = {cost.name: cost.latency_s for cost in written.nodes}
    parts: dict[str, list[float]] = {name: [] for name in attribution.originals}
    apportioned: set[str] = set()
    for node in nodes:
        if not node.placed:
            continue
        shares = _shares([weights.get(name) for name in node.originals])
        for name, share in zip(node.originals, shares, strict=True):
            parts[name].append(share * node.measured_s)
        if len(node.originals) > 1:
            apportioned.update(node.originals)
    return tuple(
        OriginalTime(
            name,
            fate,
            None if fate == "missing" else math.fsum(parts[name]),
            name in apportioned,
        )
        for name, fate in attribution.originals.items()
    )


def _shares(weights: Sequence[float | None]) -> list[float]:
    """Parts of 1 by weight; equal ones where not all weights are known, or all are 0."""
    known = [weight for weight in weights if weight is not None]
    whole = math.fsum(known)
    if len(known) < len(weights) or not whole:
        return [1 / len(weights)] * len(weights)
    return [weight / whole for weight in known]


def boundaries_of(nodes: Iterable[NodeCheck]) -> tuple[Boundary, ...]:
    """What was inserted, by the originals that it stands between."""
    found: dict[tuple[Status, tuple[str, ...]], list[NodeCheck]] = defaultdict(list)
    for node in nodes:
        if node.status in INSERTED:
            found[node.status, node.originals].append(node)
    return tuple(
        Boundary(
            status,
            originals,
            tuple(node.executed for node in inserted),
            math.fsum(node.measured_s for node in inserted),
        )
        for (status, originals), inserted in found.items()
    )

"""Why one graph takes longer than another: what its executed nodes add, by cause."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ..ledger.ran import Ran
from ..passes.lowering.near import NearMiss
from .added import Added, added
from .reasons import Reason, reason
from .result import Diff

By = Literal["predicted", "measured"]

_LEAST = 0.005  # of the latency: less is no difference to speak of


class Slow(NamedTuple):
    """An executed node, the written ones that it stands for, and the seconds that it adds.

    One that the runtime ``inserted`` stands between those instead.
    """

    path: str
    originals: tuple[str, ...]
    inserted: bool
    added_s: float


@dataclass(frozen=True, slots=True)
class Cause:
    """Nodes that add time for one reason.

    Parameters
    ----------
    reason
        Why, and what to do about it.
    nodes
        Those of the graph after, what adds most first.
    operators
        How many of each operator they are, the most time first.
    added_s
        Seconds that all of them add.
    share
        Of all that is added.
    """

    reason: Reason
    nodes: tuple[Slow, ...]
    operators: tuple[tuple[str, int], ...]
    added_s: float
    share: float


@dataclass(frozen=True, slots=True)
class Slower:
    """What makes a graph slower than the one before.

    Parameters
    ----------
    by
        Whether times are predicted by rules, or measured by profile.
    seconds
        Latencies before and after.
    causes
        What adds time, the most first.
    added_s, saved_s
        Sums of what nodes add, and of what others save.
    """

    by: By
    seconds: tuple[float, float]
    causes: tuple[Cause, ...]
    added_s: float
    saved_s: float


def slower(diff: Diff) -> tuple[Slower, ...]:
    """Why the graph after is slower: as measured where it is so, then as predicted likewise.

    Nothing of where it is not slower, or of where it is not known what is executed.
    """
    found = []
    measured = diff.measured
    if measured is not None and measured.comparison.verdict == "slower":
        found += [] if measured.ran is None else [_explained(diff, measured.ran, "measured")]
    if diff.ran is not None:
        before, after = (ran.cost.totals.latency_s for ran in diff.ran)
        if is_slower(before, after):
            found.append(_explained(diff, diff.ran, "predicted"))
    return tuple(found)


def is_slower(before: float | None, after: float | None) -> bool:
    """Whether a predicted latency is larger than another, by a difference to speak of."""
    return before is not None and after is not None and after > before * (1 + _LEAST)


def _explained(diff: Diff, ran: tuple[Ran, Ran], by: By) -> Slower:
    partners = {p.before.name: p.after.name for p in diff.pairs if p.before and p.after}
    first, second = ran
    times = [_seconds(side, by) for side in ran]
    groups: dict[Reason, list[Added]] = defaultdict(list)
    known = _by_original(diff.declined)
    for one in added(first, second, partners, (times[0], times[1])):
        if one.added_s > 0:
            groups[reason(second, one, diff.device, known)].append(one)
    whole = sum(one.added_s for group in groups.values() for one in group)
    causes = sorted(
        (_cause(why, group, second, whole) for why, group in groups.items()),
        key=lambda cause: -cause.added_s,
    )
    both = sum(times[0].values()), sum(times[1].values())
    return Slower(by, both, tuple(causes), whole, both[0] + whole - both[1])


def _seconds(ran: Ran, by: By) -> Mapping[str, float]:
    """By path of what is executed; nothing of a node whose time is not known."""
    if by == "measured":
        return {path: ran.seconds.get(path, 0.0) for path in ran.nodes}
    return {path: cost.latency_s or 0.0 for path, cost in ran.costs.items() if path in ran.nodes}


def _by_original(declined: Iterable[NearMiss]) -> Mapping[str, NearMiss]:
    """The first rewrite that the runtime nearly makes at each written node."""
    found: dict[str, NearMiss] = {}
    for near in declined:
        for node in near.nodes:
            found.setdefault(node, near)
    return found


def _cause(why: Reason, group: Sequence[Added], after: Ran, whole: float) -> Cause:
    ranked = sorted(group, key=lambda one: -one.added_s)
    counts: dict[str, int] = defaultdict(int)
    for one in ranked:
        counts[after.nodes[one.path][1].qualified_type] += 1
    seconds = sum(one.added_s for one in ranked)
    nodes = tuple(
        Slow(one.path, after.originals(one.path), after.inserted(one.path), one.added_s)
        for one in ranked
    )
    return Cause(why, nodes, tuple(counts.items()), seconds, seconds / whole)

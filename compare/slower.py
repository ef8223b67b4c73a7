"""Why one graph takes longer than another: what its executed nodes add, by cause.

Executed nodes belong together that do the work of written nodes which became one another. Of such
nodes those that do the main work are held against what did it before; what is executed beside them,
and what stands for no node of the graph before, is added whole. What is added and what is saved
make up the difference, to the last node.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ..ledger.parts import parts
from ..ledger.ran import Ran
from ..passes.lowering.near import NearMiss
from .reasons import Added, Reason, reason
from .result import Diff

By = Literal["predicted", "measured"]

_LEAST = 0.005  # of the latency: less is no difference to speak of
_Item = tuple[int, str]  # side, path of a node
_WRITTEN = 2  # a side of its own: written nodes, by their names after


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
    for one in _added(first, second, partners, (times[0], times[1])):
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


def _added(
    before: Ran,
    after: Ran,
    partners: Mapping[str, str],
    times: tuple[Mapping[str, float], Mapping[str, float]],
) -> Iterator[Added]:
    """What every node of the graph after adds; less than nothing where it saves."""
    items: list[_Item] = [(side, path) for side in (0, 1) for path in times[side]]
    inserted: tuple[dict[str, float], ...] = ({}, {})
    groups: list[tuple[list[str], list[str]]] = []
    for group in parts(items, _links((before, after), partners, times)):
        first, name = group[0]
        if (before, after)[first].inserted(name):
            inserted[first][name] = times[first][name]
        else:
            old, new = ([path for one, path in group if one == side] for side in (0, 1))
            groups.append((old, new))
    for old, new in _matched(groups, before, after):
        yield from _of_group(before, after, old, new, times)
    yield from _of_inserted(before, after, inserted)


def _matched(
    groups: Iterable[tuple[list[str], list[str]]], before: Ran, after: Ran
) -> Iterator[tuple[list[str], list[str]]]:
    """Groups; of those on one side alone, products of as many MACs belong together."""
    waiting: dict[int, deque[list[str]]] = defaultdict(deque)
    alone: list[list[str]] = []
    for old, new in groups:
        if old and new:
            yield old, new
        elif old:
            waiting[_macs(before, old)].append(old)
        else:
            alone.append(new)
    for new in alone:
        macs = _macs(after, new)
        yield (waiting[macs].popleft() if macs and waiting[macs] else []), new


def _macs(ran: Ran, paths: Iterable[str]) -> int:
    return sum(ran.costs[path].macs or 0 for path in paths if path in ran.costs)


def _links(
    sides: tuple[Ran, Ran],
    partners: Mapping[str, str],
    times: tuple[Mapping[str, float], Mapping[str, float]],
) -> Iterator[tuple[_Item, _Item]]:
    """Nodes and the written ones that they stand for, where these have partners."""
    known = set(partners.values())
    for side, ran in enumerate(sides):
        for path in times[side]:
            if ran.inserted(path):
                continue
            for original in ran.originals(path):
                name = partners.get(original) if side == 0 else original
                if name in known and name is not None:
                    yield (side, path), (_WRITTEN, name)


def _of_group(
    before: Ran,
    after: Ran,
    old: Sequence[str],
    new: Sequence[str],
    times: tuple[Mapping[str, float], Mapping[str, float]],
) -> Iterator[Added]:
    """What did the work before goes off those that do it now, in proportion to their time."""
    main = _main(before, after, old, new)
    spent = sum(times[0][path] for path in old)
    whole = sum(times[1][path] for path in main)
    for path in new:
        seconds = times[1][path]
        if path not in main:
            yield Added(path, seconds, (), bool(old))
            continue
        share = seconds / whole if whole else 1 / len(main)
        works = tuple(before.nodes[one][1].qualified_type for one in old)
        yield Added(path, seconds - share * spent, works, bool(old))


def _main(before: Ran, after: Ran, old: Sequence[str], new: Sequence[str]) -> frozenset[str]:
    """Of nodes after those that do what the ones before did: products, else the same operators."""
    if not old:
        return frozenset()
    if any(_multiplies(before, path) for path in old):
        found = [path for path in new if _multiplies(after, path)]
    else:
        types = {before.nodes[path][1].op_type for path in old}
        found = [path for path in new if after.nodes[path][1].op_type in types]
    return frozenset(found or new)


def _multiplies(ran: Ran, path: str) -> bool:
    return _macs(ran, (path,)) > 0


def _of_inserted(
    before: Ran, after: Ran, inserted: Sequence[Mapping[str, float]]
) -> Iterator[Added]:
    """What was put in to change layouts and types, less what of the same operator was before."""
    spent: dict[str, float] = defaultdict(float)
    whole: dict[str, float] = defaultdict(float)
    for side, ran, sums in ((0, before, spent), (1, after, whole)):
        for path, seconds in inserted[side].items():
            sums[ran.nodes[path][1].qualified_type] += seconds
    for path, seconds in inserted[1].items():
        kind = after.nodes[path][1].qualified_type
        share = seconds / whole[kind] if whole[kind] else 0.0
        works = (kind,) if spent[kind] else ()
        yield Added(path, seconds - share * spent[kind], works, bool(works))


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

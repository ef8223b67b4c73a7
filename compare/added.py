"""What the executed nodes of a graph add to those of the graph before.

Executed nodes belong together that do the work of written nodes which became one another. Of such
nodes those that do the main work are held against what did it before; what is executed beside them,
and what stands for no node of the graph before, is added whole. What is added and what is saved
make up the difference, to the last node.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ..ledger.parts import parts
from ..ledger.ran import Ran

_Item = tuple[int, str]  # side, path of a node
_WRITTEN = 2  # a side of its own: written nodes, by their names after
_Times = tuple[Mapping[str, float], Mapping[str, float]]  # before, after


class Added(NamedTuple):
    """What a node of the graph after adds.

    Parameters
    ----------
    path
        The node.
    added_s
        Seconds, less those of what did its work before.
    works
        Operator types of what did its work before.
    beside
        Whether something before did the work of it, or of the nodes that it stands with.
    """

    path: str
    added_s: float
    works: tuple[str, ...]
    beside: bool


def added(
    before: Ran,
    after: Ran,
    partners: Mapping[str, str],
    times: _Times,
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
    """Groups; those on one side alone go together where they do equal work."""
    waiting: dict[Hashable, deque[list[str]]] = defaultdict(deque)
    alone: list[list[str]] = []
    for old, new in groups:
        if old and new:
            yield old, new
        elif old:
            waiting[_work(before, old)].append(old)
        else:
            alone.append(new)
    for new in alone:
        equal = waiting[_work(after, new)]
        yield (equal.popleft() if equal else []), new


def _work(ran: Ran, paths: Sequence[str]) -> Hashable:
    """What is equal of nodes that do the same: MACs, or else operators with FLOPs and traffic."""
    if macs := _macs(ran, paths):
        return macs
    works = []
    for path in paths:
        cost = ran.costs.get(path)
        known = (0, 0) if cost is None else (cost.flops or 0, cost.traffic_bytes or 0)
        works.append((ran.nodes[path][1].qualified_type, *known))
    return tuple(sorted(works))


def _macs(ran: Ran, paths: Iterable[str]) -> int:
    found = (ran.costs.get(path) for path in paths)
    return sum(cost.macs or 0 for cost in found if cost is not None)


def _links(
    sides: tuple[Ran, Ran],
    partners: Mapping[str, str],
    times: _Times,
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
    times: _Times,
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
